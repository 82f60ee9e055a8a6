"""How much attention the generated frames put on the reference frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import xarray as xr

from dymos_probe.analysis.select import check_keep, same_samples
from dymos_probe.analysis.window import MAPS, WindowOptions, averaged, cheapest, window
from dymos_probe.store.schema import CONDITION, DOMINANCE, HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

_KEPT = (SAMPLE, STEP, LAYER, HEAD, QUERY_FRAME)


def dominance(
    ds: xr.Dataset,
    *,
    conditions: Sequence[str] | None = None,
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
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
    keep
        Dims not averaged: any of sample, step, layer, head, query_frame (from 1).
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (1, all steps) or steps, layers,
        heads, samples, branch.

    Raises
    ------
    InputError
        When a choice does not exist, or no sample is complete in every condition.
    """
    check_keep(keep, _KEPT)
    within = window(ds, options, early=1.0)
    started, samples, dropped = same_samples(ds, conditions, among=within.samples)
    names = MAPS if QUERY_FRAME in keep else (DOMINANCE, *MAPS)
    rows = () if cheapest(ds, names, within=within, keep=keep) == DOMINANCE else (QUERY_FRAME, KEY_FRAME)
    values = averaged(ds, names, conditions=started, samples=samples, within=within, keep=(*keep, *rows))
    if rows:
        values = values.isel({KEY_FRAME: 0, QUERY_FRAME: slice(1, None)}, drop=True)
    result = values.mean([dim for dim in values.dims if dim not in (CONDITION, *keep)]).transpose(CONDITION, *keep)
    return result.rename(DOMINANCE).assign_attrs(
        long_name=ds[DOMINANCE].attrs["long_name"],
        units=ds[DOMINANCE].attrs["units"],
        **within.attrs(ds, samples),
        conditions_dropped=", ".join(dropped),
    )
