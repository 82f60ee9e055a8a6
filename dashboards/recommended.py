"""Which λ to take: what `probe tune` found in a study, or what can be said before anything is run."""

from __future__ import annotations

import shlex

import data
import streamlit as st

from dymos_probe.analysis.recommendation import Recommendation
from dymos_probe.errors import ProbeError
from dymos_probe.figures.recommendation_sentences import (
    at,
    closest_sentence,
    cost_sentence,
    equal_sentence,
    predicted_sentence,
)
from dymos_probe.store.catalogue import StudyEntry

_TWO = (
    "Two λ are worth knowing: the one at which the I2V model's **attention** is nearest to the T2V model's, and the "
    "one at which its **videos** move as much. They need not be the same. `probe tune` finds both with a few runs "
    "instead of a sweep over many λ."
)


def recommended(entry: StudyEntry, setting: tuple[float, str] | None) -> None:
    """Show which λ a tuning recommends; ``setting`` is the step ratio and schedule looked at, None with λ = 0 alone."""
    st.subheader("Which λ to take")
    st.markdown(_TWO)
    try:
        found = data.recommendations(entry.name)
    except ProbeError as error:
        st.error("What `probe tune` kept in this study cannot be read.", icon=":material/broken_image:")
        st.text(str(error))
        return
    this = next((each for each in found if setting in (None, (each.step_ratio, each.schedule))), None)
    if this is None:
        _not_tuned(entry, setting)
    else:
        _tuned(entry, this)


def _tuned(entry: StudyEntry, found: Recommendation) -> None:
    with st.container(horizontal=True, gap="small"):
        st.metric("λ of nearest attention", at(found.closest.lam), border=True, width=220)
        st.metric("λ of equal motion", "none" if found.equal is None else at(found.equal), border=True, width=220)
    # Names of metrics are in them: text, never Markdown.
    for sentence in (closest_sentence(found), equal_sentence(found), cost_sentence(found)):
        st.text(sentence)
    changes = data.changes_since(entry.name, data.stamp_of(entry), found)
    when = found.date[:16].replace("T", " ")
    if changes:
        st.warning(f"Out of date: since then {' and '.join(changes)}. Tune again:", icon=":material/update:")
    st.caption(f"Found on {when} UTC; the study has {'' if changes else 'not '}changed since. The command:")
    st.code(_command(entry, (found.step_ratio, found.schedule)), language="sh")


def _not_tuned(entry: StudyEntry, setting: tuple[float, str] | None) -> None:
    st.markdown("This study has not been tuned" + (" for where λ acts here" if setting else "") + " yet. The command:")
    st.code(_command(entry, setting), language="sh")
    if st.toggle(
        "Predict the first of the two now, from the untouched runs",
        key="predict",
        bind="query-params",
        help="Nothing is generated: what λ does directly to the attention of the untouched runs is computed.",
    ):
        try:
            closest, exact, samples = data.predicted_closest(entry.name, data.stamp_of(entry), setting)
        except ProbeError as error:
            st.warning("There is nothing to predict from yet.", icon=":material/info:")
            st.text(str(error))
            return
        st.metric("λ of nearest attention, predicted", at(closest.lam), border=True, width=280)
        st.text(predicted_sentence(closest, exact=exact, samples=samples))


def _command(entry: StudyEntry, setting: tuple[float, str] | None) -> str:
    command = f"probe tune {shlex.quote(str(entry.path))}"
    return command if setting is None else f"{command} --step-ratio {setting[0]:g} --schedule {setting[1]}"
