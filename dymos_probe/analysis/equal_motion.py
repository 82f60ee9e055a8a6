"""The λ of equal motion: where a motion metric of the I2V model meets that of the T2V model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.crossing import nearest_crossing
from dymos_probe.analysis.metric_curve import measured_values
from dymos_probe.errors import InputError
from dymos_probe.store.schema import CONDITION, METRIC_PREFIX, SAMPLE

_LESS = "moves less than T2V at every λ tried"
_MORE = "moves more than T2V at every λ tried"


@dataclass(frozen=True, kw_only=True)
class MotionPoint:
    """The metric at one λ."""

    lam: float
    """Strength λ."""
    condition: str
    """Id of its condition."""
    mean: float
    """Over the samples."""
    gap: float
    """Mean minus T2V's."""
    gap_standard_error: float | None
    """Of the gap, each sample against itself; None of one sample."""


@dataclass(frozen=True, kw_only=True)
class PromptMotion:
    """The λ of equal motion of one prompt, from its own curve."""

    prompt: str
    """The prompt."""
    samples: int
    """Its samples that are measured in T2V and at two λ or more."""
    lam: float | None
    """Where its own curve crosses its own T2V's motion; None where it does not."""
    why: str
    """Why there is none; empty where there is one."""


@dataclass(frozen=True, kw_only=True)
class EqualMotion:
    """Where motion is that of T2V, and what this stands on."""

    metric: str
    """Its name."""
    long_name: str
    """What it is."""
    units: str
    """Of the metric."""
    lam: float | None
    """The λ of equal motion; None where the means do not cross."""
    why: str
    """Why there is none; empty where there is one."""
    low: float | None
    """Of the bootstrap interval over samples; −inf: beyond the smallest λ tried; None without an interval."""
    high: float | None
    """Likewise; inf: beyond the largest λ tried."""
    level: float
    """Of the interval."""
    crossed: float | None
    """Share of the resamples whose means cross; None without an interval."""
    points: tuple[MotionPoint, ...]
    """By rising λ."""
    t2v_mean: float
    """Of the same samples."""
    t2v_standard_error: float | None
    """None of one sample."""
    samples_used: int
    """Samples measured in T2V and at every λ; all numbers stand on them."""
    samples_total: int
    """Samples of the study."""
    prompts: tuple[PromptMotion, ...]
    """One for each prompt of the study, in its order."""


def equal_motion(
    ds: xr.Dataset,
    metric: str,
    *,
    step_ratio: float | None = None,
    schedule: str | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> EqualMotion:
    """Return the λ at which the mean of ``metric`` is T2V's, from the λ that were run, for the pair and each prompt.

    Through the means at each finite λ goes a monotone (PCHIP) curve; of its crossings with T2V's mean the
    one nearest to λ = 0 is taken, the least intervention. Every mean stands on the samples measured in T2V
    and at every one of these λ, so that a sample that has no value at some λ does not shift the
    curve there. The interval resamples those samples with replacement and takes percentiles of
    their crossings; a resample that stays below T2V counts as beyond the largest λ, one above it as
    beyond the smallest. A prompt's own λ comes from the mean over its own samples in the same way, from the
    λ at which all of them are measured.

    Parameters
    ----------
    ds
        A study with the metric, from ``open_study``.
    metric
        Name of a metric that grows with motion, without its prefix.
    step_ratio, schedule
        Which modulations; needed when the study has several.
    level, resamples, seed
        Of the bootstrap.

    Raises
    ------
    InputError
        When the study has no such metric, a choice is ambiguous or out of range, or no sample is measured in T2V
        and at every λ.
    """
    if not 0.0 < level < 1.0 or resamples < 1:
        raise InputError(f"level {level} must lie in (0, 1) and resamples {resamples} be at least 1")
    values, t2v, asked = measured_values(ds, metric, step_ratio=step_ratio, schedule=schedule)
    strengths = dict(zip(map(str, ds[CONDITION].values), ds["lam"].values.tolist(), strict=True))
    measured = values.notnull()
    taken = [c for c in asked if math.isfinite(strengths[c]) and bool(measured.sel({CONDITION: c}).any())]
    lams = np.array([strengths[c] for c in taken])
    over = values.sel({CONDITION: taken}).transpose(SAMPLE, CONDITION).values
    reference = values.sel({CONDITION: t2v}).values
    together = np.isfinite(over).all(axis=1) & np.isfinite(reference)
    count = int(together.sum())
    if not count:
        raise InputError(
            f"metric {metric} has no sample that is measured in all of {t2v}, {', '.join(taken)}; "
            "measure the same samples in each"
        )
    gaps = over[together] - reference[together, None]
    mean = gaps.mean(axis=0)
    crossing = _crossing(lams, mean)
    low, high, crossed = _interval(lams, gaps, level, resamples, seed) if count > 1 else (None, None, None)
    attrs = ds[METRIC_PREFIX + metric].attrs
    errors = _standard_errors(gaps)
    return EqualMotion(
        metric=metric,
        long_name=str(attrs.get("long_name", metric)),
        units=str(attrs.get("units", "1")),
        lam=crossing,
        why="" if crossing is not None else f"the pair {_missed(mean)}",
        low=low,
        high=high,
        level=level,
        crossed=crossed,
        points=tuple(
            MotionPoint(
                lam=float(lam),
                condition=condition,
                mean=float(over[together, at].mean()),
                gap=float(mean[at]),
                gap_standard_error=errors[at],
            )
            for at, (lam, condition) in enumerate(zip(lams, taken, strict=True))
        ),
        t2v_mean=float(reference[together].mean()),
        t2v_standard_error=_standard_errors(reference[together, None])[0],
        samples_used=count,
        samples_total=ds.sizes[SAMPLE],
        prompts=tuple(
            _of_prompt(prompt, lams, over[rows], reference[rows])
            for prompt, rows in _by_prompt([str(text) for text in ds["prompt"].values]).items()
        ),
    )


def _by_prompt(prompts: list[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, prompt in enumerate(prompts):
        rows.setdefault(prompt, []).append(row)
    return rows


def _of_prompt(
    prompt: str, lams: npt.NDArray[np.float64], over: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]
) -> PromptMotion:
    """Return the λ of one prompt from its (sample, λ) values and those of T2V (sample,)."""
    usable = np.isfinite(reference) & (np.isfinite(over).sum(axis=1) > 1)
    count = int(usable.sum())
    if not count:
        missing = "in T2V" if not np.isfinite(reference).any() else "at two λ or more"
        return PromptMotion(prompt=prompt, samples=0, lam=None, why=f"the metric has no value {missing}")
    gaps = over[usable] - reference[usable, None]
    known = np.isfinite(gaps).all(axis=0)
    if known.sum() < 2:
        return PromptMotion(prompt=prompt, samples=count, lam=None, why="its samples share no two λ with a value")
    mean = gaps[:, known].mean(axis=0)
    crossing = _crossing(lams[known], mean)
    why = "" if crossing is not None else _missed(mean)
    return PromptMotion(prompt=prompt, samples=count, lam=crossing, why=why)


def _crossing(lams: npt.NDArray[np.float64], gaps: npt.NDArray[np.float64]) -> float | None:
    if lams.size > 1:
        return nearest_crossing(lams, gaps)
    return float(lams[0]) if gaps[0] == 0.0 else None


def _missed(gaps: npt.NDArray[np.float64]) -> str:
    return _LESS if gaps[0] < 0.0 else _MORE


def _interval(
    lams: npt.NDArray[np.float64], gaps: npt.NDArray[np.float64], level: float, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Return low, high and the share of resamples that cross, of gaps (sample, λ)."""
    rng = np.random.default_rng(seed)
    picked = rng.integers(len(gaps), size=(resamples, len(gaps)))
    found = np.empty(resamples)
    for at, mean in enumerate(gaps[picked].mean(axis=1)):
        crossing = _crossing(lams, mean)
        found[at] = (math.inf if mean[0] < 0.0 else -math.inf) if crossing is None else crossing
    # Values that were found, not between them: some may be infinite.
    low, high = np.quantile(found, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], method="closest_observation")
    return float(low), float(high), float(np.isfinite(found).mean())


def _standard_errors(values: npt.NDArray[np.float64]) -> list[float | None]:
    """Return the standard error over samples of each column, None of one sample."""
    count = len(values)
    return [float(v.std(ddof=1) / math.sqrt(count)) if count > 1 else None for v in values.T]
