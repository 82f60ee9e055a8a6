"""The dashboard's entry: its pages, and what all of them share."""

from __future__ import annotations

import streamlit as st

st.set_page_config(page_title="dymos-probe", page_icon=":material/motion_photos_on:", layout="wide")
st.navigation(
    [
        st.Page("app_pages/studies.py", title="Studies", icon=":material/folder_open:", default=True),
    ],
    position="top",
).run()
