"""``tune``: the λ that brings a pair nearest to T2V, predicted from its untouched runs, then found by a few more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from dymos_probe.analysis.closest import predicted_closest, strength_grid
from dymos_probe.analysis.compare import ConditionRow, compare_conditions
from dymos_probe.analysis.counterfactual import counterfactual_distance
from dymos_probe.analysis.crossing import DECIMALS, least_between, next_strength
from dymos_probe.analysis.divergence import distance
from dymos_probe.analysis.equal_motion import EqualMotion, equal_motion
from dymos_probe.analysis.least import Least
from dymos_probe.analysis.reaction import reaction
from dymos_probe.analysis.select import modulated_conditions, started_conditions
from dymos_probe.bias import MATCHED, Schedule
from dymos_probe.errors import InputError
from dymos_probe.metrics.registry import default_metrics, get_metric
from dymos_probe.pairs import PRESETS
from dymos_probe.runs.fill import Progress
from dymos_probe.runs.intervene import IntervenePlan, default_step_ratio, fill_plan, plan_intervene
from dymos_probe.runs.matched import find_matched, is_matched
from dymos_probe.runs.measure import measure_study
from dymos_probe.runs.tune_file import keep_tuning
from dymos_probe.runs.tuning import Effect, MatchedResult, Sweep, Tuning
from dymos_probe.store import open_study, read_config
from dymos_probe.store.schema import COMPLETE, CONDITION, SAMPLE

OnMeasure = Callable[[int, int], None]


def tune(
    study: str | Path,
    *,
    metric: str | None = None,
    runs: int = 3,
    tolerance: float = 0.1,
    low: float = -1.0,
    high: float = 4.0,
    step: float = 0.25,
    step_ratio: float | None = None,
    schedule: Schedule = "uniform",
    early: float = 0.1,
    matched: bool = False,
    dry_run: bool = False,
    workers: int = 0,
    scheduler: str | None = None,
    progress: Progress | None = None,
    on_measure: OnMeasure | None = None,
    **placed: Any,
) -> Tuning:
    """Return the λ of least distance to T2V attention and the λ of equal motion, and keep them in the study.

    (a) The λ of least d(λ) (Eq. 5) is predicted from the untouched runs by the direct effect of λ
    (:func:`dymos_probe.analysis.closest.predicted_closest`) and confirmed by running it. (b) The λ of equal motion,
    at which a motion metric is T2V's, needs runs: a monotone curve through those there are chooses the
    next, until it is within ``tolerance`` of one that was run or the budget is used up. Runs that are
    there are used and not made again; the same call goes on after an interruption.

    Parameters
    ----------
    study
        Folder that :func:`record` made.
    metric
        A metric that grows with motion; the displacement along the caption for sprites, else optical flow.
    runs
        How many λ this call may add or complete, each a run of every sample, 0 or more; that of the prediction is
        one of them.
    tolerance
        In λ, at least 0.01.
    low, high, step
        Range of λ that is looked at, with 0 in it, and the step of the full sweep that the runs are compared with.
    step_ratio, schedule
        Of the modulation; by default the preset's ratio, else 0.2, and uniform.
    early
        Fraction of the steps d(λ) is taken over.
    matched
        Also run the matched schedule (:func:`dymos_probe.analysis.matched.matched_strengths`) and compare it.
    dry_run
        Only predict: nothing is generated, measured or written.
    workers, scheduler, progress
        As for :func:`record`.
    on_measure
        Is told how many videos are measured and how many there are to measure.
    placed
        ``device``, ``offload`` and ``vae_tiling`` where this machine is another than the study's.

    Raises
    ------
    InputError
        When a value is out of range, the metric is unknown, or no sample is complete in both arms.
    StudyError
        When the folder is no study, or its models have changed.
    """
    path = Path(study)
    config = read_config(path)
    name = get_metric(metric or _motion_metric(config)).name
    if runs < 0 or not tolerance >= 10.0**-DECIMALS:
        raise InputError(f"runs {runs} must be at least 0 and tolerance {tolerance:g} at least {10.0**-DECIMALS:g}")
    if is_matched(schedule):
        raise InputError(
            f"schedule {schedule!r} is compared with the scalar by --matched (matched=True); choose uniform or another"
        )
    ratio = _preset_ratio(config) if step_ratio is None else step_ratio
    grid = strength_grid(low, high, step)
    ds = open_study(path)
    predicted = predicted_closest(ds, low=low, high=high, step=step, step_ratio=ratio, schedule=schedule, early=early)
    setting: dict[str, Any] = {"step_ratio": ratio, "schedule": schedule}
    first = _first(ds, predicted.pair, setting, tolerance, low, high)
    tried: list[float] = []
    made = 0

    def add(lam: float, **kind: Any) -> IntervenePlan:
        nonlocal made
        plan = plan_intervene(path, lam=lam, **(setting | kind), **placed)
        made += len(fill_plan(plan, workers=workers, scheduler=scheduler, progress=progress))
        measure_study(path, [name], on_run=on_measure)
        return plan

    if not dry_run:
        measure_study(path, [name], on_run=on_measure)
        begun = [*_half_made(ds, setting, predicted.pair.lam), *([] if first is None else [first])]
        for lam in begun[:runs]:
            add(lam)
            tried.append(lam)
        while len(tried) < runs:
            found = equal_motion(open_study(path), name, **setting, resamples=1)
            following = _following(found, low, high, tolerance)
            if following is None:
                break
            add(following)
            tried.append(following)
        ds = open_study(path)
    motion = equal_motion(ds, name, **setting) if f"metric_{name}" in ds else None
    d = distance(ds, **setting, early=early).compute()
    beside = None
    if matched:
        table = find_matched(path, ds, MATCHED, step_ratio=ratio)
        direct = counterfactual_distance(
            ds, lam=1.0, schedule=MATCHED, matched=table.table, step_ratio=ratio, early=early
        )
        rows: tuple[ConditionRow, ...] = ()
        if not dry_run:
            plan = add(1.0, schedule=MATCHED)
            ds = open_study(path)
            assert motion is not None
            rows = compare_conditions(
                ds, [*_nearest(d, motion, predicted.pair.lam), plan.ways[0].id], name, early=early
            )
        beside = MatchedResult(schedule=table.name, predicted_distance=float(direct[0]), rows=rows)
    tuning = Tuning(
        study=path,
        metric=name,
        step_ratio=ratio,
        schedule=schedule,
        early=early,
        tolerance=tolerance,
        predicted=predicted,
        first=first,
        tried=tuple(tried),
        made=made,
        effects=_effects(ds, setting, early) if d.size > 1 else (),
        measured_closest=least_between(d) if d.size > 2 else None,
        motion=motion,
        settled=motion is not None and _following(motion, low, high, tolerance) is None,
        sweep=Sweep(lams=tuple(lam for lam in grid if lam != 0.0), runs=(len(grid) - 1) * ds.sizes[SAMPLE]),
        matched=beside,
    )
    if not dry_run:
        keep_tuning(tuning)
    return tuning


def _motion_metric(config: Mapping[str, Any]) -> str:
    suited = default_metrics(config)
    return "sprite_along" if "sprite_along" in suited else "optical_flow"


def _preset_ratio(config: Mapping[str, Any]) -> float:
    pair = config.get("pair")
    return default_step_ratio(PRESETS.get(str(pair.get("preset"))) if isinstance(pair, Mapping) else None)


def _first(
    ds: xr.Dataset, predicted: Least, setting: Mapping[str, Any], tolerance: float, low: float, high: float
) -> float | None:
    """Return the λ to run first: the predicted one, unless one as near was run."""
    lam = round(float(np.clip(predicted.lam, low, high)), DECIMALS)
    started, _ = started_conditions(ds, modulated_conditions(ds, **setting))
    there = ds["lam"].sel({CONDITION: started}).values
    return None if np.abs(there - lam).min() <= tolerance else lam


def _half_made(ds: xr.Dataset, setting: Mapping[str, Any], near: float) -> list[float]:
    """Return finite λ with some of their runs, those nearest to ``near`` first: what an interruption left."""
    conditions = modulated_conditions(ds, **setting)
    marks = ds[COMPLETE].sel({CONDITION: conditions}).compute()
    half = marks.any(SAMPLE) & ~marks.all(SAMPLE)
    lams = marks["lam"].values[half.values & (marks["lam"].values != 0.0)]
    return sorted((float(lam) for lam in lams if np.isfinite(lam)), key=lambda lam: abs(lam - near))


def _following(motion: EqualMotion, low: float, high: float, tolerance: float) -> float | None:
    lams, gaps = [point.lam for point in motion.points], [point.gap for point in motion.points]
    return next_strength(lams, gaps, low=low, high=high, tolerance=tolerance)


def _effects(ds: xr.Dataset, setting: Mapping[str, Any], early: float) -> tuple[Effect, ...]:
    found = reaction(ds, **setting, early=early)
    rows = (found.sel(lam=lam) for lam in found["lam"])
    return tuple(
        Effect(
            lam=float(row["lam"]),
            measured_distance=float(row["measured_distance"]),
            direct_distance=float(row["counterfactual_distance"]),
            exact=bool(row["exact"]),
            direct_share=None if row["share_undefined"].item() else float(row["direct_share"]),
            share_undefined=str(row["share_undefined"].item()),
        )
        for row in rows
    )


def _nearest(d: xr.DataArray, motion: EqualMotion, closest: float) -> list[str]:
    """Return the untouched condition and those that were run nearest to the λ of least d and of equal motion."""
    lams, conditions = d["lam"].values, [str(c) for c in d["condition"].values]
    wanted = [0.0, closest, *([] if motion.lam is None else [motion.lam])]
    return list(dict.fromkeys(conditions[int(np.argmin(np.abs(lams - lam)))] for lam in wanted))
