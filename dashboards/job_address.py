"""Which generation the page is at, in the address: one that is shown, or one whose settings the form begins with."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

SHOWN = "job"
AGAIN = "again"
FORM_OF = "what the form began with"
"""Where a session keeps the pair and the generation whose settings the form took over."""


def way_to(label: str, icon: str, key: str, **query: str) -> None:
    """Show a way to another view of this page: a job, or a form that begins with one's settings.

    A button: a link to the page that is open changes the page but not the address.
    """
    # No callback: in a fragment only that would run again, and the rest would stay as it is.
    if st.button(label, key=key, icon=icon, type="tertiary"):
        go_to(**query)


def way_to_new() -> None:
    """Show the way to a form that has forgotten what was in it."""
    if st.button("New generation", key="new", icon=":material/add:", type="tertiary"):
        st.session_state[FORM_OF] = ("", "")
        go_to()


def go_to(**query: str) -> NoReturn:
    """Make ``job`` or ``again``, or neither, what the address says, and show that."""
    for name in (SHOWN, AGAIN):
        if name in query:
            st.query_params[name] = query[name]
        elif name in st.query_params:
            del st.query_params[name]
    st.rerun()
