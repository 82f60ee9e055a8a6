"""The metrics a study's videos have without learned weights: what each is called, what it is, how it is measured.

Videos of a study are lossy MP4 files. Of 60 drawn sprites of 48×48 the displacement along their direction, tracked
after coding and decoding, differed from that of the drawn frames by 0.03 px on average and 0.14 px at most (a middle
in one frame by 0.29 px at most), and none was lost. What is still in the drawing then has an optical flow of up to
0.01 px.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dymos_probe.errors import InputError
from dymos_probe.metrics.optical_flow import FlowSettings, measure_motion
from dymos_probe.metrics.sprites import Track, track_sprite

Frames = npt.NDArray[np.uint8]

DIRECTIONS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"right": (1.0, 0.0), "left": (-1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
)
"""Direction words of captions as (x to the right, y down)."""

_SPRITES_PAIRS = ("sprites", "sprites-uncurated")


@dataclass(frozen=True)
class Measurement:
    """A value, or why there is none."""

    value: float
    """NaN where there is none."""
    why: str = ""
    """Why there is none, in the same words for all videos of that kind; empty where there is one."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number of a video."""

    name: str
    """Its variable in the store is ``metric_<name>``."""
    long_name: str
    """What it is, in a line."""
    units: str
    """``px``, or ``1`` for a plain number."""
    calibrated: bool
    """Whether its values are what its name says; otherwise they only order videos."""
    settings: str
    """What else decides its values, in words."""
    measure: Callable[[Frames, str, float], Measurement]
    """Of a video (frames, height, width, 3), its prompt and its frames per second."""

    @property
    def attrs(self) -> dict[str, Any]:
        """What is kept with the values; values of other attributes are not mixed with these."""
        return {
            "long_name": self.long_name,
            "units": self.units,
            "weights": "none",
            "calibrated": self.calibrated,
            "settings": self.settings,
        }


def get_metric(name: str) -> Metric:
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
    """Return the names of the metrics that suit a study with the configuration ``config``."""
    pair = config.get("pair")
    if isinstance(pair, Mapping) and pair.get("preset") in _SPRITES_PAIRS:
        return ("sprite_displacement", "sprite_along", "sprite_lost_frames", "optical_flow")
    return ("optical_flow", "frame_difference")


def prompt_direction(prompt: str) -> str | None:
    """Return the only direction word of a prompt (right, left, up or down), or None."""
    words = {word for word in re.findall(r"[a-z]+", prompt.lower()) if word in DIRECTIONS}
    return words.pop() if len(words) == 1 else None


def _too_short(video: Frames) -> Measurement | None:
    return Measurement(math.nan, "a video of one frame does not move") if len(video) < 2 else None


def _of_track(video: Frames, value: Callable[[Track], float]) -> Measurement:
    if short := _too_short(video):
        return short
    track = track_sprite(video)
    return Measurement(math.nan, "the sprite is lost in some frame") if track.lost else Measurement(value(track))


def _sprite_displacement(video: Frames, prompt: str, fps: float) -> Measurement:
    return _of_track(video, lambda track: track.distance)


def _sprite_along(video: Frames, prompt: str, fps: float) -> Measurement:
    word = prompt_direction(prompt)
    if word is None:
        return Measurement(math.nan, f"the prompt does not name one direction ({', '.join(DIRECTIONS)})")
    return _of_track(video, lambda track: track.along(DIRECTIONS[word]))


def _sprite_lost_frames(video: Frames, prompt: str, fps: float) -> Measurement:
    return _too_short(video) or Measurement(float(track_sprite(video).lost_frames))


def _optical_flow(video: Frames, prompt: str, fps: float) -> Measurement:
    mean = measure_motion(video, fps=fps).mean
    return Measurement(mean, "the video is too short for two frames at the rate compared" if math.isnan(mean) else "")


def _frame_difference(video: Frames, prompt: str, fps: float) -> Measurement:
    if short := _too_short(video):
        return short
    pairs = zip(video[1:].astype(np.int16), video[:-1], strict=True)
    return Measurement(float(np.mean([np.abs(later - earlier).mean() for later, earlier in pairs])) / 255.0)


_TRACKER: Final = "first frame to last; median background, largest region; no value where it is lost in any frame"
_FLOW: Final = FlowSettings()

_ALL: Final = (
    Metric(
        name="sprite_displacement",
        long_name="displacement of the sprite",
        units="px",
        calibrated=True,
        settings=_TRACKER,
        measure=_sprite_displacement,
    ),
    Metric(
        name="sprite_along",
        long_name="displacement along the caption",
        units="px",
        calibrated=True,
        settings=_TRACKER,
        measure=_sprite_along,
    ),
    Metric(
        name="sprite_lost_frames",
        long_name="frames with the sprite lost",
        units="frames",
        calibrated=True,
        settings="frames without one sprite near where it was; median background, largest region",
        measure=_sprite_lost_frames,
    ),
    Metric(
        name="optical_flow",
        long_name="optical flow, uncalibrated",
        units="px",
        calibrated=False,
        settings=f"largest {_FLOW.top_share:.0%} of OpenCV DIS medium, mean over pairs, about "
        f"{_FLOW.frame_rate:g} frames a second, sides from {_FLOW.least_side} px, gradient from "
        f"{_FLOW.least_gradient:g} levels a pixel, forward-backward consistent",
        measure=_optical_flow,
    ),
    Metric(
        name="frame_difference",
        long_name="difference of neighbouring frames",
        units="1",
        calibrated=True,
        settings="mean absolute, all frames and channels, of the full range",
        measure=_frame_difference,
    ),
)

METRICS: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in _ALL})
"""Every metric by name."""
