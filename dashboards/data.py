"""What the pages read; the only place that keeps anything between two looks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st
import xarray as xr
from job_words import generated_label
from windows import Chosen

from dymos_probe import analysis
from dymos_probe.analysis import closest
from dymos_probe.analysis.exemplars import Exemplar, exemplars
from dymos_probe.analysis.least import Least
from dymos_probe.analysis.metric_curve import metric_names
from dymos_probe.analysis.metric_table import metric_table
from dymos_probe.analysis.recommendation import Recommendation
from dymos_probe.analysis.recommendation import changes_since as _changes_since
from dymos_probe.analysis.recommendation import recommendations as _recommendations
from dymos_probe.analysis.select import (
    i2v_condition,
    modulated_conditions,
    modulation_settings,
    started_conditions,
    t2v_condition,
)
from dymos_probe.errors import CorruptStoreError, InputError, MissingFileError
from dymos_probe.figures.sections import LeftOut, Section
from dymos_probe.figures.sections.strength import attention_over_lam, metrics_over_lam
from dymos_probe.jobs import Job, read_upload
from dymos_probe.jobs import jobs as _jobs
from dymos_probe.preference import BrokenSurvey, Survey
from dymos_probe.preference import open_survey as _open_survey
from dymos_probe.preference import surveys as _surveys
from dymos_probe.runs.tune_file import read_tunings
from dymos_probe.serving.files import study_folder, video_of
from dymos_probe.serving.server import FOLDER_VARIABLE
from dymos_probe.store import open_study
from dymos_probe.store.catalogue import StudyEntry, in_order, read_entry, size_on_disk, stamp, study_folders
from dymos_probe.store.schema import DOMINANCE, HEAD, LAYER, METRIC_PREFIX
from dymos_probe.store.videos import VideoFacts, read_frames, video_facts

_ALL = 2**31
"""Frames; more than any video has."""

_MEANS = 128 * 2**20
"""Bytes of a study's means that are held in memory: 17 MB of maps and 40 MB of heads of 50 samples × 10 conditions."""


def folder() -> Path:
    """Return the folder of studies this dashboard shows."""
    return Path(os.environ[FOLDER_VARIABLE])


@st.cache_data(ttl=2, max_entries=1, show_spinner=False)
def studies() -> list[StudyEntry]:
    """Return the folder's studies as they were at most two seconds ago."""
    return in_order(_entry(folder(), path, stamp(path)) for path in study_folders(folder()))


@st.cache_data(max_entries=1024, show_spinner=False)
def _entry(top: Path, path: Path, stamp: str) -> StudyEntry:
    return read_entry(top, path)


@st.cache_data(ttl=60, max_entries=256, show_spinner=False)
def size_of(name: str, stamp: str) -> int:
    """Return the bytes of a study on disk; ``stamp`` says which state of it is meant."""
    return size_on_disk(folder() / name)


@st.cache_resource(max_entries=8, show_spinner="Reading attention …")
def study(name: str, stamp: str) -> xr.Dataset:
    """Return a study, lazy but for its mean maps; ``stamp`` says which state of it is meant."""
    place = study_folder(folder(), name)
    if place is None:
        raise FileNotFoundError(name)
    try:
        return open_study(place, in_memory=_MEANS)
    except CorruptStoreError:  # of one run, perhaps: whoever looks at the others need not know
        return open_study(place)


def stamp_of(entry: StudyEntry) -> str:
    """Return what changes whenever a run of the study is written."""
    return f"{entry.changed} {entry.complete} of {entry.samples} × {entry.conditions}"


@st.cache_data(ttl=30, max_entries=32, show_spinner=False)
def suggestions(name: str, stamp: str) -> list[Exemplar]:
    """Return the samples λ changes most, middlingly and least; none where no metric tells, or there is one λ."""
    ds = study(name, stamp)
    for ratio, schedule in modulation_settings(ds):
        try:
            over, _ = started_conditions(ds, modulated_conditions(ds, step_ratio=ratio, schedule=schedule))
            return [each for each in exemplars(ds, over, over=over) if each.why]
        except InputError:  # no sample is complete under all of them, or several share a λ
            continue
    return []


@st.cache_data(ttl=5, max_entries=64, show_spinner=False)
def metrics(name: str, stamp: str, sample: str, conditions: tuple[str, ...]) -> xr.Dataset:
    """Return what a sample's videos measure, at most five seconds old: values arrive while `probe metrics` runs."""
    return metric_table(study(name, stamp), sample, conditions=conditions)


def generated(label: str) -> StudyEntry | None:
    """Return the result of the job that is shown under ``label``; None where there is none."""
    for each in _jobs(folder()):
        path = each.files.result
        if generated_label(each) == label and study_folder(folder(), each.files.study_name) is not None:
            return _entry(folder(), path, stamp(path))
    return None


def jobs() -> list[Job]:
    """Return the folder's jobs as they are now, the last submitted first."""
    return list(reversed(_jobs(folder())))


@st.cache_data(max_entries=8, show_spinner="Reading the image …")
def upload(content: bytes) -> bytes:
    """Return an uploaded image as a plain PNG, checked; an error says why it is refused."""
    return read_upload(content)


def video(name: str, sample: str, condition: str) -> Path | None:
    """Return the file of a run's video, or None where it is not there."""
    return video_of(folder(), name, sample, condition)


@st.cache_data(max_entries=4096, show_spinner=False)
def facts(path: Path, written: int) -> VideoFacts:
    """Return what a video says of itself; ``written`` says which of the files that had this name is meant."""
    return video_facts(path)


@st.cache_data(max_size="256MB", show_spinner=False)
def frames(name: str, stamp: str, sample: str, conditions: tuple[str, ...], count: int) -> xr.DataArray:
    """Return evenly spaced frames of a sample's videos, decoded; those not asked for longest are let go."""
    place = study_folder(folder(), name)
    if place is None:
        raise MissingFileError(f"there is no study {name}")
    return read_frames(place, study(name, stamp), sample, conditions, count=count)


@st.cache_data(max_size="64MB", show_spinner=False)
def lines(name: str, stamp: str, sample: str, conditions: tuple[str, ...], dim: str, at: int) -> xr.DataArray:
    """Return one row (``dim`` y) or column (x) of pixels of all frames of a sample's videos, decoded one by one."""
    place = study_folder(folder(), name)
    if place is None:
        raise MissingFileError(f"there is no study {name}")
    ds = study(name, stamp)
    each = (read_frames(place, ds, sample, [condition], count=_ALL).isel({dim: [at]}) for condition in conditions)
    return xr.concat(each, "condition").assign_coords({dim: [at]})


@st.cache_data(max_entries=256, show_spinner=False)
def maps(name: str, stamp: str, conditions: tuple[str, ...], window: Chosen) -> xr.DataArray:
    """Return A of some conditions in a window, averaged (condition, query_frame, key_frame)."""
    ds, options = study(name, stamp), window.options()
    if window.layers is None and window.heads is None:
        return analysis.maps(ds, conditions=conditions, **options).compute()
    # A chunk of the store has all heads of a step: whoever looks at one has read the others, and goes on to them.
    every = _maps_of_heads(name, stamp, conditions, replace(window, layers=None, heads=None))
    chosen = every.sel({dim: list(options[f"{dim}s"]) for dim in (LAYER, HEAD) if options[f"{dim}s"] is not None})
    return chosen.mean((LAYER, HEAD)).assign_attrs(
        every.attrs, **{key: list(options[key]) for key in ("layers", "heads") if options[key] is not None}
    )


@st.cache_resource(max_entries=16, show_spinner="Reading attention …")
def _maps_of_heads(name: str, stamp: str, conditions: tuple[str, ...], window: Chosen) -> xr.DataArray:
    ds = study(name, stamp)
    return analysis.maps(ds, conditions=conditions, keep=(LAYER, HEAD), **window.options()).compute()


def heads(name: str, stamp: str, window: Chosen) -> xr.Dataset:
    """Return what every head puts on the reference frame in both untouched arms (layer, head)."""
    # Every head apart, whichever are looked at.
    return _heads(name, stamp, replace(window, layers=None, heads=None))


@st.cache_data(max_entries=64, show_spinner="Reading attention …")
def _heads(name: str, stamp: str, window: Chosen) -> xr.Dataset:
    return analysis.heads(_arms(name, stamp), **window.of_heads())


@st.cache_resource(max_entries=4, show_spinner=False)
def _arms(name: str, stamp: str) -> xr.Dataset:
    """Return the two untouched conditions of a study, with what each head puts on the reference frame in memory."""
    ds = study(name, stamp)
    arms = ds.sel(condition=[t2v_condition(ds), i2v_condition(ds, 0.0)])
    if arms[DOMINANCE].nbytes > _MEANS:
        return arms
    try:
        return arms.assign({DOMINANCE: arms[DOMINANCE].variable.compute()})
    except CorruptStoreError:  # of one run, perhaps, as above
        return arms


@st.cache_data(max_entries=64, show_spinner="Reading attention …")
def dominance_over_steps(name: str, stamp: str, conditions: tuple[str, ...], sample: str | None) -> xr.DataArray:
    """Return attention on the reference frame (condition, step), of all steps."""
    samples = None if sample is None else (sample,)
    return analysis.dominance(study(name, stamp), conditions=conditions, samples=samples, keep=("step",)).compute()


def strength(name: str, stamp: str, setting: tuple[float, str], sample: str | None) -> list[Section | LeftOut]:
    """Return the figures over λ; what the videos measure is at most a minute old."""
    return [*_attention_over_lam(name, stamp, setting, sample), *_metrics_over_lam(name, stamp, setting, sample)]


@st.cache_data(max_entries=256, show_spinner="Reading attention …")
def _attention_over_lam(
    name: str, stamp: str, setting: tuple[float, str], sample: str | None
) -> list[Section | LeftOut]:
    return list(attention_over_lam(_of(sample, study(name, stamp)), setting))


@st.cache_data(ttl=60, max_entries=256, show_spinner=False)
def _metrics_over_lam(name: str, stamp: str, setting: tuple[float, str], sample: str | None) -> list[Section | LeftOut]:
    ds = study(name, stamp).assign(_measured(name, stamp).data_vars)
    return list(metrics_over_lam(_of(sample, ds), setting))


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _measured(name: str, stamp: str) -> xr.Dataset:
    # Values arrive while `probe metrics` runs, which the stamp does not tell.
    ds = study(name, stamp)
    return ds[[METRIC_PREFIX + each for each in metric_names(ds)]].compute()


def _of(sample: str | None, ds: xr.Dataset) -> xr.Dataset:
    return ds if sample is None else ds.sel(sample=[sample])


def recommendations(name: str) -> list[Recommendation]:
    """Return what `probe tune` recommends in a study, as it is now; none gives []."""
    return _recommendations(read_tunings(folder() / name))


@st.cache_data(ttl=60, max_entries=32, show_spinner=False)
def changes_since(name: str, stamp: str, found: Recommendation) -> list[str]:
    """Return what has changed in a study since a tuning, at most a minute old: metrics may be measured anew."""
    return _changes_since(found, study(name, stamp))


@st.cache_data(max_entries=64, show_spinner="Reading attention …")
def predicted_closest(name: str, stamp: str, setting: tuple[float, str] | None) -> tuple[Least, bool, int]:
    """Return the λ of least distance predicted from the untouched runs, whether exactly, and from how many samples."""
    given: dict[str, Any] = {} if setting is None else {"step_ratio": setting[0], "schedule": setting[1]}
    found = closest.predicted_closest(study(name, stamp), low=-1.0, high=4.0, step=0.25, **given)
    return found.pair, found.exact, found.samples


def surveys() -> list[Survey | BrokenSurvey]:
    """Return the folder's preference studies as they are now."""
    return _surveys(folder())


def survey(ident: str) -> Survey:
    """Return a preference study of the folder."""
    return _open_survey(folder(), ident)
