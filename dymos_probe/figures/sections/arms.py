"""Sections about the two untouched models: where each looks, when, and by which heads."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.heads import heads
from dymos_probe.analysis.maps import maps
from dymos_probe.analysis.profile import profile
from dymos_probe.analysis.select import i2v_condition, modulated_conditions, modulation_settings, t2v_condition
from dymos_probe.figures import reading, sentences
from dymos_probe.figures.arm_maps import arm_maps
from dymos_probe.figures.difference_map import difference_map
from dymos_probe.figures.dominance_by_step import dominance_by_step
from dymos_probe.figures.head_grid import head_grid
from dymos_probe.figures.sections.section import EARLY, Section, table
from dymos_probe.figures.temporal_profile import temporal_profile
from dymos_probe.store.schema import COMPLETE, CONDITION, HEAD, LAYER, QUERY_FRAME, STEP

GROUP = "The two models, untouched"
_TOP = 5
"""Heads marked, at most."""
_LINES = 12
"""Conditions in one figure over steps, at most."""


def arm_sections(ds: xr.Dataset) -> Iterator[Section]:
    """Yield the sections about T2V and the untouched I2V model.

    Raises
    ------
    InputError
        When no sample is complete in both arms.
    """
    arms = [t2v_condition(ds), i2v_condition(ds, 0.0)]
    yield from map_sections(maps(ds, conditions=arms, early=EARLY).compute())
    yield step_section(dominance(ds, conditions=_over_steps(ds, arms), keep=(STEP,)).compute(), arms)
    if ds.sizes[QUERY_FRAME] > 2:  # or no generated frame has a neighbour
        yield profile_section(profile(ds, conditions=arms, early=EARLY).compute())
    if ds.sizes[LAYER] * ds.sizes[HEAD] > 1:
        yield head_section(heads(ds, early=EARLY))


def map_sections(both: xr.DataArray) -> Iterator[Section]:
    """Yield the maps of both arms and their difference, from A (condition, query_frame, key_frame), T2V first."""
    t2v, i2v = (both.isel({CONDITION: place}).reset_coords(drop=True) for place in (0, 1))
    yield Section(
        name="arm_maps",
        group=GROUP,
        heading="Where each model looks",
        how=reading.READ_MAPS,
        said=sentences.attention_sentence(_later_reference(both)),
        figure=arm_maps(t2v, i2v),
        data=table(xr.Dataset({"t2v": t2v, "i2v": i2v})),
        found=True,
    )
    delta = (i2v - t2v).assign_attrs(both.attrs, long_name="attention difference, I2V − T2V", lam=0.0)
    yield Section(
        name="difference_map",
        group=GROUP,
        heading="Where the I2V model looks more than its T2V counterpart",
        how=reading.READ_DIFFERENCE,
        said=sentences.difference_sentence(delta),
        figure=difference_map(delta),
        data=table(delta.to_dataset(name="difference")),
    )


def step_section(by_step: xr.DataArray, arms: list[str]) -> Section:
    """Return the section over steps, from dominance (condition, step); ``arms`` are T2V and untouched I2V."""
    return Section(
        name="dominance_by_step",
        group=GROUP,
        heading="When in the generation the reference frame is looked at",
        how=reading.READ_STEPS,
        said=sentences.step_sentence(by_step.sel({CONDITION: arms})),
        figure=dominance_by_step(by_step),
        data=table(by_step.to_dataset(name="dominance")),
    )


def head_section(by_head: xr.Dataset) -> Section:
    """Return the section over heads, from ``excess`` (layer, head) and, where it is there, ``cluster``.

    It is what ``ds.probe.heads()`` returns; attributes may be the variable's or the dataset's.
    """
    excess = by_head["excess"].assign_attrs({**by_head.attrs, **by_head["excess"].attrs})
    clusters = by_head["cluster"] if "cluster" in by_head else None
    return Section(
        name="heads",
        group=GROUP,
        heading="Which heads carry the excess",
        how=reading.READ_HEADS + (reading.READ_CLUSTERS if clusters is not None else ""),
        said=sentences.head_sentence(excess),
        figure=head_grid(excess, clusters=clusters, top=min(_TOP, excess.size // 2)),
        data=table(by_head),
    )


def profile_section(by_distance: xr.Dataset) -> Section:
    """Return the section over distance in time, from what ``ds.probe.profile(conditions=[t2v, i2v])`` returns."""
    return Section(
        name="temporal_profile",
        group=GROUP,
        heading="How attention falls off with distance in time",
        how=reading.READ_PROFILE,
        said=sentences.profile_sentence(by_distance),
        figure=temporal_profile(by_distance),
        data=table(by_distance),
    )


def _later_reference(both: xr.DataArray) -> xr.DataArray:
    """Return dominance (condition): the reference column, mean over query frames from 1."""
    later = both.isel(query_frame=slice(1, None), key_frame=0).mean("query_frame")
    return later.assign_attrs(both.attrs)


def _over_steps(ds: xr.Dataset, arms: list[str]) -> list[str]:
    """Return both arms, the λ of the main setting and methods without λ that have the samples of the arms."""
    settings = modulation_settings(ds)
    modulated = modulated_conditions(ds, step_ratio=settings[0][0], schedule=settings[0][1]) if settings else []
    labels, lams = ds[CONDITION].values.astype(str), ds["lam"].values
    without = [label for label, lam in zip(labels, lams, strict=True) if lam != lam]
    marks = ds[COMPLETE].compute()
    both = marks.sel({CONDITION: arms}).all(CONDITION)
    # A condition with fewer samples would take the others' from every line.
    whole = [c for c in [*modulated, *without] if bool(marks.sel({CONDITION: c})[both.values].all())]
    return list(dict.fromkeys([*arms, *whole]))[:_LINES]
