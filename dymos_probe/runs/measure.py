"""``measure_study``: metrics of a study's videos into its store."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.metrics.metric import Clip, Derived, Described, Frames, Metric, Prepared, resources
from dymos_probe.metrics.registry import default_metrics, get_metric
from dymos_probe.runs.images import read_image
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

    metrics: tuple[Described, ...]
    """Those asked for."""
    made: int
    """Values measured and written now."""
    there: int
    """Values that were there already."""
    rows: tuple[MetricRow, ...]
    """A row for each metric and condition that has a complete run."""


def measure_study(
    path: str | Path,
    metrics: Sequence[str] | None = None,
    *,
    weights: str | Path | None = None,
    device: str = "cpu",
    batch: int = 16,
    on_run: Callable[[int, int], None] | None = None,
) -> StudyMeasures:
    """Measure the videos of every complete run that lacks a value, keep the values in the store, and return them all.

    Each value is written as soon as it is there, so an interrupted call goes on where it was. What
    cannot be measured is not written: it is tried again by the next call, and counted in the rows.
    Metrics made of others come last, from what is stored by then.

    Parameters
    ----------
    path
        Folder of a study.
    metrics
        Names of metrics; by default those that suit the study's pair.
    weights
        Folder of learned weights; by default ``$DYMOS_PROBE_WEIGHTS``, else ``weights`` in the user's data folder.
    device, batch
        What networks run on (``cpu``, ``cuda``, ``cuda:N``, ``mps``), and how many frames go through at once.
    on_run
        Is told how many runs are measured and how many there are to measure.

    Raises
    ------
    InputError
        When a metric is unknown, or one is made of others that the study lacks.
    StudyError
        When the folder is no study, holds values of another metric of the same name, or has a damaged video.
    MissingFileError
        When the video of a complete run is gone, or there is no folder ``weights``.
    EnvironmentLacksError
        When a metric misses a package or a file of weights.
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
    direct = [metric for metric in chosen if isinstance(metric, Metric) and _lacks(values[metric.name], complete)]
    lacking = np.argwhere(complete & np.any([np.zeros_like(complete), *(np.isnan(values[m.name]) for m in direct)], 0))
    videos = [_video_of(path, ds, *run) for run in lacking.tolist()]
    given = resources(weights, device=device, batch=batch)
    prepared = {metric.name: metric.prepare(given) for metric in direct}
    made = 0
    for number, ((s, c), video) in enumerate(zip(lacking.tolist(), videos, strict=True)):
        if on_run:
            on_run(number, len(videos))
        sample, condition = str(ds[SAMPLE].values[s]), str(ds[CONDITION].values[c])
        clip = _clip(path, ds, s, video)
        for metric in direct:
            if np.isfinite(values[metric.name][s, c]):
                continue
            found = prepared[metric.name].measure(clip)
            if found.why:
                why[metric.name].setdefault(condition, Counter())[found.why] += 1
                continue
            attrs = _attrs(metric, prepared[metric.name])
            write_metric(path, metric.name, sample, condition, found.value, attrs)
            values[metric.name][s, c] = found.value
            made += 1
    for derived in chosen:
        if isinstance(derived, Derived) and _lacks(values[derived.name], complete):
            made += _derive(path, derived, values[derived.name], why[derived.name])
    conditions = [(c, str(ds[CONDITION].values[c])) for c in np.flatnonzero(complete.any(axis=0)).tolist()]
    rows = [
        _row(metric.name, condition, values[metric.name][:, c], why[metric.name].get(condition, Counter()))
        for metric in chosen
        for c, condition in conditions
    ]
    return StudyMeasures(metrics=chosen, made=made, there=there, rows=tuple(rows))


def _lacks(stored: npt.NDArray[np.float64], complete: npt.NDArray[np.bool_]) -> bool:
    return bool((np.isnan(stored) & complete).any())


def _attrs(metric: Metric, prepared: Prepared) -> dict[str, Any]:
    return metric.attrs | ({"weights_sha256": dict(prepared.files)} if prepared.files else {})


def _clip(path: Path, ds: xr.Dataset, s: int, video: Path) -> Clip:
    read = read_video(video)
    return Clip(
        frames=read.frames,
        fps=read.fps,
        prompt=str(ds["prompt"].values[s]),
        reference=_reference(path / str(ds["image"].values[s])),
    )


def _reference(image: Path) -> Frames | None:
    """Return the reference image of a sample; a study of another program may have none."""
    return np.asarray(read_image(image)) if image.is_file() else None


def _derive(path: Path, metric: Derived, values: npt.NDArray[np.float64], why: dict[str, Counter[str]]) -> int:
    """Write what a metric makes of the others wherever it has no value yet, and return how many that were."""
    ds = open_study(path)
    combined = metric.combine(ds)
    found = combined.values.transpose(SAMPLE, CONDITION).values
    present = {name: where.transpose(SAMPLE, CONDITION).values for name, where in combined.present.items()}
    made = 0
    for s, c in np.argwhere(np.isnan(values) & np.asarray(ds[COMPLETE].values, dtype=bool)).tolist():
        sample, condition = str(ds[SAMPLE].values[s]), str(ds[CONDITION].values[c])
        if np.isnan(found[s, c]):
            absent = [name for name, where in present.items() if not where[s, c]]
            why.setdefault(condition, Counter())[f"no {' and no '.join(absent)}"] += 1
            continue
        write_metric(path, metric.name, sample, condition, float(found[s, c]), metric.attrs | dict(combined.attrs))
        values[s, c] = found[s, c]
        made += 1
    return made


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
