"""The dashboard's entry: its pages, and what all of them share."""

from __future__ import annotations

from pathlib import Path

import contents
import streamlit as st
from theme import watch_theme

# A file of its own: a browser fetches an icon known by name from Google.
st.set_page_config(page_title="dymos-probe", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
watch_theme()
# Who judges videos sees what that needs and nothing else.
if "vote" in st.query_params:
    st.navigation(contents.pages_for_raters(), position="hidden").run()
else:
    st.navigation(contents.all_pages(), position="top").run()
