"""Which generation the page is at, in the address: one that is shown, or one whose settings the form begins with."""

from __future__ import annotations

import streamlit as st

SHOWN = "job"
AGAIN = "again"
FORM_OF = "what the form began with"
"""Where a session keeps the pair and the generation whose settings the form took over."""


def go_to(**query: str) -> None:
    """Make ``job`` or ``again``, or neither, what the address says; for a callback, or before a rerun."""
    for name in (SHOWN, AGAIN):
        if name in query:
            st.query_params[name] = query[name]
        elif name in st.query_params:
            del st.query_params[name]


def way_to(label: str, icon: str, key: str, **query: str) -> None:
    """Show a way to another view of this page.

    A button: a link to the page that is open changes the page but not the address.
    """
    st.button(label, key=key, icon=icon, type="tertiary", on_click=go_to, kwargs=query)


def begin_afresh() -> None:
    """Go to a form that has forgotten what was in it; for a callback."""
    st.session_state[FORM_OF] = ("", "")
    go_to()
