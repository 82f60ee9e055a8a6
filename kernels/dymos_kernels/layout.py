"""Where the frames are in a token sequence, and the frame mass measured over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F


class FrameMass(NamedTuple):
    """Attention mass that each query frame gives to each key frame and to the text (Eq. 8).

    Summed over key frames, ``mass`` is ``1 - text`` for every query frame.
    """

    mass: Tensor
    """(B, H, F, F) float32: query frame, key frame."""
    text: Tensor
    """(B, H, F) float32: mass on keys that belong to no frame; 0 where the sequence has none."""


class Segment(NamedTuple):
    """A run of keys, ``[start, stop)``."""

    start: int
    stop: int
    frame: int | None
    """The latent frame it is; None when it is text or a union of runs."""


@dataclass(frozen=True, kw_only=True)
class FrameLayout:
    """Latent frames inside a token sequence; every token outside ``[start, stop)`` is text.

    Raises
    ------
    ValueError
        When ``frames`` or ``tokens`` is below 1 or ``start`` is negative.
    """

    frames: int
    """Latent frames F."""
    tokens: int
    """Tokens of one frame, P of Eq. 8."""
    start: int = 0
    """Index of the first video token."""

    def __post_init__(self) -> None:
        """Refuse sizes no sequence can have."""
        if self.frames < 1 or self.tokens < 1 or self.start < 0:
            raise ValueError(f"a layout needs frames >= 1, tokens >= 1 and start >= 0, got {self}")

    @property
    def stop(self) -> int:
        """Index behind the last video token."""
        return self.start + self.frames * self.tokens

    def span(self, frame: int) -> tuple[int, int]:
        """Return the first token of ``frame`` and the one behind its last."""
        first = self.start + frame * self.tokens
        return first, first + self.tokens

    def segments(self, length: int) -> list[Segment]:
        """Return ``[text before, frame 0, …, frame F-1, text after]`` of ``length`` tokens, without empty runs."""
        runs = [Segment(0, self.start, None)]
        runs += [Segment(*self.span(frame), frame) for frame in range(self.frames)]
        runs.append(Segment(self.stop, length, None))
        return [run for run in runs if run.start < run.stop]

    def segments_around(self, frame: int, length: int) -> list[Segment]:
        """Return ``[keys before, frame, keys after]`` of ``length`` tokens, without empty runs."""
        first, last = self.span(frame)
        runs = [Segment(0, first, None), Segment(first, last, frame), Segment(last, length, None)]
        return [run for run in runs if run.start < run.stop]

    def video_rows(self, table: Tensor) -> Tensor:
        """Repeat a (…, F) table for every video token, (…, F·P)."""
        return table.unsqueeze(-1).expand(*table.shape, self.tokens).flatten(-2)

    def sequence_rows(self, table: Tensor, length: int) -> Tensor:
        """Repeat a (…, F) table for every token of the sequence, (…, length), 0 for text."""
        return F.pad(self.video_rows(table), (self.start, length - self.stop))
