"""The dashboard's entry: its pages, and what all of them share."""

from __future__ import annotations

import contents
import streamlit as st

st.set_page_config(page_title="dymos-probe", page_icon=":material/motion_photos_on:", layout="wide")
st.navigation(contents.all_pages(), position="top").run()
