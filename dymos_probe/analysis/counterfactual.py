"""The maps any λ would give by its direct effect alone, from the untouched run: no model, no further run.

The direct effect is what subtracting λ does to attention while queries and keys stay as they are.
What the changed output then does to later layers and steps, the network's reaction, is not in it:
:func:`dymos_probe.analysis.reaction.reaction` measures that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.divergence import (
    Order,
    Text,
    check_choices,
    distributions,
    divergence_of_rows,
    kept_of_maps,
    later_rows,
)
from dymos_probe.analysis.mean import mean_over
from dymos_probe.analysis.select import (
    check_keep,
    complete_samples,
    i2v_condition,
    named_condition,
    t2v_condition,
)
from dymos_probe.analysis.tilted import means_of_tilted
from dymos_probe.analysis.window import Window, WindowOptions, recorded_in, window
from dymos_probe.bias import Bias, MatchedTable, Schedule, response_grid
from dymos_probe.errors import InputError
from dymos_probe.store.schema import (
    ATTENTION,
    ATTENTION_RESPONSE,
    CONDITION,
    HEAD,
    KEY_FRAME,
    LAM_RESPONSE,
    LAYER,
    METHOD,
    QUERY_FRAME,
    SAMPLE,
    STEP,
    TEXT_MASS,
    TEXT_MASS_RESPONSE,
    UNTOUCHED,
)

_KEPT = (SAMPLE, STEP, LAYER, HEAD)
_EXACT = "exact: attention recorded under each λ on the same queries and keys"
_APPROXIMATE = (
    "approximate: the odds of frame 0 in each recorded row times exp(−λφ), exact only for one query token a frame"
)


def counterfactual(
    ds: xr.Dataset,
    lam: float | Iterable[float],
    *,
    condition: str | None = None,
    step_ratio: float = 1.0,
    schedule: Schedule = "uniform",
    matched: MatchedTable | None = None,
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
) -> xr.Dataset:
    """Return the maps each λ would give by its direct effect on an untouched run, float64, lazy.

    Every recorded map (sample, step, layer, head) is changed and then averaged: the tilt is not
    linear. At λ = 0 and in steps or branches that are not modulated it is the recorded map itself.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    lam
        Strengths λ, any but NaN, in any order; +inf leaves no attention on frame 0.
    condition
        Id of the untouched condition it starts from; I2V at λ = 0 by default.
    step_ratio
        Fraction of the steps that λ would modulate, from the first; the others stay as recorded. It
        matters where the window reaches beyond it.
    schedule
        φ over query frames; ``matched`` needs the table.
    matched
        Strengths of a matched schedule, as `Bias` takes them.
    keep
        Dims not averaged: any of sample, step, layer, head.
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads,
        samples, branch. λ acts on the branch ``cond`` alone (Eq. 7).

    Returns
    -------
    xarray.Dataset
        ``attention`` (lam, *kept dims, query_frame, key_frame) and ``text_mass`` (lam, *kept dims, query_frame).
        ``attrs["exact"]`` is True where the study was recorded with a response at every λ·φ(f) that is
        asked (`probe record --response`); else the odds of frame 0 in each recorded row are
        multiplied by exp(−λφ), which ignores that the query tokens of a frame differ, and
        ``attrs["method"]`` says so.

    Raises
    ------
    InputError
        When a choice does not exist, or the condition is modulated; when computed, where λ = inf leaves a row
        without anything.
    """
    check_keep(keep, _KEPT)
    within = window(ds, options, early=0.1)
    start = i2v_condition(ds, 0.0) if condition is None else named_condition(ds, condition)
    samples = complete_samples(ds, [start], among=within.samples)
    return counterfactual_of(
        ds,
        lam,
        start,
        samples,
        step_ratio=step_ratio,
        schedule=schedule,
        matched=matched,
        within=within,
        keep=keep,
    )


def counterfactual_distance(
    ds: xr.Dataset,
    lam: float | Iterable[float],
    *,
    condition: str | None = None,
    step_ratio: float = 1.0,
    schedule: Schedule = "uniform",
    matched: MatchedTable | None = None,
    order: Order = "mean_first",
    text: Text = "renormalise",
    base: float | None = None,
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
) -> xr.DataArray:
    """Return d(λ) (Eq. 5) of the maps λ would give by its direct effect, float64 (lam, *kept dims), lazy.

    It is :func:`dymos_probe.analysis.divergence.distance` of the maps of :func:`counterfactual`: how
    close each λ would bring attention to T2V's if the network did not react, without running any.
    It stands on the samples complete in T2V and in the untouched condition.

    Parameters
    ----------
    ds, lam, condition, step_ratio, schedule, matched, **options
        As for :func:`counterfactual`.
    order, text, base, keep
        As for :func:`dymos_probe.analysis.divergence.distance`.

    Raises
    ------
    InputError
        When a choice does not exist, or no sample is complete in both.
    """
    check_choices(order, text, keep)
    within = window(ds, options, early=0.1)
    t2v = t2v_condition(ds)
    start = i2v_condition(ds, 0.0) if condition is None else named_condition(ds, condition)
    samples = complete_samples(ds, [t2v, start], among=within.samples)
    maps = counterfactual_of(
        ds,
        lam,
        start,
        samples,
        step_ratio=step_ratio,
        schedule=schedule,
        matched=matched,
        within=within,
        keep=kept_of_maps(order, keep),
    )
    reference = distributions(ds, t2v, samples, within=within, text=text, keep=kept_of_maps(order, keep))
    rows = later_rows(maps[ATTENTION], maps[TEXT_MASS] if text == "bin" else None)
    values = divergence_of_rows(rows, reference, base=base, keep=keep, over="lam")
    return values.rename("counterfactual_distance").assign_attrs(
        long_name="distance to T2V attention by the direct effect, d(λ) (Eq. 5)",
        order=order,
        text=text,
        reference=t2v,
        **maps.attrs,
    )


def counterfactual_of(
    ds: xr.Dataset,
    lam: float | Iterable[float],
    condition: str,
    samples: list[str],
    *,
    step_ratio: float,
    schedule: Schedule,
    matched: MatchedTable | None,
    within: Window,
    keep: Sequence[str],
) -> xr.Dataset:
    """Return :func:`counterfactual` on chosen samples of an untouched condition."""
    if ds[METHOD].sel({CONDITION: condition}).item() != UNTOUCHED:
        raise InputError(f"condition {condition!r} is modulated already; the direct effect is that on an untouched one")
    lams = (float(lam),) if isinstance(lam, (int, float)) else tuple(map(float, lam))
    response_grid(lams)  # refuses none, NaN and one twice
    biases = [Bias(lam=each, step_ratio=step_ratio, schedule=schedule, matched=matched) for each in lams]
    strengths = _strengths(ds, biases)
    # Steps outside the window are of no interest, and another branch than cond is never modulated.
    strengths = strengths.isel({STEP: list(within.steps)})
    if LAYER in strengths.dims and within.layers is not None:
        strengths = strengths.isel({LAYER: list(within.layers)})
    strengths = strengths if within.branch == "cond" else xr.zeros_like(strengths)
    exact = _are_recorded(ds, strengths)
    finite = bool(np.isfinite(strengths).all())
    if exact or not finite or LAYER in strengths.dims or {LAYER, HEAD} & set(keep):
        averages = _of_every_map(ds, condition, samples, strengths, exact=exact, within=within, keep=keep)
    else:
        averages = means_of_tilted(ds, condition, samples, strengths, within=within, keep=keep)
    return xr.Dataset(
        {
            name: values.assign_attrs(ds[name].attrs)
            for name, values in zip((ATTENTION, TEXT_MASS), averages, strict=True)
        },
        attrs={
            "exact": exact,
            "method": _EXACT if exact else _APPROXIMATE,
            "condition": condition,
            "step_ratio": step_ratio,
            "schedule": biases[0].schedule_name,
            **within.attrs(ds, samples),
        },
    )


def _of_every_map(
    ds: xr.Dataset,
    condition: str,
    samples: list[str],
    strengths: xr.DataArray,
    *,
    exact: bool,
    within: Window,
    keep: Sequence[str],
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return attention and mass on text under each λ, every map changed and then averaged over all but ``keep``."""

    def part(name: str) -> xr.DataArray:
        found = recorded_in(ds, name, condition, samples, within).astype(np.float64)
        return found.drop_vars([n for n, coord in found.coords.items() if not coord.dims])

    attention, text = part(ATTENTION), part(TEXT_MASS)
    if exact and strengths.any():
        under = part(ATTENTION_RESPONSE), part(TEXT_MASS_RESPONSE)
        each = [(_from_response(attention, under[0], at), _from_response(text, under[1], at)) for at in strengths]
    elif exact:
        each = [(attention, text) for _ in strengths]
    else:
        each = [_from_frame_means(attention, text, at) for at in strengths]
    averages = []
    for maps, last in ((0, (QUERY_FRAME, KEY_FRAME)), (1, (QUERY_FRAME,))):
        over = [str(dim) for dim in each[0][maps].dims if dim not in (*keep, *last)]
        means = [mean_over(pair[maps], over) for pair in each]
        averages.append(xr.concat(means, strengths["lam"]).transpose("lam", *keep, *last))
    return averages[0], averages[1]


def _strengths(ds: xr.Dataset, biases: Sequence[Bias]) -> xr.DataArray:
    """Return λ·φ, (lam, step, layer, query_frame), or without layer where all layers share it; 0 where it is off."""
    frames, steps = ds.sizes[QUERY_FRAME], ds.sizes[STEP]
    biases[0].check_fits(layers=ds.sizes[LAYER], heads=ds.sizes[HEAD], frames=frames)
    layers = range(ds.sizes[LAYER] if biases[0].matched is not None else 1)
    values = np.array([[bias.strengths(frames, layer) for layer in layers] for bias in biases])
    on = np.arange(steps) < biases[0].modulated_steps(steps)
    # Not a product: λ may be infinite.
    by_step = np.where(on[None, :, None, None], values[:, None], 0.0)
    array = xr.DataArray(
        by_step,
        dims=("lam", STEP, LAYER, QUERY_FRAME),
        coords={"lam": ("lam", [bias.lam for bias in biases], {"long_name": "strength λ", "units": "nats"})},
    )
    array = array.isel({LAYER: 0}) if biases[0].matched is None else array.assign_coords({LAYER: ds[LAYER]})
    return array.assign_coords({STEP: ds[STEP], QUERY_FRAME: ds[QUERY_FRAME]})


def _are_recorded(ds: xr.Dataset, strengths: xr.DataArray) -> bool:
    """Return whether every strength but 0 is a λ of the response."""
    wanted = np.unique(strengths.values[strengths.values != 0.0])
    if not wanted.size:
        return True  # nothing is changed, and what was recorded is exact
    grid = ds[LAM_RESPONSE].values if LAM_RESPONSE in ds.coords else np.empty(0)
    return all(np.isclose(grid, strength, rtol=1e-9, atol=1e-9).any() for strength in wanted)


def _from_response(plain: xr.DataArray, response: xr.DataArray, strengths: xr.DataArray) -> xr.DataArray:
    """Return the recorded rows, each replaced by that of the response at its strength."""
    result, strengths = plain, strengths.drop_vars("lam")
    for strength in np.unique(strengths.values[strengths.values != 0.0]):
        at = int(np.flatnonzero(np.isclose(response[LAM_RESPONSE], strength, rtol=1e-9, atol=1e-9))[0])
        result = result.where(strengths != strength, response.isel({LAM_RESPONSE: at}, drop=True))
    return result


def _from_frame_means(
    attention: xr.DataArray, text: xr.DataArray, strengths: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the recorded rows with the odds of frame 0 times exp(−strength)."""
    maps, mass = xr.apply_ufunc(
        _tilt,
        attention,
        text,
        strengths.drop_vars("lam"),
        input_core_dims=[[KEY_FRAME], [], []],
        output_core_dims=[[KEY_FRAME], []],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    return maps, mass


def _tilt(
    attention: npt.NDArray[np.float64], text: npt.NDArray[np.float64], strengths: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (…, key_frame) rows and (…) text mass tilted by strengths that broadcast against them."""
    # Whichever of the two weights would overflow is left at 1 and the other is shrunk instead.
    reference, others = np.exp(-np.maximum(strengths, 0.0)), np.exp(np.minimum(strengths, 0.0))
    weights = np.broadcast_to(others[..., None], (*np.broadcast_shapes(others.shape, text.shape), attention.shape[-1]))
    weights = np.concatenate([np.broadcast_to(reference[..., None], (*weights.shape[:-1], 1)), weights[..., 1:]], -1)
    tilted, mass = attention * weights, text * others
    total = tilted.sum(axis=-1) + mass
    if total.size and not total.min() > 0.0:
        raise InputError("an infinite λ leaves a row of attention without anything; give a finite one")
    changed = strengths != 0.0
    return (
        np.where(changed[..., None], tilted / total[..., None], attention),
        np.where(changed, mass / total, text),
    )
