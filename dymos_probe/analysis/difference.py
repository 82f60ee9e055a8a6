"""ΔA: how much more the I2V model attends to each frame than its T2V counterpart (Fig. 2b)."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from dymos_probe.analysis.select import (
    check_keep,
    complete_samples,
    i2v_condition,
    maps_variable,
    mean_over_rest,
    named_condition,
    recorded,
    t2v_condition,
)
from dymos_probe.store.schema import HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

_KEPT = (SAMPLE, STEP, LAYER, HEAD)


def difference(
    ds: xr.Dataset,
    *,
    lam: float = 0.0,
    step_ratio: float | None = None,
    schedule: str | None = None,
    condition: str | None = None,
    early: float = 0.1,
    branch: str = "cond",
    keep: Sequence[str] = (),
) -> xr.DataArray:
    """Return ΔA = A_I2V − A_T2V, float64 (*kept dims, query_frame, key_frame), attention mass, lazy.

    It is averaged over the samples complete in both arms, the first ``early`` fraction of the
    steps (at least one), layers and heads; ``attrs["samples_used"]`` counts the samples.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    lam, step_ratio, schedule
        Which I2V condition: the untouched one at λ = 0, or a plain modulation. The last two are
        needed when several share λ.
    condition
        Id of any condition to take instead, a control or another method.
    early
        Fraction of the steps, in (0, 1].
    branch
        Branch of classifier-free guidance.
    keep
        Dims not averaged: any of sample, step, layer, head.

    Raises
    ------
    InputError
        When a choice does not exist or is ambiguous, or no sample is complete in both.
    """
    check_keep(keep, _KEPT)
    t2v = t2v_condition(ds)
    if condition is None:
        i2v = i2v_condition(ds, lam, step_ratio=step_ratio, schedule=schedule)
    else:
        i2v = named_condition(ds, condition)
    samples = complete_samples(ds, [t2v, i2v])
    t2v_maps, i2v_maps = (
        recorded(ds, maps_variable(keep), conditions=which, samples=samples, branch=branch, early=early).drop_vars(
            [name for name, coord in ds.coords.items() if coord.dims == ("condition",)]
        )
        for which in (t2v, i2v)
    )
    delta = mean_over_rest(i2v_maps - t2v_maps, keep, (QUERY_FRAME, KEY_FRAME))
    delta = delta.transpose(*keep, QUERY_FRAME, KEY_FRAME).rename("difference")
    return delta.assign_attrs(
        long_name="attention difference, I2V − T2V",
        units="attention mass",
        lam=float(ds["lam"].sel(condition=i2v)),
        conditions=f"{i2v} − {t2v}",
        branch=branch,
        early=early,
        samples_used=len(samples),
        samples_total=ds.sizes[SAMPLE],
    )
