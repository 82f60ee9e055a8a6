"""A: the mean frame-to-frame attention of any condition (Eq. 8, as in Fig. 2b)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import xarray as xr

from dymos_probe.analysis.select import check_keep, same_samples
from dymos_probe.analysis.window import MAPS, WindowOptions, averaged, window
from dymos_probe.store.schema import ATTENTION, CONDITION, HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

_KEPT = (SAMPLE, STEP, LAYER, HEAD)


def maps(
    ds: xr.Dataset,
    *,
    conditions: Sequence[str] | None = None,
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
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
    keep
        Dims not averaged: any of sample, step, layer, head.
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads,
        samples, branch.

    Raises
    ------
    InputError
        When a choice does not exist, or no sample is complete in every condition.
    """
    check_keep(keep, _KEPT)
    within = window(ds, options, early=0.1)
    started, samples, dropped = same_samples(ds, conditions, among=within.samples)
    kept = (*keep, QUERY_FRAME, KEY_FRAME)
    result = averaged(ds, MAPS, conditions=started, samples=samples, within=within, keep=kept)
    return (
        result.transpose(CONDITION, *kept)
        .rename("maps")
        .assign_attrs(
            ds[ATTENTION].attrs,
            **within.attrs(ds, samples),
            conditions_dropped=", ".join(dropped),
        )
    )
