"""Sections over λ: what one setting of the modulation does to attention and to the videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast, get_args

import numpy as np
import xarray as xr

from dymos_probe.analysis.counterfactual import counterfactual_distance
from dymos_probe.analysis.distance_minimum import distance_minimum
from dymos_probe.analysis.divergence import distance
from dymos_probe.analysis.interval import interval
from dymos_probe.analysis.metric_curve import metric_curve as over_lam
from dymos_probe.analysis.metric_curve import metric_names
from dymos_probe.analysis.select import modulated_conditions, started_conditions, t2v_condition
from dymos_probe.bias import MATCHED, Schedule
from dymos_probe.errors import InputError
from dymos_probe.figures import reading, sentences
from dymos_probe.figures.distance_curve import distance_curve
from dymos_probe.figures.metric_curve import metric_curve
from dymos_probe.figures.motion_and_quality import motion_and_quality
from dymos_probe.figures.reference_attention import reference_attention
from dymos_probe.figures.sections.section import EARLY, LeftOut, Section, table
from dymos_probe.store.schema import CONDITION, LAM_RESPONSE

_ENOUGH, _DIRECT = 4, 25
"""Recorded λ that make a curve, and λ of one from frame means."""

Setting = tuple[float, str]

GROUP = "What λ does"
MOTION = ("dynamic_degree", "dynamic_degree_raft", "sprite_along", "optical_flow_raft", "optical_flow", "dynamic_dis")
"""Metrics of motion, the one to show with quality first."""
QUALITY = (
    "quality_mean",
    "imaging_quality",
    "musiq",
    "aesthetic_quality",
    "laion_aesthetic",
    "temporal_flickering",
    "psnr_to_reference",
)
"""Metrics of quality, likewise."""


def strength_sections(ds: xr.Dataset, setting: Setting, *, only: bool) -> Iterator[Section | LeftOut]:
    """Yield the sections of one step ratio and schedule; ``only`` leaves out of names which it is."""
    ratio, schedule = setting
    steps = "all steps" if ratio >= 1.0 else f"the first {100 * ratio:g} % of the steps"
    which = f"λ in {steps}, {schedule.partition('-')[0]} schedule"
    parts = [*attention_over_lam(ds, setting), *metrics_over_lam(ds, setting)]
    for part in parts:
        yield part if only else _named(part, f"_ratio{ratio:g}_{schedule}", which)


def reference_section(result: xr.DataArray | xr.Dataset) -> Section:
    """Return the section of attention over λ, from what `reference_attention` is drawn of."""
    value = result["value"].assign_attrs(result.attrs) if isinstance(result, xr.Dataset) else result
    return Section(
        name="reference_attention",
        group=GROUP,
        heading="What λ does to attention on the reference frame",
        how=reading.READ_REFERENCE,
        said=sentences.reference_sentence(value),
        figure=reference_attention(result),
        data=table(result if isinstance(result, xr.Dataset) else result.to_dataset(name="dominance")),
    )


def distance_section(
    d: xr.DataArray, *, minimum: xr.Dataset | None = None, counterfactual: xr.DataArray | None = None
) -> Section:
    """Return the section of d(λ), from what `distance_curve` is drawn of."""
    how = reading.READ_DISTANCE
    how += "" if minimum is None else reading.READ_MINIMUM
    how += "" if counterfactual is None else reading.READ_DIRECT
    return Section(
        name="distance",
        group=GROUP,
        heading="How close λ brings attention to T2V",
        how=how,
        said=sentences.distance_sentence(d) + ("" if minimum is None else " " + sentences.minimum_sentence(minimum)),
        figure=distance_curve(d, minimum=minimum, counterfactual=counterfactual),
        data=table(d.to_dataset(name="distance")),
        found=True,
    )


def attention_over_lam(ds: xr.Dataset, setting: Setting) -> Iterator[Section | LeftOut]:
    """Yield the sections of one setting that are about attention: how much the reference frame has, and d(λ)."""
    ratio, schedule = setting
    try:
        over = started_conditions(ds, modulated_conditions(ds, step_ratio=ratio, schedule=schedule))[0]
        reference = interval(ds, "dominance", conditions=[t2v_condition(ds), *over], early=EARLY)
        _check_strengths(reference["value"].isel({CONDITION: slice(1, None)}).swap_dims({CONDITION: "lam"}))
    except InputError as error:
        yield LeftOut("reference_attention", str(error))
    else:
        yield reference_section(reference)
    try:
        d = distance(ds, early=EARLY, step_ratio=ratio, schedule=schedule).compute()
        _check_strengths(d)
    except InputError as error:
        yield LeftOut("distance", str(error))
    else:
        yield distance_section(
            d, minimum=_minimum(ds, d, ratio, schedule), counterfactual=_direct(ds, d, ratio, schedule)
        )


def _minimum(ds: xr.Dataset, d: xr.DataArray, ratio: float, schedule: str) -> xr.Dataset | None:
    """Return where d(λ) is least between the λ tried; None where two finite ones are not there to lie between."""
    if int(np.isfinite(d["lam"].values).sum()) < 2:
        return None
    return distance_minimum(ds, step_ratio=ratio, schedule=schedule, early=EARLY)


def _direct(ds: xr.Dataset, d: xr.DataArray, ratio: float, schedule: str) -> xr.DataArray | None:
    """Return d(λ) of the direct effect over the λ tried: exact where all were recorded as a response.

    None for a matched schedule, whose table is not in the dataset, without two finite λ, and where no sample has the
    untouched runs it is made of.
    """
    finite = d["lam"].values[np.isfinite(d["lam"].values)]
    if schedule not in get_args(Schedule) or schedule == MATCHED or len(finite) < 2:
        return None
    recorded = ds[LAM_RESPONSE].values if LAM_RESPONSE in ds.coords else np.empty(0)
    within = [float(lam) for lam in recorded if finite.min() <= lam <= finite.max()]
    # The few that were recorded are exact for a uniform schedule; others are had at any λ, from frame means.
    exact = schedule == "uniform" and len(within) >= _ENOUGH
    lams = sorted({0.0, *within}) if exact else np.linspace(finite.min(), finite.max(), _DIRECT).tolist()
    try:
        return counterfactual_distance(
            ds, lam=lams, step_ratio=ratio, schedule=cast(Schedule, schedule), early=EARLY
        ).compute()
    except InputError:  # the runs of other λ are there, that of λ = 0 is not
        return None


def metrics_over_lam(ds: xr.Dataset, setting: Setting) -> Iterator[Section | LeftOut]:
    """Yield the sections of one setting that are about what the videos measure."""
    ratio, schedule = setting
    curves: dict[str, xr.Dataset] = {}
    left_out = []
    for metric in metric_names(ds):
        try:
            curve = over_lam(ds, metric, step_ratio=ratio, schedule=schedule)
            _check_strengths(curve)
        except InputError as error:
            left_out.append(LeftOut(f"metric_{metric}", str(error)))
        else:
            curves[metric] = curve
    motion, quality = (next((name for name in names if name in curves), None) for names in (MOTION, QUALITY))
    if motion is not None and quality is not None:
        both = (curves[motion], curves[quality])
        yield Section(
            name="motion_and_quality",
            group=GROUP,
            heading="What λ gives in motion, and what it costs in quality",
            how=reading.READ_MOTION_AND_QUALITY,
            said=sentences.motion_and_quality_sentence(*both),
            figure=motion_and_quality(*both),
            data=table(_side_by_side(*both)),
        )
    for metric, curve in curves.items():
        name = str(curve.attrs.get("long_name", metric))
        yield Section(
            name=f"metric_{metric}",
            group=GROUP,
            heading=f"{name[:1].upper()}{name[1:]} over λ",
            how=reading.READ_METRIC if metric == next(iter(curves)) else "",
            said=sentences.metric_sentence(curve),
            figure=metric_curve(curve),
            data=table(curve),
            found=True,
        )
    yield from left_out


def _side_by_side(motion: xr.Dataset, quality: xr.Dataset) -> xr.Dataset:
    each = {
        f"{name}_{column}": curve[column].reset_coords(drop=True)
        for name, curve in (("motion", motion), ("quality", quality))
        for column in ("mean", "standard_error")
    }
    return xr.merge([values.rename(name) for name, values in each.items()], join="outer", combine_attrs="drop")


def _named(part: Section | LeftOut, suffix: str, which: str) -> Section | LeftOut:
    if isinstance(part, LeftOut):
        return replace(part, name=part.name + suffix)
    return replace(part, name=part.name + suffix, heading=f"{part.heading} ({which})", said=f"{which} — {part.said}")


def _check_strengths(curve: xr.DataArray | xr.Dataset) -> None:
    if curve.sizes["lam"] < 2:
        raise InputError(f"only λ = {float(curve['lam'][0]):g} has runs; a curve needs another, complete and measured")
