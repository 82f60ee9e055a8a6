"""The families there are: one line each."""

from __future__ import annotations

from typing import Any

from dymos_probe.errors import InputError
from dymos_probe.families.base import Arm, Family
from dymos_probe.families.cogvideox import CogVideoX
from dymos_probe.families.hunyuan_video import HunyuanVideo
from dymos_probe.families.hunyuan_video15 import HunyuanVideo15
from dymos_probe.families.ltx import LTXVideo
from dymos_probe.families.wan import Wan

FAMILIES: tuple[Family, ...] = (CogVideoX(), Wan(), HunyuanVideo15(), HunyuanVideo(), LTXVideo())


def family_of(pipe: Any) -> tuple[Family, Arm]:
    """Return the family and arm of a diffusers pipeline.

    Raises
    ------
    InputError
        When no family knows the pipeline's class; the message lists those that are known.
    """
    return family_named(type(pipe).__name__)


def family_named(pipeline: str) -> tuple[Family, Arm]:
    """Return the family and arm of the diffusers pipeline class called ``pipeline``.

    Raises
    ------
    InputError
        As :func:`family_of`.
    """
    for family in FAMILIES:
        for arm, names in family.pipelines.items():
            if pipeline in names:
                return family, arm
    known = ", ".join(name for family in FAMILIES for names in family.pipelines.values() for name in names)
    raise InputError(f"{pipeline} is no pipeline this package knows; known are {known} (docs/adding-a-family.md)")
