"""Moving λ: one slider through the strengths that were run, and what each does."""

from __future__ import annotations

from collections.abc import Sequence

import data
import streamlit as st
import xarray as xr
from drawing import draw
from players import players, video_cell

from dymos_probe.analysis.select import i2v_condition, modulated_conditions, started_conditions, t2v_condition
from dymos_probe.figures.conditions import condition_names
from dymos_probe.figures.labels import number, strength
from dymos_probe.figures.sections import LeftOut, Section
from dymos_probe.figures.sections.one_strength import Beside, beside, marked
from dymos_probe.store.catalogue import StudyEntry
from dymos_probe.store.schema import CONDITION, SAMPLE


@st.fragment
def moving(
    entry: StudyEntry, parts: Sequence[Section | LeftOut], setting: tuple[float, str], sample: str | None
) -> None:
    """Show the slider, the numbers and videos at its λ, and the curve of d(λ) with it marked.

    Parameters
    ----------
    parts
        The figures over λ, of ``sample`` or of all.
    setting
        Step ratio and schedule.
    sample
        Whose numbers and videos; None: the numbers of all, and the videos of the sample λ changes most.
    """
    ds = data.study(entry.name, data.stamp_of(entry))
    among = None if sample is None else [sample]
    run, _ = started_conditions(ds, modulated_conditions(ds, step_ratio=setting[0], schedule=setting[1]), among=among)
    lams = [f"{float(lam):g}" for lam in ds["lam"].sel({CONDITION: run}).values]
    chosen = None
    # Where λ = 0 is still to be run there is nothing to compare with.
    if len(lams) > 1 and "0" in lams:
        st.subheader("Moving λ")
        st.markdown(
            "Move the slider through the λ that were run, by hand or with the arrow keys: the numbers, the video and "
            "the mark on the curve below follow. At 0 nothing is changed."
        )
        chosen = float(st.select_slider("λ", lams, value="0", key="lam", bind="query-params"))
        _numbers(beside(parts, ds, chosen), chosen)
        _videos(entry, ds, setting, sample, chosen)
    for part in parts:
        if isinstance(part, Section) and part.name == "distance":
            _curve(part, chosen)


def _curve(part: Section, lam: float | None) -> None:
    """Show d(λ), marked at ``lam`` where one is chosen."""
    st.subheader(part.heading)
    if lam is None:
        st.markdown(part.how)
        draw(part.figure, part.name, part.said)
    else:
        st.markdown(f"{part.how} The diamond is the λ of the slider, {strength(lam)}.")
        draw(marked(part, lam), part.name, f"{part.said} Marked: λ = {strength(lam)}.")
    st.markdown(f"**{part.said}**")


def _numbers(quantities: Sequence[Beside], lam: float) -> None:
    with st.grid("auto", min_column_width=240):
        for each in quantities:
            st.metric(
                f"{each.name[:1].upper()}{each.name[1:]} at λ = {strength(lam)}",
                _with_units(each.at, each.units),
                delta=f"T2V {number(each.t2v)} · untouched {number(each.untouched)}",
                delta_color="off",
                delta_arrow="off",
                border=True,
            )


def _with_units(value: float, units: str) -> str:
    return number(value) + ("" if units == "1" else f" {units}")


def _videos(entry: StudyEntry, ds: xr.Dataset, setting: tuple[float, str], sample: str | None, lam: float) -> None:
    """Show T2V, the untouched model and λ side by side, or why a video is missing."""
    if sample is None:
        suggested = data.suggestions(entry.name, data.stamp_of(entry))
        sample = suggested[0].sample if suggested else str(ds[SAMPLE].values[0])
    names = condition_names(ds)
    shown = dict.fromkeys(
        [
            t2v_condition(ds),
            i2v_condition(ds, 0.0),
            i2v_condition(ds, lam, step_ratio=setting[0], schedule=setting[1]),
        ]
    )
    st.text(str(ds["prompt"].sel({SAMPLE: sample}).item()))
    complete = ds["complete"].sel({SAMPLE: sample, CONDITION: list(shown)}).values.tolist()
    players(
        [
            video_cell(entry.name, sample, condition, label=names[condition], complete=there)
            for condition, there in zip(shown, complete, strict=True)
        ],
        key="players",
    )
