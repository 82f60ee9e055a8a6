"""d(λ): how far modulated I2V attention is from T2V attention (Eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import rel_entr

from dymos_probe.analysis.select import (
    check_keep,
    complete_samples,
    maps_variable,
    mean_over_rest,
    modulated_conditions,
    recorded,
    started_conditions,
    t2v_condition,
)
from dymos_probe.errors import InputError
from dymos_probe.store.schema import CONDITION, HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP, TEXT_MASS

Order = Literal["mean_first", "distance_first"]
Text = Literal["renormalise", "bin"]

_KEPT = (SAMPLE, STEP, LAYER, HEAD, QUERY_FRAME)


def jensen_shannon(
    p: xr.DataArray, q: xr.DataArray, *, dim: str = KEY_FRAME, base: float | None = None
) -> xr.DataArray:
    """Return the Jensen-Shannon divergence of ``p`` and ``q`` along ``dim``, float64, lazy.

    JSD = ½·KL(p‖m) + ½·KL(q‖m) with m = (p + q)/2, after both are scaled to sum to one. It lies
    in [0, ln 2]. (scipy's ``jensenshannon`` is its square root.)

    Parameters
    ----------
    p, q
        Non-negative masses; they broadcast against each other over the other dims.
    dim
        The dim that is the distribution.
    base
        Base of the logarithm; nats by default, 2 for bits.

    Raises
    ------
    InputError
        When the base is not above 1; when computed, where a mass is negative, NaN or sums to zero.
    """
    if base is not None and not base > 1.0:
        raise InputError(f"base {base} must be above 1; 2 gives bits, None nats")
    result: xr.DataArray = xr.apply_ufunc(
        _jensen_shannon, p, q, input_core_dims=[[dim], [dim]], dask="parallelized", output_dtypes=[np.float64]
    )
    result = result if base is None else result / np.log(base)
    units = "nats" if base is None else "bits" if base == 2.0 else f"log base {base:g}"
    return result.rename("jensen_shannon").assign_attrs(long_name="Jensen-Shannon divergence", units=units)


def distance(
    ds: xr.Dataset,
    *,
    step_ratio: float | None = None,
    schedule: str | None = None,
    order: Order = "mean_first",
    text: Text = "renormalise",
    base: float | None = None,
    early: float = 0.1,
    branch: str = "cond",
    keep: Sequence[str] = (),
) -> xr.DataArray:
    """Return d(λ), the mean over query frames f ≥ 1 of JSD(A_I2V^λ[f,:], A_T2V[f,:]), float64 (lam, *kept dims), lazy.

    It takes λ = 0 and the plain modulations of one step ratio and schedule; controls never enter.
    Every λ stands on the same samples, those complete in all arms; a λ without one complete run is
    left out, named in ``attrs["conditions_dropped"]``.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    step_ratio, schedule
        Which modulations; needed when the study has several.
    order
        ``mean_first`` averages the maps over samples, steps, layers and heads and then compares;
        ``distance_first`` compares every recorded map and then averages.
    text
        ``renormalise`` compares rows scaled to one over the video frames; ``bin`` keeps the mass on
        text tokens as one more bin.
    base
        Base of the logarithm; nats by default.
    early
        Fraction of the steps from the first, in (0, 1].
    branch
        Branch of classifier-free guidance.
    keep
        Dims not averaged: any of sample, step, layer, head, query_frame.

    Raises
    ------
    InputError
        When a choice does not exist or is ambiguous, or no sample is complete in every arm.
    """
    check_choices(order, text, keep)
    t2v = t2v_condition(ds)
    asked = modulated_conditions(ds, step_ratio=step_ratio, schedule=schedule)
    started, dropped = started_conditions(ds, asked)
    samples = complete_samples(ds, [t2v, *(started or asked)])

    def rows(which: str | list[str]) -> xr.DataArray:
        return rows_of(ds, which, samples, order=order, text=text, early=early, branch=branch, keep=keep)

    values = divergence_of_rows(rows(started), rows(t2v), base=base, keep=keep, over=CONDITION)
    return (
        values.swap_dims({CONDITION: "lam"})
        .transpose("lam", *keep)
        .rename("distance")
        .assign_attrs(
            long_name="distance to T2V attention, d(λ) (Eq. 5)",
            order=order,
            text=text,
            reference=t2v,
            branch=branch,
            early=early,
            samples_used=len(samples),
            samples_total=ds.sizes[SAMPLE],
            conditions_dropped=", ".join(dropped),
        )
    )


def check_choices(order: str, text: str, keep: Sequence[str]) -> None:
    """Refuse an order, a treatment of text or kept dims that a distance does not have.

    Raises
    ------
    InputError
        Naming the value and those there are.
    """
    check_keep(keep, _KEPT)
    for name, value, known in (("order", order, get_args(Order)), ("text", text, get_args(Text))):
        if value not in known:
            raise InputError(f"{name} {value!r} is unknown; choose one of {', '.join(known)}")


def kept_of_maps(order: Order, keep: Sequence[str]) -> tuple[str, ...]:
    """Return the dims over which maps are not averaged before they are compared."""
    kept = tuple(dim for dim in keep if dim != QUERY_FRAME)
    return kept if order == "mean_first" else (SAMPLE, STEP, LAYER, HEAD)


def rows_of(
    ds: xr.Dataset,
    conditions: str | list[str],
    samples: list[str],
    *,
    order: Order,
    text: Text,
    early: float,
    branch: str,
    keep: Sequence[str],
) -> xr.DataArray:
    """Return the rows f ≥ 1 of recorded maps as a distance compares them, float64, lazy, over ``key_frame`` last."""
    kept, always = kept_of_maps(order, keep), (CONDITION, QUERY_FRAME, KEY_FRAME)

    def averaged(name: str) -> xr.DataArray:
        part = recorded(ds, name, conditions=conditions, samples=samples, branch=branch, early=early)
        return mean_over_rest(part, kept, always)

    return later_rows(averaged(maps_variable(kept)), averaged(TEXT_MASS) if text == "bin" else None)


def later_rows(maps: xr.DataArray, text_mass: xr.DataArray | None) -> xr.DataArray:
    """Return the rows f ≥ 1 of maps, with the mass on text as one more bin where it is given."""
    rows = maps if text_mass is None else _with_text_bin(maps, text_mass)
    return rows.isel({QUERY_FRAME: slice(1, None)})


def divergence_of_rows(
    rows: xr.DataArray, reference: xr.DataArray, *, base: float | None, keep: Sequence[str], over: str
) -> xr.DataArray:
    """Return the divergence of rows from those of a reference, float64 (over, *kept dims), lazy: Eq. 5 of any maps."""
    plain = reference.drop_vars([name for name, coord in reference.coords.items() if not coord.dims])
    return mean_over_rest(jensen_shannon(rows, plain, base=base), keep, (over,)).transpose(over, *keep)


def _with_text_bin(maps: xr.DataArray, mass: xr.DataArray) -> xr.DataArray:
    # The bin stands behind the last frame; only its place along the dim matters.
    binned = mass.expand_dims({KEY_FRAME: [maps.sizes[KEY_FRAME]]})
    joined = xr.concat([maps, binned], dim=KEY_FRAME, coords="minimal", compat="override", join="exact")
    return joined.chunk({KEY_FRAME: -1})


def _jensen_shannon(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # An empty block is how dask asks for the type of the result.
    if p.size and q.size:
        for mass in (p, q):
            if not (np.min(mass) >= 0.0 and np.min(mass.sum(axis=-1)) > 0.0):
                raise InputError("a divergence needs masses that are not negative, not NaN, and above zero in sum")
    p = p / p.sum(axis=-1, keepdims=True)
    q = q / q.sum(axis=-1, keepdims=True)
    middle = (p + q) / 2.0
    divergence = (rel_entr(p, middle).sum(axis=-1) + rel_entr(q, middle).sum(axis=-1)) / 2.0
    # Rounding leaves equal rows a few 1e-17 off zero, on either side.
    return np.asarray(np.clip(divergence, 0.0, np.log(2.0)))
