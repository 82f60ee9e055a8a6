"""ΔA: how much more the I2V model attends to each frame than its T2V counterpart (Fig. 2b)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import xarray as xr

from dymos_probe.analysis.select import (
    check_keep,
    complete_samples,
    i2v_condition,
    named_condition,
    t2v_condition,
)
from dymos_probe.analysis.window import MAPS, WindowOptions, averaged, window
from dymos_probe.store.schema import HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

_KEPT = (SAMPLE, STEP, LAYER, HEAD)


def difference(
    ds: xr.Dataset,
    *,
    lam: float = 0.0,
    step_ratio: float | None = None,
    schedule: str | None = None,
    condition: str | None = None,
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
) -> xr.DataArray:
    """Return ΔA = A_I2V − A_T2V, float64 (*kept dims, query_frame, key_frame), attention mass, lazy.

    It is averaged over the samples complete in both arms, steps (of the early tenth by default, at
    least one), layers and heads; ``attrs["samples_used"]`` counts the samples.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    lam, step_ratio, schedule
        Which I2V condition: the untouched one at λ = 0, or a plain modulation. The last two are
        needed when several share λ.
    condition
        Id of any condition to take instead, a control or another method.
    keep
        Dims not averaged: any of sample, step, layer, head.
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads,
        samples, branch.

    Raises
    ------
    InputError
        When a choice does not exist or is ambiguous, or no sample is complete in both.
    """
    check_keep(keep, _KEPT)
    within = window(ds, options, early=0.1)
    t2v = t2v_condition(ds)
    if condition is None:
        i2v = i2v_condition(ds, lam, step_ratio=step_ratio, schedule=schedule)
    else:
        i2v = named_condition(ds, condition)
    samples = complete_samples(ds, [t2v, i2v], among=within.samples)
    t2v_maps, i2v_maps = (
        averaged(ds, MAPS, conditions=which, samples=samples, within=within, keep=(*keep, QUERY_FRAME, KEY_FRAME))
        for which in (t2v, i2v)
    )
    delta = (i2v_maps - t2v_maps).transpose(*keep, QUERY_FRAME, KEY_FRAME).rename("difference")
    return delta.assign_attrs(
        long_name="attention difference, I2V − T2V",
        units="attention mass",
        lam=float(ds["lam"].sel(condition=i2v)),
        conditions=f"{i2v} − {t2v}",
        **within.attrs(ds, samples),
    )
