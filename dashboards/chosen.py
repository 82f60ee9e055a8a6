"""Which study a page shows: one choice for all pages, kept in the address."""

from __future__ import annotations

import data
import streamlit as st

from dymos_probe.store.catalogue import StudyEntry


def chosen_study(*, with_generated: bool = True) -> StudyEntry:
    """Return the study chosen in the address or the list; end the page with a sentence where there is none to show.

    The result of a generation is in no list of studies, but it is in this one where the address names it.
    """
    entries = {entry.name: entry for entry in data.studies()}
    asked = st.query_params.get("study")
    wanted = asked or st.session_state.get("study")
    if with_generated and wanted and wanted not in entries:
        generated = data.generated(wanted)
        if generated is not None:
            entries = {wanted: generated} | entries
    if not entries:
        no_study()
        st.stop()
    names = list(entries)
    # Without a default: what is the default is left out of the address, and tomorrow another study is the newest.
    if asked not in names and st.session_state.get("study") not in names:
        st.session_state["study"] = names[0]
        if asked is None:
            st.query_params["study"] = names[0]
    name = st.selectbox("Study", names, index=None, key="study", bind="query-params") or names[0]
    if asked and asked not in names:
        st.warning("There is no study of that name in this folder; this is the last one written.")
    entry = entries[name]
    if entry.broken:
        broken(entry)
        st.stop()
    return entry


def no_study() -> None:
    """Say that the folder has no study, and how one comes about."""
    st.info(
        "There is no study in this folder yet; one appears here by itself once a run of it is recorded.",
        icon=":material/info:",
    )
    st.code(f"probe record --prompts FILE --out {data.folder()}/NAME", language="sh")


def broken(entry: StudyEntry) -> None:
    """Say that a study cannot be opened, and why."""
    st.error("This study cannot be opened.", icon=":material/broken_image:")
    # Names of files are in it: text, never Markdown.
    st.text(entry.broken)
