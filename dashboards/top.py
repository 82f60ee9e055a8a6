"""Back to the top of the page, where something new begins."""

from __future__ import annotations

import streamlit as st

_HTML = """
<span tabindex="-1"></span>
"""

_CSS = """
span { outline: none; }
"""

_JS = """
export default function ({ data, parentElement }) {
  const mark = parentElement.querySelector("span")
  if (mark.dataset.of !== undefined && mark.dataset.of !== data.of) {
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0)
    mark.focus({ preventScroll: true }) // where the keyboard goes on from
  }
  mark.dataset.of = data.of
}
"""

_component = st.components.v2.component("top", html=_HTML, css=_CSS, js=_JS)


def scroll_to_top(of: str) -> None:
    """Scroll to the top, and let the keyboard go on from here, whenever ``of`` is another than in the last run."""
    _component(data={"of": of}, key="top", height=1)
