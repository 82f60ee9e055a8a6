"""The page's theme: figures are drawn on the server, which a browser does not tell that its theme has changed."""

from __future__ import annotations

import streamlit as st

_HTML = """
<span aria-hidden="true"></span>
"""

# That the transition ends is the one event there is of another background.
_CSS = """
span { background-color: var(--st-background-color); transition: background-color 1ms; }
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const mark = parentElement.querySelector("span")
  const check = () => {
    const [red, green, blue] = getComputedStyle(mark).backgroundColor.match(/[0-9.]+/g).map(Number)
    const now = red + green + blue < 384 ? "dark" : "light"
    // Asked once only: a server that takes no notice is not asked for ever.
    if (now !== data.type && mark.dataset.asked !== now) setTriggerValue("changed", now)
    mark.dataset.asked = now
  }
  mark.ontransitionend = check
  check()
}
"""

_component = st.components.v2.component("theme", html=_HTML, css=_CSS, js=_JS)


def watch_theme() -> None:
    """Run the page again whenever its theme is another than the one it was drawn for."""
    # Without a browser there is none.
    if st.context.theme.type is not None:
        _component(data={"type": st.context.theme.type}, key="theme", height=1, on_changed_change=lambda: None)
