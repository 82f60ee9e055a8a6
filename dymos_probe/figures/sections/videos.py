"""Sections that show the videos: of the samples λ changes most, middlingly and least, under every condition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from dymos_probe.analysis.exemplars import exemplars
from dymos_probe.analysis.select import i2v_condition, modulated_conditions, started_conditions, t2v_condition
from dymos_probe.errors import CorruptStoreError, InputError
from dymos_probe.figures import reading, sentences
from dymos_probe.figures.conditions import condition_names
from dymos_probe.figures.frame_strip import frame_strip
from dymos_probe.figures.sections.section import LeftOut, Section
from dymos_probe.figures.sections.strength import Setting
from dymos_probe.figures.time_slice import time_slice
from dymos_probe.store.schema import COMPLETE, CONDITION, SAMPLE, video_path
from dymos_probe.store.videos import read_frames, read_video

GROUP = "Videos"
_COLUMNS = 7
_ROWS = 12
"""Conditions shown of a sample, at most."""


def video_sections(study: Path, ds: xr.Dataset, setting: Setting | None) -> Iterator[Section | LeftOut]:
    """Yield a strip of up to three samples, and a time slice of the first; ``setting`` is the one of most λ."""
    if not (study / "videos").is_dir():
        yield LeftOut("strips", f"there are no videos in {study}")
        return
    over = [i2v_condition(ds, 0.0)]
    if setting is not None:
        over = modulated_conditions(ds, step_ratio=setting[0], schedule=setting[1])
    over = started_conditions(ds, over)[0]
    conditions = [t2v_condition(ds), *over]
    try:
        chosen = exemplars(ds, conditions, over=over)  # T2V is not what λ changes
    except InputError as error:
        yield LeftOut("strips", str(error))
        return
    sliced = None
    for count, (sample, why) in enumerate(chosen, start=1):
        shown, more = _shown(ds, sample, conditions)
        try:
            frames = read_frames(study, ds, sample, shown, count=_COLUMNS)
        except (InputError, CorruptStoreError) as error:
            yield LeftOut(f"strip_{count}", str(error))
            continue
        how = reading.READ_STRIP if setting or len(shown) > 2 else reading.READ_PAIR
        yield Section(
            name=f"strip_{count}",
            group=GROUP,
            heading=("Videos over λ: " if setting else "Videos: ")
            + (f"the sample {why}" if why else f"sample {count}"),
            how=("" if count > 1 else how) + more,
            said=sentences.strip_sentence(frames),
            figure=frame_strip(frames, columns=_COLUMNS),
        )
        sliced = sliced or (sample, frames)
    if sliced is not None and sliced[1].sizes["time"] > 1:
        yield _slice(study, *sliced)


def _shown(ds: xr.Dataset, sample: str, conditions: list[str]) -> tuple[list[str], str]:
    """Return the conditions and then any other this sample is complete under, and what is said of those left out."""
    complete = ds[COMPLETE].sel({SAMPLE: sample}).compute()
    others = [c for c in condition_names(ds) if c not in conditions and bool(complete.sel({CONDITION: c}))]
    every = [*conditions, *others]
    left = len(every) - _ROWS
    return every[:_ROWS], f" Not shown: {left} further conditions of this sample." if left > 0 else ""


def _slice(study: Path, sample: str, frames: xr.DataArray) -> Section | LeftOut:
    dim, at = liveliest_line(frames)
    try:
        lines = _read_line(study, sample, frames, dim, at)
    except (InputError, CorruptStoreError) as error:
        return LeftOut("time_slice", str(error))
    return Section(
        name="time_slice",
        group=GROUP,
        heading="The first of these samples over all frames",
        how=reading.READ_SLICE[dim],
        said=sentences.slice_sentence(lines, dim, at, frames.sizes[dim]),
        figure=time_slice(lines, row=0) if dim == "y" else time_slice(lines, column=0),
    )


def liveliest_line(frames: xr.DataArray) -> tuple[str, int]:
    """Return the dim, ``y`` for a row or ``x`` for a column, and the place of the line whose pixels change most.

    Something that moves along a row changes few rows much and many columns little, so that the line
    lies along the motion.
    """
    pixels = frames.transpose("condition", "time", "y", "x", "rgb").values.astype(np.float32)
    change = np.abs(np.diff(pixels, axis=1)).mean(axis=(0, 1, 4))
    lines = {"y": change.mean(axis=1), "x": change.mean(axis=0)}
    dim = max(lines, key=lambda name: float(lines[name].max()))
    return dim, int(lines[dim].argmax())


def _read_line(study: Path, sample: str, frames: xr.DataArray, dim: str, at: int) -> xr.DataArray:
    """Return one row or column of all frames of each video; one video is in memory at a time."""
    axis = 1 if dim == "y" else 2
    conditions = [str(label) for label in frames[CONDITION].values]
    lines = [np.take(read_video(video_path(study, sample, c)).frames, [at], axis=axis) for c in conditions]
    if len({line.shape for line in lines}) > 1:
        raise CorruptStoreError(f"the videos of {sample} differ in size or length; make their runs again")
    kept = {name: coord for name, coord in frames.coords.items() if "time" not in coord.dims}
    return xr.DataArray(np.stack(lines), dims=frames.dims, coords={**kept, dim: [at]}, name="frames")
