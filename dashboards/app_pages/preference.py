"""Which videos people prefer: the paper's user study, set up, taken part in, and read."""

from __future__ import annotations

import streamlit as st
from survey_names import RESULTS, SET_UP
from survey_results import show_results
from survey_setup import set_up
from voting import voting

asked = st.query_params.get("vote")
if asked is not None:
    st.set_page_config(page_title="Which video is better?")
    voting(asked)
    st.stop()

st.title("Preference")
st.markdown(
    "Numbers say how much a video moves; whether people like it better they cannot say. Here people judge, as in the "
    "paper's user study: three videos of the same image and text side by side, without names, and four questions."
)
view = st.segmented_control("View", [SET_UP, RESULTS], default=SET_UP, required=True, key="view", bind="query-params")
if view == RESULTS:
    show_results()
else:
    set_up()
