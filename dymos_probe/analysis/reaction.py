"""How much of what λ does to attention is its direct effect, and how much the network's reaction to it."""

from __future__ import annotations

from typing import Unpack

import xarray as xr

from dymos_probe.analysis.counterfactual import counterfactual_of
from dymos_probe.analysis.divergence import (
    Order,
    Text,
    check_choices,
    distributions,
    divergence_of_rows,
    kept_of_maps,
    later_rows,
)
from dymos_probe.analysis.select import (
    complete_samples,
    i2v_condition,
    modulated_conditions,
    started_conditions,
    t2v_condition,
)
from dymos_probe.analysis.window import WindowOptions, window
from dymos_probe.bias import MATCHED, MatchedTable, Schedule
from dymos_probe.errors import InputError
from dymos_probe.store.schema import ATTENTION, CONDITION, KEY_FRAME, TEXT_MASS

LEAST_CHANGE = 1e-6
"""Of a mean mass: less is rounding, as maps are kept in float32, and no share is formed of it."""


def reaction(
    ds: xr.Dataset,
    *,
    step_ratio: float | None = None,
    schedule: str | None = None,
    matched: MatchedTable | None = None,
    order: Order = "mean_first",
    text: Text = "renormalise",
    base: float | None = None,
    **options: Unpack[WindowOptions],
) -> xr.Dataset:
    """Return, for every λ ≠ 0 that was run, its effect on attention in two parts, float64 (lam), in memory.

    The effect is that of the run at λ against the untouched run. Its direct part is what λ does to
    the untouched run's own queries and keys (:func:`dymos_probe.analysis.counterfactual.counterfactual`); the
    reaction is the rest, what the network makes of the changed output in later layers and steps. Every
    number stands on the same samples, those complete in T2V, at λ = 0 and at every λ. Where a λ was
    not recorded as a response its direct part is approximate, and so are reaction and share.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    step_ratio, schedule
        Which modulations; needed when the study has several.
    matched
        Of a matched schedule, the table that it stands for, from ``dymos_probe.store.read_schedule``.
    order, text, base
        How maps are compared, as for :func:`dymos_probe.analysis.divergence.distance`.
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads, samples,
        branch. Steps that are not modulated have no direct effect; in the branch ``uncond``, which λ leaves
        alone, all is reaction.

    Returns
    -------
    xarray.Dataset
        Of dominance, attention mass: ``measured_change`` = dominance(λ) − dominance(0), ``direct_change`` and
        ``reaction`` = measured − direct. ``direct_share`` = direct / measured, 1 without any reaction,
        above 1 where the network takes a part back. It is not defined, and then NaN with the
        reason in ``share_undefined`` (text, else empty), where dominance did not change, or changed
        against the direct effect. Of d(λ): ``measured_distance`` and ``counterfactual_distance``. Of whole
        maps, as divergences: ``map_effect`` (run at λ from untouched) and ``map_reaction`` (run at λ from
        counterfactual). ``exact`` (bool) says whether the direct part of a λ is.

    Raises
    ------
    InputError
        When no λ but 0 was run, a choice does not exist or is ambiguous, or no sample is complete everywhere.
    """
    check_choices(order, text, ())
    within = window(ds, options, early=0.1)
    t2v, start = t2v_condition(ds), i2v_condition(ds, 0.0)
    asked = [c for c in modulated_conditions(ds, step_ratio=step_ratio, schedule=schedule) if c != start]
    run, dropped = started_conditions(ds, asked, among=within.samples) if asked else ([], [])
    if not run:
        raise InputError("no λ but 0 was run, so there is no effect to divide; `probe intervene` runs some")
    samples = complete_samples(ds, [t2v, start, *run], among=within.samples)
    kept = kept_of_maps(order, ())
    reference, untouched, measured = (
        distributions(ds, which, samples, within=within, text=text, keep=kept) for which in (t2v, start, run)
    )
    lams = ds["lam"].sel({CONDITION: run}).values.tolist()
    measured = _over_lam(measured, lams)
    untouched = untouched.drop_vars([n for n, coord in untouched.coords.items() if not coord.dims])
    setting = ds.sel({CONDITION: run[0]})
    direct, exact = [], []
    for lam in lams:  # one by one: each is as exact as its own response
        maps = counterfactual_of(
            ds,
            lam,
            start,
            samples,
            step_ratio=float(setting["step_ratio"]),
            schedule=_schedule(str(setting["schedule"].item()), matched),
            matched=matched,
            within=within,
            keep=kept,
        )
        direct.append(later_rows(maps[ATTENTION], maps[TEXT_MASS] if text == "bin" else None))
        exact.append(bool(maps.attrs["exact"]))
    under = xr.concat(direct, "lam")

    def divergence(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
        return divergence_of_rows(one, other, base=base, keep=(), over="lam")

    def mass(of: xr.DataArray) -> xr.DataArray:
        reference_column = of.isel({KEY_FRAME: 0}, drop=True)
        return reference_column.mean([dim for dim in reference_column.dims if dim != "lam"])

    at_zero = mass(untouched)
    parts = xr.Dataset(
        {
            "measured_change": mass(measured) - at_zero,
            "direct_change": mass(under) - at_zero,
            "measured_distance": divergence(measured, reference),
            "counterfactual_distance": divergence(under, reference),
            "map_effect": divergence(measured, untouched),
            "map_reaction": divergence(measured, under),
        }
    ).compute()
    why = [
        _undefined(float(m), float(d)) for m, d in zip(parts["measured_change"], parts["direct_change"], strict=True)
    ]
    defined = xr.DataArray([not reason for reason in why], dims="lam")
    parts = parts.assign(
        reaction=parts["measured_change"] - parts["direct_change"],
        direct_share=(parts["direct_change"] / parts["measured_change"].where(defined)),
        share_undefined=("lam", why),
        exact=("lam", exact),
    )
    units = str(parts["measured_distance"].attrs["units"])
    for name, (long_name, unit) in _ABOUT.items():
        parts[name].attrs = {"long_name": long_name, "units": units if unit == "divergence" else unit}
    return parts[list(_ABOUT)].assign_attrs(
        conditions=", ".join(run),
        conditions_dropped=", ".join(dropped),
        step_ratio=float(setting["step_ratio"]),
        schedule=str(setting["schedule"].item()),
        order=order,
        text=text,
        **within.attrs(ds, samples),
    )


_ABOUT = {
    "measured_change": ("change of dominance against λ = 0, measured", "attention mass"),
    "direct_change": ("change of dominance by the direct effect of λ", "attention mass"),
    "reaction": ("change of dominance by the network's reaction", "attention mass"),
    "direct_share": ("direct effect, as a share of the measured change", "1"),
    "share_undefined": ("why there is no share", "1"),
    "measured_distance": ("distance to T2V attention, d(λ), measured", "divergence"),
    "counterfactual_distance": ("distance to T2V attention, d(λ), by the direct effect", "divergence"),
    "map_effect": ("divergence of the maps at λ from the untouched ones", "divergence"),
    "map_reaction": ("divergence of the maps at λ from those of the direct effect", "divergence"),
    "exact": ("the direct effect is exact", "1"),
}


def _over_lam(rows: xr.DataArray, lams: list[float]) -> xr.DataArray:
    """Return rows over conditions as rows over their λ."""
    plain = rows.drop_vars([name for name, coord in rows.coords.items() if CONDITION in coord.dims or not coord.dims])
    return plain.rename({CONDITION: "lam"}).assign_coords(
        lam=("lam", lams, {"long_name": "strength λ", "units": "nats"})
    )


def _schedule(stored: str, matched: MatchedTable | None) -> Schedule:
    if stored.startswith(f"{MATCHED}-"):
        if matched is None:
            raise InputError(
                f"the schedule {stored!r} is a table of the study; give it as matched=…, "
                "from dymos_probe.store.read_schedule"
            )
        return MATCHED
    if matched is not None:
        raise InputError(f"a matched table is given, but the schedule is {stored!r}; leave it out")
    return stored  # type: ignore[return-value]


def _undefined(measured: float, direct: float) -> str:
    """Return why there is no share of the direct effect in the measured change, or nothing."""
    if abs(measured) <= LEAST_CHANGE:
        return "dominance did not change"
    if measured * direct < 0.0:
        return "dominance changed against the direct effect: the reaction outweighs it"
    return ""
