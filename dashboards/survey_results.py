"""What a preference study has found so far."""

from __future__ import annotations

import data
import streamlit as st
import xarray as xr
from drawing import draw
from survey_names import survey_label

from dymos_probe.figures import preference_shares
from dymos_probe.preference import Survey, progress, results, to_csv


def show_results() -> None:
    """Show the results of the preference study chosen in the address or the list."""
    there = {survey_label(survey): survey for survey in data.surveys() if isinstance(survey, Survey)}
    if not there:
        st.info("There is no preference study in this folder yet; set one up first.", icon=":material/info:")
        return
    asked = st.query_params.get("survey")
    label = st.selectbox("Preference study", list(there), key="survey", bind="query-params")
    if asked and asked not in there:
        st.warning("There is no such preference study here; this is the newest.")
    _live(there[label])


@st.fragment(run_every=5)
def _live(survey: Survey) -> None:
    """Show them again every few seconds, so that votes are seen to come in."""
    so_far = progress(survey)
    with st.container(horizontal=True):
        st.metric("Participants", so_far.raters, border=True)
        st.metric("Complete sets", so_far.trials, border=True)
        st.metric("Sets under way", so_far.begun, border=True)
    if not so_far.trials:
        st.info("Nobody has answered all four questions of a set yet.", icon=":material/info:")
        return
    ds = results(survey)
    figure = preference_shares(ds)
    names = [trace.name for trace in figure.data]
    draw(
        figure,
        "shares",
        "Share of votes of each condition with its interval, by question; the table below says the same",
    )
    st.markdown(
        "A point is the share of votes a condition got, its line the range in which the share of other pairs like "
        "these would lie: pairs are drawn anew, with all votes on them. Where a line crosses the dotted one, chance "
        "alone could have done it. Of a handful of pairs the lines say little, and of a share of 0 % or 100 % nothing."
    )
    st.dataframe(
        _shares(ds, names),
        hide_index=True,
        height="content",
        alt="Votes, share and interval of each condition, question by question",
    )
    st.subheader("Where the video stood")
    st.markdown(
        "Every condition stands equally often at every place, so the places should be chosen alike. A small p, below "
        "0.05 say, means that they are not: somebody prefers a place rather than a video. (Pearson's chi-square test; "
        "it takes the votes as independent of each other.)"
    )
    st.dataframe(_places(ds), hide_index=True, alt="Votes for the places A, B and C, question by question, with p")
    st.download_button(
        "Download every vote as CSV",
        to_csv(survey),
        file_name=f"preference-{survey.id}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="csv",
    )


def _shares(ds: xr.Dataset, names: list[str]) -> list[dict[str, object]]:
    return [
        {
            "question": str(ds["title"].values[question]),
            "condition": name,
            "votes": int(ds["votes"].values[question, condition]),
            "share": f"{ds['share'].values[question, condition]:.1%}",
            "interval": _interval(ds.isel(question=question, condition=condition)),
        }
        for question in range(ds.sizes["question"])
        for condition, name in enumerate(names)
    ]


def _interval(ds: xr.Dataset) -> str:
    return f"{float(ds['low']):.1%} to {float(ds['high']):.1%}" if bool(ds["low"].notnull()) else "not of a single pair"


def _places(ds: xr.Dataset) -> list[dict[str, object]]:
    return [
        {
            "question": str(title),
            **{str(place): int(votes) for place, votes in zip(ds["position"].values, row, strict=True)},
            "p": f"{p:.3f}" if p >= 0.001 else "below 0.001",
        }
        for title, row, p in zip(ds["title"].values, ds["position_votes"].values, ds["position_p"].values, strict=True)
    ]
