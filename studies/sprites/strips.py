"""Frames in a row, conditions below each other: what a reader looks at before any number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.figures import frame_strip, write_png
from studies.sprites.conditions import curve
from studies.sprites.config import EvaluationConfig
from studies.sprites.data import Clip
from studies.sprites.measure import Frames, Measured


def lam_strip(measured: Measured, config: EvaluationConfig, file: Path) -> None:
    """Write one prompt as PNG: the T2V video, then the I2V video at every λ, frames from left to right."""
    lams = sorted(config.lams)
    videos = [measured.videos["t2v"], *(measured.videos[curve("i2v", lam)] for lam in lams)]
    labels = {"arm": ("condition", ["t2v", *["i2v"] * len(lams)]), "lam": ("condition", [0.0, *lams])}
    _write(videos, measured.clip.caption, file, labels)


def reconstructions(
    clips: Sequence[Clip], drawn: npt.NDArray[np.float32], decoded: npt.NDArray[np.float32], file: Path
) -> None:
    """Write drawn clips and what the autoencoder makes of them, (clips, frames, H, W, 3) in [0, 1]."""
    videos, names = [], []
    for clip, before, after in zip(clips, drawn, decoded, strict=False):
        videos += [(each * 255).round().astype(np.uint8) for each in (before, after)]
        names += [f"{clip.colour} {clip.shape}, drawn", f"{clip.colour} {clip.shape}, decoded"]
    _write(videos, "Drawn, and through the autoencoder", file, {"condition": names})


def _write(videos: Sequence[Frames], title: str, file: Path, labels: dict[str, object]) -> None:
    frames = xr.DataArray(np.stack(videos), dims=("condition", "time", "y", "x", "rgb"), coords=labels)
    write_png(frame_strip(frames, title=title), file, scale=1.0)
