"""What a tuning of a study recommends, and whether the study is still what it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from dymos_probe.analysis.equal_motion import equal_motion
from dymos_probe.analysis.least import Least
from dymos_probe.analysis.select import complete_samples, i2v_condition, t2v_condition
from dymos_probe.errors import InputError
from dymos_probe.store.schema import SAMPLE


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The two λ of a tuning, as ``tune.json`` keeps them, and what they stand on."""

    date: str
    """When it was kept, ISO 8601."""
    step_ratio: float
    """Fraction of the steps modulated."""
    schedule: str
    """φ over query frames."""
    closest: Least
    """The λ of least d(λ), predicted from the untouched runs."""
    exact: bool
    """Whether that stands on the recorded response; else it is from frame means."""
    confirmed: tuple[float, float] | None
    """The λ that was run nearest to it and d(λ) measured there, nats; None where only λ = 0 was run."""
    predicted_samples: int
    """Samples the prediction stands on."""
    metric: str
    """The motion metric's name."""
    metric_name: str
    """What it is."""
    units: str
    """Of the metric."""
    equal: float | None
    """The λ of equal motion; None where there is none."""
    why: str
    """Why there is none; empty where there is one."""
    low: float | None
    """Of the interval of ``equal``; −inf and inf lie beyond the λ tried; None without an interval."""
    high: float | None
    """Likewise."""
    level: float
    """Of the interval."""
    settled: bool
    """Whether a λ as near to ``equal`` as asked for was run, or nothing is left to try."""
    t2v_mean: float
    """The metric in T2V."""
    points: tuple[tuple[float, float], ...]
    """λ that were run, rising, and the metric's mean at each."""
    samples: int
    """Samples of the study then."""
    motion_samples: int
    """Those of them measured in T2V and at every λ, on which ``equal`` stands."""
    made: int
    """Runs that this tuning and those before it of the same question made."""
    sweep_lams: tuple[float, ...]
    """λ of the full sweep it spares, but 0."""
    sweep_runs: int
    """Runs of that sweep."""


def recommendations(documents: Sequence[Mapping[str, Any]]) -> list[Recommendation]:
    """Return the newest recommendation for each step ratio and schedule, the newest first.

    Parameters
    ----------
    documents
        Tunings of one study, the newest last, as :func:`dymos_probe.runs.tune_file.read_tunings` returns them.

    Raises
    ------
    InputError
        When one lacks something.
    """
    newest: dict[tuple[float, str], Recommendation] = {}
    made: dict[tuple[float, str, str], int] = {}
    for number, document in enumerate(documents, start=1):
        try:
            question = (float(document["step_ratio"]), str(document["schedule"]), str(document["metric"]))
            made[question] = made.get(question, 0) + int(document["made"])
            newest.pop(question[:2], None)
            newest[question[:2]] = _recommendation(document, made[question])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"tuning {number} of {len(documents)} lacks something: {error!r}") from error
    return list(newest.values())[::-1]


def changes_since(found: Recommendation, ds: xr.Dataset) -> list[str]:
    """Return what has changed in a study since a tuning of it, in words that follow on "since then"; none gives [].

    Attention maps are not read: a run that was made anew is known by its metric.
    """
    try:
        samples = len(complete_samples(ds, [t2v_condition(ds), i2v_condition(ds, 0.0)]))
        now = equal_motion(ds, found.metric, step_ratio=found.step_ratio, schedule=found.schedule, resamples=1)
    except InputError:
        return ["runs or values it stands on have gone"]
    changes = []
    if ds.sizes[SAMPLE] != found.samples or samples != found.predicted_samples:
        changes.append("samples have been added or completed")
    means = {point.lam: point.mean for point in now.points}
    if list(means) != [lam for lam, _ in found.points]:
        changes.append("other λ have been run")
    if not changes:
        then = [found.t2v_mean, *(mean for _, mean in found.points)]
        if not np.allclose([now.t2v_mean, *means.values()], then, rtol=1e-6, atol=0.0):
            changes.append("runs have been made or measured anew, or have gone")
    return changes


def _recommendation(document: Mapping[str, Any], made: int) -> Recommendation:
    predicted, motion, sweep = document["predicted"], document["motion"], document["sweep"]
    closest = Least(
        lam=float(predicted["pair"]["lam"]),
        value=float(predicted["pair"]["value"]),
        place=predicted["pair"]["place"],
    )
    run = [(float(effect["lam"]), float(effect["measured_distance"])) for effect in document["effects"]]
    return Recommendation(
        date=str(document["date"]),
        step_ratio=float(document["step_ratio"]),
        schedule=str(document["schedule"]),
        closest=closest,
        exact=bool(predicted["exact"]),
        confirmed=min(run, key=lambda point: abs(point[0] - closest.lam), default=None),
        predicted_samples=int(predicted["samples"]),
        metric=str(document["metric"]),
        metric_name=str(motion["long_name"]),
        units=str(motion["units"]),
        equal=_number(motion["lam"]),
        why=str(motion["why"]),
        low=_number(motion["low"]),
        high=_number(motion["high"]),
        level=float(motion["level"]),
        settled=bool(document["settled"]),
        t2v_mean=float(motion["t2v_mean"]),
        points=tuple((float(point["lam"]), float(point["mean"])) for point in motion["points"]),
        samples=int(motion["samples_total"]),
        motion_samples=int(motion["samples_used"]),
        made=made,
        sweep_lams=tuple(float(lam) for lam in sweep["lams"]),
        sweep_runs=int(sweep["runs"]),
    )


def _number(value: Any) -> float | None:
    """Return a number, infinity from its text, or None."""
    return None if value is None else float(value)
