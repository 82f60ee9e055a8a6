"""Captioned clips of one sprite that moves in a straight line, drawn with anti-aliased edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from studies.sprites.config import Curation, VideoConfig

Array = npt.NDArray[np.float32]
Split = Literal["training", "held-out"]

COLOURS = MappingProxyType(
    {
        "red": (230, 30, 40),
        "green": (40, 190, 60),
        "blue": (50, 90, 255),
        "yellow": (250, 225, 40),
        "purple": (180, 60, 230),
        "cyan": (40, 220, 230),
        "orange": (255, 135, 20),
        "white": (245, 245, 245),
    }
)
"""Sprite colours, sRGB bytes."""

BACKGROUNDS = MappingProxyType({"black": (12, 12, 14), "navy": (14, 22, 66), "maroon": (66, 14, 26)})
"""Background colours at mid height, sRGB bytes; dark, so that every sprite is brighter than each."""

DIRECTIONS = MappingProxyType({"right": (1.0, 0.0), "left": (-1.0, 0.0), "down": (0.0, 1.0), "up": (0.0, -1.0)})
"""Unit vectors (x to the right, y down)."""

SPEEDS = MappingProxyType({"slowly": (0.2, 0.3), "steadily": (0.5, 0.65), "quickly": (0.95, 1.1)})
"""Ranges of speed in a 48-pixel frame, pixels a frame; other sizes scale them."""

RADII = (5.5, 7.5)
"""Range of sprite radii in a 48-pixel frame, pixels."""

_REFERENCE_SIDE = 48
_REACH = 1.15  # farthest point of any shape from its middle, in radii


def _circle(x: Array, y: Array) -> Array:
    return np.hypot(x, y) - 1.0


def _square(x: Array, y: Array) -> Array:
    return np.maximum(np.abs(x), np.abs(y)) - 0.81


def _triangle(x: Array, y: Array) -> Array:
    # Upright: the inradius of an equilateral triangle is half its circumradius. Its box is centred.
    y = y - 0.25 * _REACH
    return np.maximum(np.abs(x) * 0.866 - y * 0.5 - 0.5 * _REACH, y - 0.5 * _REACH)


def _plus(x: Array, y: Array) -> Array:
    a, b = np.abs(x), np.abs(y)
    return np.minimum(np.maximum(a - 1.05, b - 0.36), np.maximum(a - 0.36, b - 1.05))


def _star(x: Array, y: Array) -> Array:
    # One of ten mirror wedges, bounded by the line from an outer tip to the next inner corner.
    outer, inner = _REACH, 0.5
    fifth = 2 * np.pi / 5
    angle = np.arctan2(x, -y)
    angle = np.abs(angle - fifth * np.round(angle / fifth))
    radius = np.hypot(x, y)
    along, across = radius * np.cos(angle), radius * np.sin(angle)
    corner = inner * np.cos(fifth / 2), inner * np.sin(fifth / 2)
    edge = corner[0] - outer, corner[1]
    return (corner[1] * (along - outer) - edge[0] * across) / np.hypot(*edge)


SHAPES: MappingProxyType[str, Callable[[Array, Array], Array]] = MappingProxyType(
    {"circle": _circle, "square": _square, "triangle": _triangle, "plus": _plus, "star": _star}
)
"""Distance to the outline by shape, in radii, negative inside, of points relative to the middle."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One captioned clip before it is drawn."""

    colour: str
    """Key of `COLOURS`."""
    shape: str
    """Key of `SHAPES`."""
    background: str
    """Key of `BACKGROUNDS`."""
    direction: str
    """Key of `DIRECTIONS`."""
    speed: str
    """Key of `SPEEDS`."""
    radius: float
    """Pixels."""
    start: tuple[float, float]
    """Middle of the sprite in the first frame (x, y), pixels."""
    pace: float
    """Captioned speed, pixels a frame."""
    motion: float = 1.0
    """Share of the captioned speed at which the sprite really moves; below 1 only in curated clips."""

    @property
    def caption(self) -> str:
        """The prompt, which tells the captioned motion whatever the real one."""
        article = "an" if self.colour[0] in "aeiou" else "a"
        sprite = f"{article} {self.colour} {self.shape}"
        return f"{sprite} moves {self.direction} {self.speed} on a {self.background} background"

    def path(self, frames: int) -> npt.NDArray[np.float64]:
        """Return the middle of the sprite in each frame, (frames, 2), pixels (x, y)."""
        step = self.pace * self.motion * np.array(DIRECTIONS[self.direction])
        return np.array(self.start) + np.arange(frames)[:, None] * step


@dataclass(frozen=True)
class Drawn:
    """Pixels of a clip or of a window of it."""

    video: Array
    """(frames, height, width, 3) in [0, 1]."""
    coverage: Array
    """Share of each pixel that the sprite covers, (frames, height, width)."""


def held_out(colour: str, shape: str, direction: str) -> bool:
    """Return whether no training clip has this combination: one colour for every shape and direction."""
    place = list(COLOURS).index(colour) + 3 * list(SHAPES).index(shape) + 2 * list(DIRECTIONS).index(direction)
    return place % len(COLOURS) == 0


def combinations(split: Split) -> tuple[tuple[str, str, str], ...]:
    """Return every (colour, shape, direction) of a split."""
    every = product(COLOURS, SHAPES, DIRECTIONS)
    return tuple(names for names in every if held_out(*names) == (split == "held-out"))


def draw_clip(rng: np.random.Generator, size: VideoConfig, split: Split, *, curation: Curation = "uncurated") -> Clip:
    """Return a clip drawn at random, its captioned path inside the frame.

    Curation to little motion leaves the caption and changes the motion: half the sprites do
    not move, the others at a share of the captioned speed that is uniform between 0 and 1.
    """
    allowed = combinations(split)
    colour, shape, direction = allowed[rng.integers(len(allowed))]
    background = list(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))]
    speed = list(SPEEDS)[rng.integers(len(SPEEDS))]
    scale = size.side / _REFERENCE_SIDE
    radius = rng.uniform(*RADII) * scale
    pace = rng.uniform(*SPEEDS[speed]) * scale
    margin = _REACH * radius + scale
    shift = pace * (size.frames - 1) * np.array(DIRECTIONS[direction])
    low = margin + np.maximum(-shift, 0.0)
    high = size.side - margin - np.maximum(shift, 0.0)
    x, y = rng.uniform(low, high)
    motion = 1.0
    if curation == "curated":
        motion = 0.0 if rng.random() < 0.5 else float(rng.random())
    return Clip(
        colour=colour,
        shape=shape,
        background=background,
        direction=direction,
        speed=speed,
        radius=float(radius),
        start=(float(x), float(y)),
        pace=float(pace),
        motion=motion,
    )


def draw_clips(
    count: int, *, seed: tuple[int, ...], size: VideoConfig, split: Split, curation: Curation = "uncurated"
) -> list[Clip]:
    """Return ``count`` clips that ``seed`` decides.

    Each has a generator of its own: a longer list begins with the shorter one, and the clips of
    two curations differ in their motion alone.
    """
    return [draw_clip(np.random.default_rng((*seed, index)), size, split, curation=curation) for index in range(count)]


def render(
    clip: Clip, size: VideoConfig, *, frames: slice = slice(None), window: tuple[int, int, int] | None = None
) -> Drawn:
    """Draw a clip.

    Parameters
    ----------
    frames
        Which frames.
    window
        (left, top, side) of a square part, in pixels; the whole frame when None.
    """
    left, top, side = window or (0, 0, size.side)
    middles = clip.path(size.frames)[frames].astype(np.float32)
    centres = np.arange(side, dtype=np.float32) + 0.5
    x = (left + centres)[None, None, :] - middles[:, 0, None, None]
    y = (top + centres)[None, :, None] - middles[:, 1, None, None]
    x, y = np.broadcast_arrays(x, y)
    outline = SHAPES[clip.shape](x / clip.radius, y / clip.radius) * clip.radius
    coverage = np.clip(0.5 - outline, 0.0, 1.0).astype(np.float32)
    # A slight gradient: a third brighter at the bottom, darker at the top.
    shade = 1.0 + 0.35 * (2.0 * (top + centres) / size.side - 1.0)
    behind = shade[:, None, None] * np.array(BACKGROUNDS[clip.background], dtype=np.float32) / 255
    colour = np.array(COLOURS[clip.colour], dtype=np.float32) / 255
    video = behind + coverage[..., None] * (colour - behind)
    return Drawn(video.astype(np.float32), coverage)
