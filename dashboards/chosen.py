"""Which study a page shows: one choice for all pages, kept in the address."""

from __future__ import annotations

import data
import streamlit as st

from dymos_probe.store.catalogue import StudyEntry


def chosen_study() -> StudyEntry:
    """Return the study chosen in the address or the list; end the page with a sentence where there is none to show."""
    entries = data.studies()
    if not entries:
        st.info(
            f"There is no study in {data.folder()} yet. `probe record --prompts FILE --out {data.folder()}/NAME` makes "
            "one; it appears here by itself.",
            icon=":material/info:",
        )
        st.stop()
    asked = st.query_params.get("study")
    names = [entry.name for entry in entries]
    name = st.selectbox("Study", names, key="study", bind="query-params")
    if asked and asked not in names:
        st.warning(f"There is no study of that name in {data.folder()}; this is the last one written.")
    entry = next(entry for entry in entries if entry.name == name)
    if entry.broken:
        st.error(entry.broken, title="This study cannot be opened", icon=":material/broken_image:")
        st.stop()
    return entry
