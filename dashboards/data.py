"""What the pages read; the only place that keeps anything between two looks."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st
import xarray as xr

from dymos_probe.preference import BrokenSurvey, Survey
from dymos_probe.preference import open_survey as _open_survey
from dymos_probe.preference import surveys as _surveys
from dymos_probe.serving.files import study_folder
from dymos_probe.serving.server import FOLDER_VARIABLE
from dymos_probe.store import open_study
from dymos_probe.store.catalogue import StudyEntry, catalogue, size_on_disk


def folder() -> Path:
    """Return the folder of studies this dashboard shows."""
    return Path(os.environ[FOLDER_VARIABLE])


@st.cache_data(ttl=2, max_entries=1, show_spinner=False)
def studies() -> list[StudyEntry]:
    """Return the folder's studies as they were at most two seconds ago."""
    return catalogue(folder())


@st.cache_data(ttl=60, max_entries=256, show_spinner=False)
def size_of(name: str, stamp: str) -> int:
    """Return the bytes of a study on disk; ``stamp`` says which state of it is meant."""
    return size_on_disk(folder() / name)


@st.cache_resource(max_entries=16, show_spinner=False)
def study(name: str, stamp: str) -> xr.Dataset:
    """Return a study, lazy; ``stamp`` says which state of it is meant."""
    place = study_folder(folder(), name)
    if place is None:
        raise FileNotFoundError(name)
    return open_study(place)


def stamp_of(entry: StudyEntry) -> str:
    """Return what changes whenever a run of the study is written."""
    return f"{entry.changed} {entry.complete} of {entry.samples} × {entry.conditions}"


def surveys() -> list[Survey | BrokenSurvey]:
    """Return the folder's preference studies as they are now."""
    return _surveys(folder())


def survey(ident: str) -> Survey:
    """Return a preference study of the folder."""
    return _open_survey(folder(), ident)
