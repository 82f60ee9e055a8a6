"""A: the mean frame-to-frame attention of any condition (Eq. 8, as in Fig. 2b)."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from dymos_probe.analysis.select import (
    check_keep,
    complete_samples,
    maps_variable,
    mean_over_rest,
    named_condition,
    recorded,
    started_conditions,
)
from dymos_probe.store.schema import ATTENTION, CONDITION, HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

_KEPT = (SAMPLE, STEP, LAYER, HEAD)


def maps(
    ds: xr.Dataset,
    *,
    conditions: Sequence[str] | None = None,
    early: float = 0.1,
    branch: str = "cond",
    keep: Sequence[str] = (),
) -> xr.DataArray:
    """Return A averaged, float64 (condition, *kept dims, query_frame, key_frame), attention mass, lazy.

    Every condition stands on the same samples, those complete in all of them, so that their maps
    compare. Conditions without one complete run are left out, named in ``attrs["conditions_dropped"]``.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    conditions
        Ids to take; all by default.
    early
        Fraction of the steps from the first, in (0, 1].
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
    values = recorded(ds, maps_variable(keep), conditions=started, samples=samples, branch=branch, early=early)
    result = mean_over_rest(values, keep, (CONDITION, QUERY_FRAME, KEY_FRAME))
    return (
        result.transpose(CONDITION, *keep, QUERY_FRAME, KEY_FRAME)
        .rename("maps")
        .assign_attrs(
            ds[ATTENTION].attrs,
            branch=branch,
            early=early,
            samples_used=len(samples),
            samples_total=ds.sizes[SAMPLE],
            conditions_dropped=", ".join(dropped),
        )
    )
