"""Every metric by name, and which of them suit a study."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from dymos_probe.errors import InputError
from dymos_probe.metrics import fidelity, neighbours, optical_flow, quality, sprites, warp
from dymos_probe.metrics.learned import aesthetic, clip_similarity, dino, musiq, raft, viclip
from dymos_probe.metrics.metric import Derived, Metric

METRICS: Final[Mapping[str, Metric | Derived]] = MappingProxyType(
    {
        metric.name: metric
        for kind in (
            sprites,
            optical_flow,
            neighbours,
            fidelity,
            warp,
            raft,
            clip_similarity,
            dino,
            aesthetic,
            musiq,
            viclip,
            quality,
        )
        for metric in kind.METRICS
    }
)
"""Every metric by name; those without weights come first, those made of others last."""

_SPRITES_PAIRS: Final = ("sprites", "sprites-uncurated")


def get_metric(name: str) -> Metric | Derived:
    """Return the metric called ``name``.

    Raises
    ------
    InputError
        When there is none; the message lists those there are.
    """
    if name not in METRICS:
        raise InputError(f"metric {name!r} is unknown; choose from {', '.join(METRICS)}")
    return METRICS[name]


def default_metrics(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the metrics that suit a study with the configuration ``config``; none needs weights."""
    pair = config.get("pair")
    if isinstance(pair, Mapping) and pair.get("preset") in _SPRITES_PAIRS:
        return ("sprite_displacement", "sprite_along", "sprite_lost_frames", "optical_flow", "psnr_to_reference")
    return ("optical_flow", "frame_difference", "psnr_to_reference")
