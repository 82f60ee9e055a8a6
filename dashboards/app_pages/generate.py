"""Make a video: choose a pair, an image, a prompt and λ; a worker process makes it."""

from __future__ import annotations

import streamlit as st
from generate_form import form
from job_address import AGAIN, SHOWN
from job_list import job_list
from job_view import job_view, open_job

st.title("Generate")
st.markdown(
    "An image-to-video model (I2V) makes a short video from one **reference image** and a sentence. Often it hardly "
    "moves, because every frame looks back at that image too much. Here you make a video with that look weakened by "
    "**λ**, and beside it, from the same noise, that of the untouched model, λ = 0, and that of the text-to-video "
    "model (T2V) it was tuned from, which sees no image and moves freely."
)
asked = st.query_params.get(SHOWN)
opened = open_job(asked) if asked else None
if opened is not None:
    job_view(opened)
    st.stop()
again = st.query_params.get(AGAIN)
form(open_job(again) if again else None)
job_list()
