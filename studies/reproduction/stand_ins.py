"""What is measured in place of the paper's metrics, which need weights that no shipped pair is a video for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dymos_probe.metrics.registry import get_metric
from studies.reproduction.setting import SHIPPED


@dataclass(frozen=True, kw_only=True)
class StandIns:
    """Names of metrics by the part they play."""

    motion: str
    """For Dynamic Degree: what every sentence about motion is about."""
    motion_too: str | None = None
    """A second measure of motion, as the paper has VideoScore's beside VBench's."""
    quality: str | None = None
    """For Video Quality: one number a video that gets worse when pictures fall apart."""
    worse: int = 1
    """Sign of a change of quality for the worse."""
    quality_margin: float | None = None
    """The largest change of quality for the worse that counts as none; None where nobody can say."""
    motion_margin: float | None = None
    """The same of motion, where it is to stay as it is."""
    alignment: str | None = None
    """For ViCLIP: how far the video does what the text says."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every metric that is measured, each once."""
        given = (self.motion, self.motion_too, self.quality, self.alignment)
        return tuple(dict.fromkeys(name for name in given if name is not None))

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """(The paper's metric, ours), for those that have a stand-in."""
        pairs = (
            ("Dynamic Degree (VBench)", self.motion),
            ("Dynamic Degree (VideoScore)", self.motion_too),
            ("Video Quality", self.quality),
            ("ViCLIP", self.alignment),
        )
        return tuple((theirs, ours) for theirs, ours in pairs if ours is not None)


OF_SPRITES: Final = StandIns(
    motion="sprite_displacement",
    motion_too="optical_flow",
    quality="sprite_lost_frames",
    quality_margin=1.0,
    motion_margin=1.0,
    alignment="sprite_along",
)
"""One frame of 25, and one pixel of the some fifteen that a sprite goes."""
OF_ANY: Final = StandIns(motion="optical_flow", motion_too="frame_difference")

NOTE: Final = "VisionReward, a judge of real videos, has no stand-in."


def stand_ins(pair: str) -> StandIns:
    """Return what is measured of a pair."""
    return OF_SPRITES if pair in SHIPPED else OF_ANY


def heading(metric: str) -> str:
    """Return a metric's name and unit, for a table: ``displacement of the sprite (px)``."""
    about = get_metric(metric)
    return about.long_name + ("" if about.units == "1" or about.units in about.long_name else f" ({about.units})")


def units(metric: str) -> str:
    """Return the unit after a number, with its space, or nothing."""
    found = get_metric(metric).units
    return "" if found == "1" else f" {found}"
