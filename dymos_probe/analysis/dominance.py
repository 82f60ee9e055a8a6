"""How much attention the generated frames put on the reference frame."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from dymos_probe.analysis.select import (
    check_keep,
    complete_samples,
    mean_over_rest,
    named_condition,
    recorded,
    started_conditions,
)
from dymos_probe.store.schema import CONDITION, DOMINANCE, HEAD, LAYER, SAMPLE, STEP

_KEPT = (SAMPLE, STEP, LAYER, HEAD)


def dominance(
    ds: xr.Dataset,
    *,
    conditions: Sequence[str] | None = None,
    early: float = 1.0,
    branch: str = "cond",
    keep: Sequence[str] = (),
) -> xr.DataArray:
    """Return column 0 of A averaged over query frames f ≥ 1, float64 (condition, *kept dims), lazy.

    Every condition stands on the same samples, those complete in all of them, so that their values
    compare. Conditions without one complete run are left out, named in ``attrs["conditions_dropped"]``.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    conditions
        Ids to take; all by default.
    early
        Fraction of the steps from the first, in (0, 1]; all by default.
    branch
        Branch of classifier-free guidance.
    keep
        Dims not averaged: any of sample, step, layer, head.

    Raises
    ------
    InputError
        When a choice does not exist, or no sample is complete in every condition.
    """
    check_keep(keep, _KEPT)
    asked = [str(label) for label in ds[CONDITION].values] if conditions is None else list(conditions)
    started, dropped = started_conditions(ds, [named_condition(ds, label) for label in asked])
    samples = complete_samples(ds, started or asked)
    values = recorded(ds, DOMINANCE, conditions=started, samples=samples, branch=branch, early=early)
    result = mean_over_rest(values, keep, (CONDITION,)).transpose(CONDITION, *keep)
    return result.assign_attrs(
        ds[DOMINANCE].attrs,
        branch=branch,
        early=early,
        samples_used=len(samples),
        samples_total=ds.sizes[SAMPLE],
        conditions_dropped=", ".join(dropped),
    )
