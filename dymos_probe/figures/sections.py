"""The figures of one study, each with the sentences that go with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go
import xarray as xr

from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.divergence import distance
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.exemplars import exemplars
from dymos_probe.analysis.metric_curve import metric_curve as over_lam
from dymos_probe.analysis.metric_curve import metric_names
from dymos_probe.analysis.select import (
    i2v_condition,
    modulated_conditions,
    modulation_settings,
    started_conditions,
    t2v_condition,
)
from dymos_probe.errors import CorruptStoreError, InputError
from dymos_probe.figures import sentences
from dymos_probe.figures.difference_map import difference_map
from dymos_probe.figures.distance_curve import distance_curve
from dymos_probe.figures.frame_strip import frame_strip
from dymos_probe.figures.metric_curve import metric_curve
from dymos_probe.store.videos import read_frames

_EARLY = 0.1
_COLUMNS = 7
_COLUMNS_OF_TABLES = ("lam", "condition", "query_frame", "key_frame", "step_ratio", "schedule")

Setting = tuple[float, str]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One figure and what is said about it."""

    name: str
    """Of its files."""
    heading: str
    how: str
    """What is shown and how to read it; empty where an earlier section of the same kind says it."""
    said: str
    """What it says of this study, with numbers."""
    figure: go.Figure
    data: xr.Dataset | None = None
    """Its numbers, for a table."""


@dataclass(frozen=True)
class LeftOut:
    """A figure that cannot be drawn, and why."""

    name: str
    reason: str


def sections(study: str | Path, ds: xr.Dataset) -> Iterator[Section | LeftOut]:
    """Yield every figure of a study, and why those that are missing are.

    The difference map; d(λ) and every metric, for each step ratio and schedule of the plain
    modulations that has more than one λ; the videos of the samples that λ changes most,
    middling and least.

    Parameters
    ----------
    study
        Folder of the study.
    ds
        The study, from ``open_study``.

    Raises
    ------
    InputError
        When no sample is complete in both arms.
    CorruptStoreError
        When data of a run is damaged.
    """
    yield _difference(ds)
    settings = modulation_settings(ds)
    if not settings:
        yield LeftOut("curves over λ", f"there is only λ = 0; `probe intervene {study} --lam=-1,1,2` adds others")
    for setting in settings:
        yield from _curves(ds, setting, "" if len(settings) == 1 else _suffix(setting))
    yield from _strips(Path(study), ds, settings[0] if settings else None)


def _difference(ds: xr.Dataset) -> Section:
    delta = difference(ds, early=_EARLY).compute()
    both = dominance(ds, conditions=[t2v_condition(ds), i2v_condition(ds, 0.0)], early=_EARLY).compute()
    return Section(
        name="difference_map",
        heading="Where the I2V model looks more than its T2V counterpart",
        how=sentences.READ_DIFFERENCE,
        said=sentences.attention_sentence(both),
        figure=difference_map(delta),
        data=_table(delta.to_dataset(name="difference")),
    )


def _curves(ds: xr.Dataset, setting: Setting, suffix: str) -> Iterator[Section | LeftOut]:
    ratio, schedule = setting
    steps = "all steps" if ratio >= 1.0 else f"the first {100 * ratio:g} % of the steps"
    which = f"λ in {steps}, {schedule} schedule"
    behind, before = (f" ({which})", f"{which} — ") if suffix else ("", "")
    try:
        d = distance(ds, step_ratio=ratio, schedule=schedule, early=_EARLY).compute()
        _check_strengths(d)
    except InputError as error:
        yield LeftOut(f"distance{suffix}", str(error))
    else:
        yield Section(
            name=f"distance{suffix}",
            heading=f"How close λ brings attention to T2V{behind}",
            how=sentences.READ_DISTANCE,
            said=before + sentences.distance_sentence(d),
            figure=distance_curve(d),
            data=_table(d.to_dataset(name="distance")),
        )
    for metric in metric_names(ds):
        try:
            curve = over_lam(ds, metric, step_ratio=ratio, schedule=schedule)
            _check_strengths(curve)
        except InputError as error:
            yield LeftOut(f"metric_{metric}{suffix}", str(error))
            continue
        name = str(curve.attrs.get("long_name", metric))
        yield Section(
            name=f"metric_{metric}{suffix}",
            heading=f"{name[:1].upper()}{name[1:]} over λ{behind}",
            how=sentences.READ_METRIC,
            said=before + sentences.metric_sentence(curve),
            figure=metric_curve(curve),
            data=_table(curve),
        )


def _strips(study: Path, ds: xr.Dataset, setting: Setting | None) -> Iterator[Section | LeftOut]:
    if not (study / "videos").is_dir():
        yield LeftOut("strips", f"there are no videos in {study}")
        return
    ratio, schedule = setting or (None, None)
    over = modulated_conditions(ds, step_ratio=ratio, schedule=schedule) if setting else [i2v_condition(ds, 0.0)]
    conditions = [t2v_condition(ds), *started_conditions(ds, over)[0]]
    try:
        chosen = exemplars(ds, conditions, over=conditions[1:])  # T2V is not what λ changes
    except InputError as error:
        yield LeftOut("strips", str(error))
        return
    for count, (sample, why) in enumerate(chosen, start=1):
        try:
            frames = read_frames(study, ds, sample, conditions, count=_COLUMNS)
        except (InputError, CorruptStoreError) as error:
            yield LeftOut(f"strip_{count}", str(error))
            continue
        yield Section(
            name=f"strip_{count}",
            heading=("Videos over λ: " if setting else "Videos: ")
            + (f"the sample {why}" if why else f"sample {count}"),
            how="" if count > 1 else sentences.READ_STRIP if setting else sentences.READ_PAIR,
            said=sentences.strip_sentence(frames),
            figure=frame_strip(frames, columns=_COLUMNS),
        )


def _check_strengths(curve: xr.DataArray | xr.Dataset) -> None:
    if curve.sizes["lam"] < 2:
        raise InputError(f"only λ = {float(curve['lam'][0]):g} has runs; a curve needs another, complete and measured")


def _suffix(setting: Setting) -> str:
    return f"_ratio{setting[0]:g}_{setting[1]}"


def _table(data: xr.Dataset) -> xr.Dataset:
    return data.drop_vars([name for name in data.coords if name not in _COLUMNS_OF_TABLES])
