"""Conditions of any setting side by side on the same samples: distance to T2V, dominance and a metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import xarray as xr

from dymos_probe.analysis.divergence import distributions, divergence_of_rows
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.select import complete_samples, named_condition, t2v_condition
from dymos_probe.analysis.window import WindowOptions, window
from dymos_probe.errors import InputError
from dymos_probe.store.schema import CONDITION, METRIC_PREFIX, SAMPLE


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """One condition."""

    condition: str
    """Its id."""
    lam: float
    """Strength λ; of a matched schedule, what scales its table."""
    distance: float
    """Distance of its attention to T2V's, nats (Eq. 5)."""
    dominance: float
    """Attention mass on the reference frame."""
    metric: float
    """Mean of the metric."""
    gap: float
    """Mean of the metric minus T2V's."""
    gap_standard_error: float | None
    """Of the gap, each sample against itself; None of one sample."""
    samples: int
    """Samples the metric stands on: those measured in T2V and in all of these conditions."""


def compare_conditions(
    ds: xr.Dataset, conditions: Sequence[str], metric: str, **options: Unpack[WindowOptions]
) -> tuple[ConditionRow, ...]:
    """Return a row for each of ``conditions``, all on the same samples.

    Parameters
    ----------
    ds
        A study with the metric, from ``open_study``.
    conditions
        Ids, of I2V conditions of any setting.
    metric
        Name of a metric, without its prefix.
    **options
        The window of distance and dominance, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps,
        layers, heads, samples, branch.

    Raises
    ------
    InputError
        When a condition does not exist, or no sample is complete, or measured, in all of them and in T2V.
    """
    if options.get("steps") is None and options.get("early") is None:
        options = {**options, "early": 0.1}
    within = window(ds, options, early=0.1)
    t2v, asked = t2v_condition(ds), [named_condition(ds, label) for label in conditions]
    samples = complete_samples(ds, [t2v, *asked], among=within.samples)
    rows, reference = (
        distributions(ds, which, samples, within=within, text="renormalise", keep=()) for which in (asked, t2v)
    )
    distances = divergence_of_rows(rows, reference, base=None, keep=(), over=CONDITION).compute()
    masses = dominance(ds, conditions=asked, keep=(SAMPLE,), **options).sel({SAMPLE: samples}).mean(SAMPLE).compute()
    values = ds[METRIC_PREFIX + metric].sel({CONDITION: [t2v, *asked], SAMPLE: samples}).astype(float).compute()
    values = values.isel({SAMPLE: values.notnull().all(CONDITION).values})
    count = values.sizes[SAMPLE]
    if not count:
        raise InputError(f"metric {metric} has no sample that is measured in all of {t2v}, {', '.join(asked)}")
    gaps = values.sel({CONDITION: asked}) - values.sel({CONDITION: t2v}).reset_coords(drop=True)
    return tuple(
        ConditionRow(
            condition=label,
            lam=float(ds["lam"].sel({CONDITION: label})),
            distance=float(distances.sel({CONDITION: label})),
            dominance=float(masses.sel({CONDITION: label})),
            metric=float(values.sel({CONDITION: label}).mean()),
            gap=float(gaps.sel({CONDITION: label}).mean()),
            gap_standard_error=(
                float(gaps.sel({CONDITION: label}).std(ddof=1)) / math.sqrt(count) if count > 1 else None
            ),
            samples=count,
        )
        for label in asked
    )
