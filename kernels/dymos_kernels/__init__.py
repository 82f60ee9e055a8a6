"""Attention of video transformers with a bias on one key frame, and exact frame mass (Eqs. 6 and 8)."""

from dymos_kernels.api import (
    attention_with_mass,
    attention_with_response,
    biased_attention,
    choose,
    frame_mass,
    frame_response,
    implementations,
)
from dymos_kernels.layout import FrameLayout, FrameMass
from dymos_kernels.measured import Choice

__all__ = [
    "Choice",
    "FrameLayout",
    "FrameMass",
    "attention_with_mass",
    "attention_with_response",
    "biased_attention",
    "choose",
    "frame_mass",
    "frame_response",
    "implementations",
]
