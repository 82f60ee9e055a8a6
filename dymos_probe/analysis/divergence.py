"""d(λ): how far modulated I2V attention is from T2V attention (Eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Unpack, get_args

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import rel_entr

from dymos_probe.analysis.select import (
    check_keep,
    complete_samples,
    modulated_conditions,
    started_conditions,
    t2v_condition,
)
from dymos_probe.analysis.window import MAPS, Window, WindowOptions, averaged, window
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
        row_divergence, p, q, input_core_dims=[[dim], [dim]], dask="parallelized", output_dtypes=[np.float64]
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
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
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
    keep
        Dims not averaged: any of sample, step, layer, head, query_frame.
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads,
        samples, branch.

    Raises
    ------
    InputError
        When a choice does not exist or is ambiguous, or no sample is complete in every arm.
    """
    check_choices(order, text, keep)
    within = window(ds, options, early=0.1)
    arms = compared_arms(ds, step_ratio=step_ratio, schedule=schedule, within=within)
    rows, reference = (
        distributions(ds, which, arms.samples, within=within, text=text, keep=kept_of_maps(order, keep))
        for which in (arms.modulated, arms.t2v)
    )
    values = divergence_of_rows(rows, reference, base=base, keep=keep, over=CONDITION)
    return (
        values.swap_dims({CONDITION: "lam"})
        .transpose("lam", *keep)
        .rename("distance")
        .assign_attrs(
            long_name="distance to T2V attention, d(λ) (Eq. 5)",
            order=order,
            text=text,
            reference=arms.t2v,
            **within.attrs(ds, arms.samples),
            conditions_dropped=", ".join(arms.dropped),
        )
    )


class Arms(NamedTuple):
    """The conditions d(λ) compares, and the samples that all of them have."""

    t2v: str
    modulated: list[str]
    """λ = 0 and the plain modulations, by rising λ."""
    samples: list[str]
    dropped: list[str]
    """Modulations without one complete run."""


def compared_arms(ds: xr.Dataset, *, step_ratio: float | None, schedule: str | None, within: Window) -> Arms:
    """Return what d(λ) compares in a window.

    Raises
    ------
    InputError
        When a choice does not exist or is ambiguous, or no sample is complete in every arm.
    """
    t2v = t2v_condition(ds)
    asked = modulated_conditions(ds, step_ratio=step_ratio, schedule=schedule)
    started, dropped = started_conditions(ds, asked, among=within.samples)
    samples = complete_samples(ds, [t2v, *(started or asked)], among=within.samples)
    return Arms(t2v, started, samples, dropped)


def distributions(
    ds: xr.Dataset,
    conditions: str | Sequence[str],
    samples: Sequence[str],
    *,
    within: Window,
    text: Text,
    keep: Sequence[str],
) -> xr.DataArray:
    """Return rows f ≥ 1 of A, averaged over all but ``keep``; with ``text="bin"`` the mass on text is one more key."""
    kept = (*keep, QUERY_FRAME, KEY_FRAME)
    maps = averaged(ds, MAPS, conditions=conditions, samples=samples, within=within, keep=kept)
    if text == "bin":
        kept = (*keep, QUERY_FRAME)
        mass = averaged(ds, (TEXT_MASS,), conditions=conditions, samples=samples, within=within, keep=kept)
        return later_rows(maps, mass)
    return later_rows(maps, None)


def check_choices(order: str, text: str, keep: Sequence[str]) -> None:
    """Refuse an order, a treatment of text or kept dims that a distance does not have.

    Raises
    ------
    InputError
        Naming the value and those there are.
    """
    check_keep(keep, _KEPT)
    check_text(text)
    if order not in get_args(Order):
        raise InputError(f"order {order!r} is unknown; choose one of {', '.join(get_args(Order))}")


def kept_of_maps(order: Order, keep: Sequence[str]) -> tuple[str, ...]:
    """Return the dims over which maps are not averaged before they are compared."""
    kept = tuple(dim for dim in keep if dim != QUERY_FRAME)
    return kept if order == "mean_first" else (SAMPLE, STEP, LAYER, HEAD)


def later_rows(maps: xr.DataArray, text_mass: xr.DataArray | None) -> xr.DataArray:
    """Return the rows f ≥ 1 of maps, with the mass on text as one more bin where it is given."""
    rows = maps if text_mass is None else _with_text_bin(maps, text_mass)
    return rows.isel({QUERY_FRAME: slice(1, None)})


def divergence_of_rows(
    rows: xr.DataArray, reference: xr.DataArray, *, base: float | None, keep: Sequence[str], over: str
) -> xr.DataArray:
    """Return the divergence of rows from those of a reference, float64 (over, *kept dims), lazy: Eq. 5 of any maps."""
    plain = reference.drop_vars([name for name, coord in reference.coords.items() if not coord.dims])
    values = jensen_shannon(rows, plain, base=base)
    return values.mean([dim for dim in values.dims if dim not in (over, *keep)]).transpose(over, *keep)


def check_text(text: str) -> None:
    """Refuse an unknown way of treating the mass on text.

    Raises
    ------
    InputError
        Naming those there are.
    """
    if text not in get_args(Text):
        raise InputError(f"text {text!r} is unknown; choose one of {', '.join(get_args(Text))}")


def _with_text_bin(maps: xr.DataArray, mass: xr.DataArray) -> xr.DataArray:
    # The bin stands behind the last frame; only its place along the dim matters.
    binned = mass.expand_dims({KEY_FRAME: [maps.sizes[KEY_FRAME]]})
    joined = xr.concat([maps, binned], dim=KEY_FRAME, coords="minimal", compat="override", join="exact")
    return joined.chunk({KEY_FRAME: -1})


def row_divergence(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the Jensen-Shannon divergence of rows (…, key), nats, (…).

    Raises
    ------
    InputError
        Where a mass is negative, NaN or sums to zero.
    """
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
