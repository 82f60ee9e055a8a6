"""Setting up a preference study, and the addresses of those there are."""

from __future__ import annotations

import data
import streamlit as st
from chosen import chosen_study
from survey_names import results_address, survey_label

from dymos_probe.errors import InputError, ProbeError
from dymos_probe.figures.conditions import condition_names
from dymos_probe.figures.labels import counted
from dymos_probe.preference import (
    DEFAULT_PAIRS,
    BrokenSurvey,
    Survey,
    comparable_samples,
    create_survey,
    default_conditions,
    progress,
    published_lam,
)


def set_up() -> None:
    """Show the form, and below it every preference study of the folder."""
    st.markdown(
        "Choose what people compare, and send them the address that appears. Three conditions are shown side by side "
        "as A, B and C, without names and in changing order; every participant sees every pair of image and text once. "
        "Where the dashboard asks for its token, participants need it too: add `&token=…` to their address. It opens "
        "the rest of the dashboard to them as well, though nothing on their page leads there."
    )
    _form()
    st.subheader("Preference studies of this folder")
    there = data.surveys()
    if not there:
        st.info("There is none yet.", icon=":material/info:")
    for survey in there:
        _entry(survey)


def _form() -> None:
    # The result of a generation may be forgotten, and votes on it with it.
    entry = chosen_study(with_generated=False)
    ds = data.study(entry.name, data.stamp_of(entry))
    names = condition_names(ds)
    try:
        default = list(default_conditions(ds, lam=published_lam(entry.path)))
    except InputError as error:
        st.warning("This study cannot be compared yet.", icon=":material/info:")
        st.text(str(error))
        return
    chosen = st.multiselect(
        "Three conditions",
        list(names),
        default=default,
        format_func=names.__getitem__,
        max_selections=3,
        key="compare",
        bind="query-params",
    )
    if len(chosen) != 3:
        st.info(f"{len(chosen)} of three conditions chosen.", icon=":material/info:")
        return
    there = len(comparable_samples(entry.path, ds, chosen))
    if not there:
        st.warning("No sample is complete, with its videos, under all three.", icon=":material/info:")
        return
    left, right, wide = st.columns([1, 1, 2])
    pairs = left.number_input(
        f"Pairs, of {there}",
        min_value=1,
        max_value=there,
        value=min(DEFAULT_PAIRS, there),
        help="Samples complete under all three conditions, drawn at random.",
        key=f"pairs of {there}",
    )
    seed = right.number_input("Seed of the draw", min_value=0, value=0, key="draw")
    title = wide.text_input("Title, for you alone", max_chars=120, placeholder=entry.name, key="title")
    if st.button("Set up", type="primary", icon=":material/add:", key="set up"):
        try:
            made = create_survey(
                data.folder(), entry.name, title=title, conditions=chosen, pairs=int(pairs), seed=int(seed)
            )
        except (ProbeError, OSError) as error:
            st.error("The preference study was not set up.", icon=":material/error:")
            st.text(str(error))
            return
        st.success("Set up. This is the participants' address:", icon=":material/check:")
        st.code(participants_address(made), language=None)


def participants_address(survey: Survey) -> str:
    """Return the address to send to participants, on this server."""
    # The host and port the organiser's own browser came by; none in a session without a browser.
    return f"{(st.context.url or '/preference').partition('?')[0]}?vote={survey.id}"


def _entry(survey: Survey | BrokenSurvey) -> None:
    with st.container(border=True):
        if isinstance(survey, BrokenSurvey):
            st.error("This preference study cannot be read.", icon=":material/broken_image:")
            st.text(survey.why)
            return
        st.text(survey_label(survey))
        so_far = progress(survey)
        st.caption(
            f"{counted(len(survey.samples), 'pair')} · {counted(so_far.raters, 'participant')} with a complete set · "
            f"{counted(so_far.trials, 'complete set')}"
        )
        st.code(participants_address(survey), language=None)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.link_button("Open as a participant", participants_address(survey), icon=":material/how_to_vote:")
            st.page_link(
                "app_pages/preference.py",
                label="Results",
                icon=":material/bar_chart:",
                query_params=results_address(survey),
            )
