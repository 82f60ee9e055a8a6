"""Real diffusers pipelines with tiny random weights: what tests, docs and offline examples run on.

Every supported family and task is here as a pair: a T2V pipeline and the I2V pipeline derived
from it, built in memory without any download, a few hundred kilobytes each, four steps in
about a second on one CPU core. They go through the same diffusers code as the published
checkpoints; only sizes and weights differ. Importing this package does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dymos_probe.testing.registry import PIPELINES, build_pipeline, load_pipeline, save_pair, settings
from dymos_probe.testing.settings import Arm, CallSettings

if TYPE_CHECKING:
    from dymos_probe.testing.images import reference_image

__all__ = [
    "PIPELINES",
    "Arm",
    "CallSettings",
    "build_pipeline",
    "load_pipeline",
    "reference_image",
    "save_pair",
    "settings",
]


def __getattr__(name: str) -> Any:
    """Load the names that need numpy and pillow when they are first used (PEP 562)."""
    if name == "reference_image":
        from dymos_probe.testing.images import reference_image

        return reference_image
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
