"""The folder's generations: what became of each, and the way to it."""

from __future__ import annotations

import data
import streamlit as st
from job_address import way_to
from job_words import ICON, STATUS, how_far, submitted
from job_worker import ensure_a_worker
from times import ago


def job_list(*, most: int = 10) -> None:
    """Show the jobs of the folder, the last submitted first; again every two seconds."""
    st.subheader("Generations of this folder")
    _list(most)


@st.fragment(run_every=2)
def _list(most: int) -> None:
    there = data.jobs()
    if not there:
        st.info("There is none yet.", icon=":material/info:")
        return
    if any(one.state.status == "queued" for one in there):
        ensure_a_worker()
    pages = -(-len(there) // most)
    number = st.pagination(pages, key="jobs page") if pages > 1 else 1
    for one in there[(number - 1) * most : number * most]:
        with st.container(border=True, gap="xsmall"):
            st.text(one.request.prompt if len(one.request.prompt) <= 200 else f"{one.request.prompt[:199]}…")
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(
                    f"{ICON[one.state.status]} {STATUS[one.state.status]} · {ago(submitted(one))}", width="content"
                )
                way_to("Open", ":material/arrow_forward:", f"open {one.id}", job=one.id)
            if one.state.status == "running":
                st.progress(one.state.progress, text=how_far(one.request, one.state))
