"""The λ of least distance to T2V attention, predicted from the untouched runs, for the pair and each prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import xarray as xr

from dymos_probe.analysis.counterfactual import counterfactual_of
from dymos_probe.analysis.crossing import least_between
from dymos_probe.analysis.divergence import distributions, divergence_of_rows, later_rows
from dymos_probe.analysis.least import Least
from dymos_probe.analysis.select import complete_samples, i2v_condition, t2v_condition
from dymos_probe.analysis.window import WindowOptions, window
from dymos_probe.bias import Schedule
from dymos_probe.errors import InputError
from dymos_probe.store.schema import ATTENTION, LAM_RESPONSE, SAMPLE

_ENOUGH = 4
"""λ of a recorded response, with 0, that make a curve whose least value can be told."""


@dataclass(frozen=True, kw_only=True)
class Closest:
    """Where the direct effect brings attention nearest to T2V's."""

    pair: Least
    """Of all samples together."""
    prompts: dict[str, Least]
    """Of each prompt."""
    curve: xr.DataArray
    """d(λ) (lam) of all samples together, nats, in memory."""
    exact: bool
    """Whether the response was recorded at these λ; else it is approximate."""
    method: str
    """How the maps were had, in words."""
    samples: int
    """Samples it stands on."""


def predicted_closest(
    ds: xr.Dataset,
    *,
    low: float,
    high: float,
    step: float,
    step_ratio: float = 1.0,
    schedule: Schedule = "uniform",
    **options: Unpack[WindowOptions],
) -> Closest:
    """Return the λ in [low, high] whose direct effect has the least d(λ).

    The curve is taken at the λ of the recorded response where those are enough and d is least between
    them, which is exact; else every ``step`` from low to high, from frame means. Between the points
    see :func:`dymos_probe.analysis.crossing.least_between`.

    Raises
    ------
    InputError
        When the range holds no λ, or no sample is complete in both untouched arms.
    """
    recorded = _recorded(ds, low, high)
    if len(recorded) >= _ENOUGH:
        found = _closest(ds, recorded, step_ratio, schedule, options)
        if found.exact and found.pair.place == "inside":
            return found
    return _closest(ds, strength_grid(low, high, step), step_ratio, schedule, options)


def strength_grid(low: float, high: float, step: float) -> list[float]:
    """Return λ from low to high, a step apart, and 0.

    Raises
    ------
    InputError
        When low is not below high, a value is not finite, the range does not hold 0, or there would be over 1000.
    """
    if not (np.isfinite([low, high, step]).all() and low <= 0.0 <= high and low < high and step > 0.0):
        raise InputError(f"the range {low:g} to {high:g} in steps of {step:g} must rise, be finite and hold λ = 0")
    if (high - low) / step > 1000.0:
        raise InputError(f"steps of {step:g} make over 1000 λ between {low:g} and {high:g}; give a larger step")
    count = int(np.floor((high - low) / step + 1e-9))
    grid = {round(low + at * step, 9) + 0.0 for at in range(count + 1)} | {0.0}
    return sorted(grid)


def _recorded(ds: xr.Dataset, low: float, high: float) -> list[float]:
    grid = ds[LAM_RESPONSE].values.tolist() if LAM_RESPONSE in ds.coords else []
    return sorted({0.0, *(lam for lam in grid if low <= lam <= high)})


def _closest(
    ds: xr.Dataset, lams: Sequence[float], step_ratio: float, schedule: Schedule, options: WindowOptions
) -> Closest:
    within = window(ds, options, early=0.1)
    t2v, start = t2v_condition(ds), i2v_condition(ds, 0.0)
    samples = complete_samples(ds, [t2v, start], among=within.samples)
    maps = counterfactual_of(
        ds,
        lams,
        start,
        samples,
        step_ratio=step_ratio,
        schedule=schedule,
        matched=None,
        within=within,
        keep=(SAMPLE,),
    )
    rows = later_rows(maps[ATTENTION], None).compute()
    reference = distributions(ds, t2v, samples, within=within, text="renormalise", keep=(SAMPLE,)).compute()

    def curve(of: Sequence[str]) -> xr.DataArray:
        means = (part.sel({SAMPLE: list(of)}).mean(SAMPLE) for part in (rows, reference))
        return divergence_of_rows(*means, base=None, keep=(), over="lam")

    prompts: dict[str, list[str]] = {}
    for sample in samples:
        prompts.setdefault(str(ds["prompt"].sel({SAMPLE: sample}).item()), []).append(sample)
    whole = curve(samples)
    return Closest(
        pair=least_between(whole),
        prompts={prompt: least_between(curve(of)) for prompt, of in prompts.items()},
        curve=whole,
        exact=bool(maps.attrs["exact"]),
        method=str(maps.attrs["method"]),
        samples=len(samples),
    )
