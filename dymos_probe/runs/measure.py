"""``measure_study``: metrics of a study's videos into its store."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.metrics.registry import Metric, default_metrics, get_metric
from dymos_probe.store import open_study, read_config, video_path, write_metric
from dymos_probe.store.schema import COMPLETE, CONDITION, METRIC_PREFIX, SAMPLE
from dymos_probe.store.videos import read_video


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric under one condition, over the samples whose run is complete."""

    metric: str
    """Its name."""
    condition: str
    """Id of the condition."""
    mean: float | None
    """Mean over the samples that have a value; None where none has."""
    count: int
    """Samples that have a value."""
    without: dict[str, int] = field(default_factory=dict)
    """Why → how many samples have no value."""


@dataclass(frozen=True, kw_only=True)
class StudyMeasures:
    """What a study's videos measure."""

    metrics: tuple[Metric, ...]
    """Those asked for."""
    made: int
    """Values measured and written now."""
    there: int
    """Values that were there already."""
    rows: tuple[MetricRow, ...]
    """A row for each metric and condition that has a complete run."""


def measure_study(
    path: str | Path, metrics: Sequence[str] | None = None, *, on_run: Callable[[int, int], None] | None = None
) -> StudyMeasures:
    """Measure the videos of every complete run that lacks a value, keep the values in the store, and return them all.

    Each value is written as soon as it is there, so an interrupted call goes on where it was. What
    cannot be measured is not written: it is tried again by the next call, and counted in the rows.

    Parameters
    ----------
    path
        Folder of a study.
    metrics
        Names of metrics; by default those that suit the study's pair.
    on_run
        Is told how many runs are measured and how many there are to measure.

    Raises
    ------
    InputError
        When a metric is unknown.
    StudyError
        When the folder is no study, holds values of another metric of the same name, or has a damaged video.
    MissingFileError
        When the video of a complete run is gone.
    """
    path = Path(path)
    config = read_config(path)
    chosen = tuple(get_metric(name) for name in dict.fromkeys(default_metrics(config) if metrics is None else metrics))
    if not chosen:
        raise InputError("no metric is named; give at least one, or None for those that suit the study")
    ds = open_study(path)
    complete = np.asarray(ds[COMPLETE].values, dtype=bool)
    values = {metric.name: _stored(ds, metric.name, complete) for metric in chosen}
    why: dict[str, dict[str, Counter[str]]] = {metric.name: {} for metric in chosen}
    there = sum(int(np.isfinite(stored).sum()) for stored in values.values())
    lacking = np.argwhere(complete & np.any([np.isnan(stored) for stored in values.values()], axis=0))
    videos = [_video_of(path, ds, *run) for run in lacking.tolist()]
    made = 0
    for number, ((s, c), video) in enumerate(zip(lacking.tolist(), videos, strict=True)):
        if on_run:
            on_run(number, len(videos))
        sample, condition = str(ds[SAMPLE].values[s]), str(ds[CONDITION].values[c])
        read = read_video(video)
        for metric in chosen:
            if np.isfinite(values[metric.name][s, c]):
                continue
            found = metric.measure(read.frames, str(ds["prompt"].values[s]), read.fps)
            if found.why:
                why[metric.name].setdefault(condition, Counter())[found.why] += 1
                continue
            write_metric(path, metric.name, sample, condition, found.value, metric.attrs)
            values[metric.name][s, c] = found.value
            made += 1
    conditions = [(c, str(ds[CONDITION].values[c])) for c in np.flatnonzero(complete.any(axis=0)).tolist()]
    rows = [
        _row(metric.name, condition, values[metric.name][:, c], why[metric.name].get(condition, Counter()))
        for metric in chosen
        for c, condition in conditions
    ]
    return StudyMeasures(metrics=chosen, made=made, there=there, rows=tuple(rows))


def _stored(ds: xr.Dataset, name: str, complete: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the values the study has, (sample, condition), NaN where it has none."""
    if METRIC_PREFIX + name not in ds:
        return np.full(complete.shape, math.nan)
    return np.where(complete, ds[METRIC_PREFIX + name].values.astype(np.float64), math.nan)


def _video_of(path: Path, ds: xr.Dataset, s: int, c: int) -> Path:
    sample, condition = str(ds[SAMPLE].values[s]), str(ds[CONDITION].values[c])
    video = video_path(path, sample, condition)
    if not video.is_file():
        raise MissingFileError(
            f"the complete run {condition} of {sample} has no video {video}; put it back, or drop the run with "
            "dymos_probe.store.forget_run and let the command that made it make it again"
        )
    return video


def _row(metric: str, condition: str, values: npt.NDArray[np.float64], why: Counter[str]) -> MetricRow:
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if known.size else None
    return MetricRow(metric=metric, condition=condition, mean=mean, count=int(known.size), without=dict(why))
