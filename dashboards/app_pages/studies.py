"""What is in the folder, and how far it is."""

from __future__ import annotations

import data
import streamlit as st
from chosen import broken, no_study
from contents import link_to_study_pages
from plain import as_code
from times import ago

from dymos_probe.figures.labels import counted
from dymos_probe.store.catalogue import StudyEntry

_A_PAGE = 12  # studies; each is looked at again every two seconds
_CARD = 320  # pixels, at least where the screen is as wide


def card(entry: StudyEntry) -> None:
    """Show one study, and the way to its pages."""
    st.markdown(f"#### {as_code(entry.name)}")
    if entry.broken:
        broken(entry)
        return
    st.text(f"{entry.pair}: {counted(entry.samples, 'sample')} × {counted(entry.conditions, 'condition')}")
    size = data.size_of(entry.name, data.stamp_of(entry))
    st.caption(f"{_size(size)} · last written {ago(entry.changed)}")
    if entry.complete < entry.runs:
        st.progress(
            entry.complete / entry.runs,
            text=f"{entry.complete} of {entry.runs} runs are there; the command that makes them goes on where it was.",
        )
    link_to_study_pages(entry.name)


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


st.title("Studies")
st.markdown(
    "A study holds videos of a **text-to-video** model (T2V) and of the **image-to-video** model tuned from it (I2V), "
    "made from the same prompts and the same noise, and what every frame looked at while they were made. Each way of "
    "generating is a condition: T2V, I2V untouched, I2V with the reference frame weakened by λ, and so on."
)


@st.fragment(run_every=2)
def listing() -> None:
    """Show the studies; again every two seconds, so that one being written is seen to grow."""
    entries = data.studies()
    if not entries:
        no_study()
        return
    if len(entries) > _A_PAGE:
        asked = st.text_input("Find a study by its name or pair", key="find", bind="query-params") or ""
        entries = [each for each in entries if asked.casefold() in f"{each.name} {each.pair}".casefold()]
        if not entries:
            st.info("No study has this in its name or pair.", icon=":material/search_off:")
    whole = [each for each in entries if not each.broken]
    harmed = [each for each in entries if each.broken]
    last = -(-len(whole) // _A_PAGE)
    number = st.pagination(last, key="page", bind="query-params") if last > 1 else 1
    with st.grid("auto", min_column_width=_CARD, border=True):
        # What is broken is on every page of the list: nobody looks for it.
        for entry in (*whole[(number - 1) * _A_PAGE : number * _A_PAGE], *harmed):
            with st.container():
                card(entry)


listing()
