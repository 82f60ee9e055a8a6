"""Frames in a row, conditions below each other: what a reader looks at before any number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from studies.sprites.conditions import curve
from studies.sprites.config import EvaluationConfig
from studies.sprites.data import Clip
from studies.sprites.measure import Frames, Measured

ZOOM = 2
_LABEL, _TITLE = 92, 18
_SHOWN = 7


def lam_strip(measured: Measured, config: EvaluationConfig, file: Path) -> None:
    """Write one prompt as PNG: the T2V video, then the I2V video at every λ, frames from left to right."""
    rows = {"T2V": measured.videos["t2v"]}
    rows |= {f"I2V, λ = {lam:g}": measured.videos[curve("i2v", lam)] for lam in sorted(config.lams)}
    strip(rows, measured.clip.caption, file)


def strip(rows: dict[str, Frames], title: str, file: Path) -> None:
    """Write videos (frames, H, W, 3) as rows of evenly spaced frames, each with its name, under a title."""
    pictures = [_row(video) for video in rows.values()]
    height, width, _ = pictures[0].shape
    image = Image.new("RGB", (_LABEL + width, _TITLE + height * len(rows)), "white")
    pen = ImageDraw.Draw(image)
    pen.text((4, 3), title, fill="black")
    for place, (name, picture) in enumerate(zip(rows, pictures, strict=True)):
        top = _TITLE + place * height
        image.paste(Image.fromarray(picture), (_LABEL, top))
        pen.text((4, top + height // 2 - 6), name, fill="black")
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file, optimize=True)


def reconstructions(
    clips: Sequence[Clip], drawn: npt.NDArray[np.float32], decoded: npt.NDArray[np.float32], file: Path
) -> None:
    """Write drawn clips and what the autoencoder makes of them, (clips, frames, H, W, 3) in [0, 1]."""
    rows: dict[str, Frames] = {}
    for number, clip in enumerate(clips):
        rows[f"{clip.colour} {clip.shape}"] = (drawn[number] * 255).round().astype(np.uint8)
        rows[f"  decoded {number + 1}"] = (decoded[number] * 255).round().astype(np.uint8)
    strip(rows, "drawn, and through the autoencoder", file)


def _row(video: Frames) -> Frames:
    chosen = video[np.linspace(0, len(video) - 1, min(_SHOWN, len(video))).round().astype(int)]
    # A white line between frames.
    framed = np.pad(chosen, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=255)
    return np.concatenate(list(framed), axis=1).repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
