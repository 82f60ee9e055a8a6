"""The worker process behind the page, started where jobs wait and there is none."""

from __future__ import annotations

import data
import streamlit as st
from plain import as_sentence

from dymos_probe.errors import ProbeError
from dymos_probe.jobs import ensure_worker


def ensure_a_worker() -> None:
    """See to it that somebody takes the jobs that wait, or say why nobody can."""
    try:
        ensure_worker(data.folder())
    except (ProbeError, OSError) as error:
        st.error("No worker process can be started, so nothing is generated.", icon=":material/error:")
        st.text(as_sentence(str(error)))
