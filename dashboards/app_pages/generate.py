"""Make a video: choose a pair, an image, a prompt and λ; a worker process makes it."""

from __future__ import annotations

import streamlit as st
from generate_form import form
from job_list import job_list
from job_view import job_view, open_job

st.title("Generate")
st.markdown(
    "An image-to-video model (I2V) makes a short video from one **reference image** and a sentence. Often it hardly "
    "moves, because every frame looks back at that image too much. Here you make a video with that look weakened by "
    "**λ**, and beside it, from the same noise, the one of the untouched model, λ = 0."
)
asked = st.query_params.get("job")
opened = open_job(asked) if asked else None
if opened is not None:
    job_view(opened)
    st.stop()
again = st.query_params.get("again")
form(open_job(again) if again else None)
job_list()
