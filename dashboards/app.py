"""The dashboard's entry: its pages, and what all of them share."""

from __future__ import annotations

import streamlit as st

st.set_page_config(page_title="dymos-probe", page_icon=":material/motion_photos_on:", layout="wide")
# Who judges videos sees what that needs and nothing else.
judging = "vote" in st.query_params
st.navigation(
    [
        st.Page("app_pages/studies.py", title="Studies", icon=":material/folder_open:", default=True),
        st.Page("app_pages/preference.py", title="Preference", icon=":material/how_to_vote:"),
    ],
    position="hidden" if judging else "top",
).run()
