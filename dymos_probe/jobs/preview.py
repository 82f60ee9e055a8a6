"""A small picture of what a running job is making: cheap, honest about what it is, and without effect on it.

It shows the model's own estimate x̂0 of the finished latents after a step, at up to four evenly spaced
latent frames. Where the pipeline can decode and its VAE is at hand, each frame is decoded alone; a
finished video decodes them together, so this lacks what the VAE adds in time. Elsewhere the frames are
drawn in false colours: a linear map of the latent channels, their first three principal components.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from dymos_probe.errors import ProbeError, is_out_of_memory
from dymos_probe.families import family_of
from dymos_probe.runs.media import to_uint8, write_image
from dymos_probe.tap import StepEnd

MOST_FRAMES: Final = 4
_HEIGHT: Final = 192
_GAP: Final = 4


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much time previews may take."""

    least_seconds: float = 0.5
    """Between two of them; the first step of a run has one in any case."""
    share: float = 0.05
    """Of the time since the last one, at most."""


class Preview:
    """Draws previews of one pipeline call after the other."""

    def __init__(self, path: Path, *, budget: Budget | None = None) -> None:
        """Draw into the file ``path``."""
        self._path, self._budget = path, budget or Budget()
        self._last, self._cost = -float("inf"), 0.0
        self._why_not = ""

    def draw(self, pipe: Any, end: StepEnd, *, decode: bool) -> str | None:
        """Draw a preview where one is due, and return what it shows, in words; None where none is.

        A preview that cannot be made never costs the generation: it says why, and no other is tried.
        """
        now = time.monotonic()
        wait = 0.0 if end.step == 0 else max(self._budget.least_seconds, self._cost / self._budget.share)
        if self._why_not or now - self._last < wait:
            return None
        try:
            picture, what = picture_of(pipe, end, decode=decode)
            write_image(self._path, picture)
        except Exception as error:  # whatever a VAE, a full disk or an unknown layout may raise
            why = "out of memory" if is_out_of_memory(error) else str(error) or type(error).__name__
            self._why_not = f"No preview: {why}."
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            return self._why_not
        self._last = time.monotonic()
        self._cost = self._last - now
        return what


def picture_of(pipe: Any, end: StepEnd, *, decode: bool) -> tuple[npt.NDArray[np.uint8], str]:
    """Return a strip of frames (y, x, 3) uint8 and what it shows.

    Parameters
    ----------
    pipe
        The running pipeline.
    end
        The step that has just ended.
    decode
        Whether its VAE may be used; not while it waits in main memory.

    Raises
    ------
    ProbeError
        When the latents have no layout that is known.
    """
    frames = family_of(pipe)[0].latent_frames(end.estimate())
    if frames is None:
        raise ProbeError("this pipeline's latents are packed")
    shown = frames_shown(len(frames))
    where = f"latent frames {', '.join(map(str, shown))}"
    after = f"Estimate of the finished video after step {end.step + 1} of {end.steps}"
    if decode and hasattr(pipe, "decode_latents"):
        pictures = [_decoded_alone(pipe, frames[index : index + 1]) for index in shown]
        return _strip(pictures), f"{after}: {where}, each decoded alone."
    coloured = false_colours(frames.cpu().numpy())
    return _strip([coloured[index] for index in shown]), f"{after}: {where}, in false colours."


def frames_shown(count: int) -> list[int]:
    """Return which of ``count`` frames are drawn: evenly spaced, the first and the last among them."""
    return sorted(set(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int).tolist()))


def false_colours(frames: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Return latents (frame, channel, y, x) as colours, uint8 (frame, y, x, 3).

    Red, green and blue are the first three principal components of the channels over all frames and
    places, each from its 1st to its 99th percentile; the sign of a component is that of its largest weight.
    """
    count, channels, height, width = frames.shape
    values = np.moveaxis(frames, 1, -1).reshape(-1, channels).astype(np.float64)
    values = values - values.mean(axis=0)
    _, axes = np.linalg.eigh(values.T @ values)
    axes = axes[:, ::-1][:, :3]
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0))
    scores = values @ axes
    low, high = np.percentile(scores, [1, 99], axis=0)
    spread = np.where(high > low, high - low, 1.0)
    colours = np.zeros((len(scores), 3))
    colours[:, : scores.shape[1]] = np.clip((scores - low) / spread, 0.0, 1.0)
    return to_uint8(colours.reshape(count, height, width, 3))


def _decoded_alone(pipe: Any, frame: torch.Tensor) -> npt.NDArray[np.uint8]:
    """Return one latent frame (1, channel, y, x), decoded as a video of one."""
    with torch.no_grad():
        decoded = pipe.decode_latents(frame[None].to(pipe.vae.dtype))
    picture = decoded[0, :, -1].float().cpu().numpy()
    return to_uint8(np.moveaxis(picture / 2 + 0.5, 0, -1).clip(0.0, 1.0))


def _strip(pictures: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Return pictures of one size side by side, brought to about the height of a preview."""
    height, width = pictures[0].shape[:2]
    # Small ones grow by whole factors, so that their pixels stay visible as what they are.
    scale = max(1, _HEIGHT // height) if height < _HEIGHT else _HEIGHT / height
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    scaled = [np.asarray(Image.fromarray(picture).resize(size, how)) for picture in pictures]
    gap = np.full((size[1], _GAP, 3), 255, np.uint8)
    parts = [part for picture in scaled for part in (picture, gap)][:-1]
    return np.concatenate(parts, axis=1)
