"""One generation: waiting, running, or how it ended."""

from __future__ import annotations

import data
import streamlit as st
from chosen import broken
from contents import link_to_study_pages
from job_address import go_to, way_to, way_to_new
from job_words import FAILED, ICON, generated_label, how_far, place_in_queue, settings
from job_worker import ensure_a_worker
from plain import as_sentence
from players import Cell, image_cell, players, video_cell

from dymos_probe.errors import InputError, ProbeError
from dymos_probe.figures.conditions import condition_names
from dymos_probe.jobs import Job, cancel, compatible, forget, job, keep
from dymos_probe.jobs.folder import jobs_root
from dymos_probe.jobs.liveness import worker_log

_TAIL = 20_000  # characters of a log
_NEW = "a new study"  # no study can be called that: names have no spaces


def job_view(one: Job) -> None:
    """Show a job that the folder has."""
    with st.container(border=True, gap="xsmall"):
        st.caption("Prompt and settings")
        st.text(one.request.prompt)
        st.text(settings(one.request))
    if one.state.ended_for_good:
        _ended(one)
    else:
        _live(one.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        way_to_new()
        way_to("Change something and run again", ":material/edit:", "run again", again=one.id)
        if one.state.ended_for_good:
            _forget(one)


def open_job(ident: str) -> Job | None:
    """Return a job by its id; None, and a sentence on the page, where there is none."""
    try:
        return job(data.folder(), ident)
    except ProbeError as error:
        st.warning(
            "There is no generation under this address; it was forgotten, or the address is wrong.",
            icon=":material/link_off:",
        )
        st.text(as_sentence(str(error)))
        return None


@st.fragment(run_every=1)
def _live(ident: str) -> None:
    """Show how far a job is, every second, until it has ended."""
    try:
        one = job(data.folder(), ident)
    except ProbeError:  # forgotten in another tab
        st.rerun()
    if one.state.ended_for_good:
        st.rerun()
    if one.state.status == "queued":
        st.info(place_in_queue(one), icon=ICON["queued"])
        if one.state.message:
            st.text(one.state.message)
        ensure_a_worker()
    else:
        _running(one)
    if st.button("Cancel", icon=":material/stop_circle:", key="cancel", disabled=one.files.is_cancelled):
        cancel(data.folder(), ident)
        st.rerun()


def _running(one: Job) -> None:
    st.progress(one.state.progress, text=how_far(one.request, one.state))
    if one.files.is_cancelled:
        st.info("It is being cancelled; it ends after the step it is in.", icon=ICON["cancelled"])
    try:
        picture = one.files.preview.read_bytes()
    except FileNotFoundError:
        picture = b""
    # Where a preview failed it says why, which may be anybody's words.
    _, _, what = one.state.preview.partition(": ")
    if picture:
        st.image(picture, alt=what or "Estimate of the finished video")
    if what:
        st.text(what)
    st.caption("It goes on when this page is closed; it is listed on this page whenever you come back.")


def _ended(one: Job) -> None:
    now = one.state
    if now.status == "failed":
        st.error(FAILED.get(now.kind or "", FAILED["defect"]), icon=ICON["failed"])
        st.text(" ".join(part for part in (as_sentence(now.message), as_sentence(now.remedy)) if part))
        _logs(one)
    elif now.status == "cancelled":
        st.info(as_sentence(now.message), icon=ICON["cancelled"])
    if not _videos(one):
        return
    if now.status == "done":
        st.subheader("Look into it")
        st.markdown(
            "Where both models looked, what λ did to that, and the videos frame by frame. These pages show this "
            "generation as a study of one sample."
        )
        link_to_study_pages(generated_label(one))
        _keep(one)


def _videos(one: Job) -> bool:
    """Show the videos that are complete; return whether there are any."""
    entry = data.generated(generated_label(one))
    if entry is None:
        return False
    if entry.broken:
        broken(entry)
        return False
    ds = data.study(entry.name, data.stamp_of(entry))
    if not ds.sizes["sample"]:
        return False
    run = ds.isel(sample=0)
    sample = str(run["sample"].item())
    complete = {name: bool(run["complete"].sel(condition=name)) for name in condition_names(ds)}
    if not any(complete.values()):
        return False
    cells: list[Cell] = [image_cell(entry.name, str(run["image"].item()), label="Reference image")]
    for condition, label in condition_names(ds).items():
        cells.append(video_cell(entry.name, sample, condition, label=label, complete=complete[condition]))
    players(cells, key="players", plays=one.state.status == "done")
    return True


def _logs(one: Job) -> None:
    logs = {"What went wrong, in the program's own words": one.files.log}
    if one.state.device:
        logs["What the worker process printed"] = worker_log(jobs_root(data.folder()), one.state.device)
    for title, path in logs.items():
        if path.is_file() and path.stat().st_size:
            with st.expander(title, icon=":material/article:"):
                st.code(path.read_text(encoding="utf-8", errors="replace")[-_TAIL:], language=None, wrap_lines=True)


def _keep(one: Job) -> None:
    st.subheader("Keep as sample of a study")
    st.markdown(
        "A generation lasts until it is forgotten. Kept, it is a study of its own, or one more sample of a study that "
        "was made with the same pair and settings, to which more can be added."
    )
    kept = f"kept {one.id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Keep it in", [_NEW, *compatible(data.folder(), one.id)], key=f"keep {one.id}", width=300)
        if name == _NEW:
            name = st.text_input("Name of the study", placeholder="letters, digits, dots, dashes", width=300).strip()
        wanted = st.button("Keep", icon=":material/bookmark_add:", key="keep")
    if wanted:
        st.session_state.pop(kept, None)
        try:
            if not name:
                raise InputError("the study has no name yet; write one")
            keep(data.folder(), one.id, name)
            st.session_state[kept] = name
            data.studies.clear()
        except (ProbeError, OSError) as error:
            st.error("It was not kept.", icon=":material/error:")
            st.text(as_sentence(str(error)))
    if kept in st.session_state:
        st.success("It is kept; this is the study:", icon=":material/bookmark_added:")
        st.text(st.session_state[kept])
        link_to_study_pages(st.session_state[kept])


def _forget(one: Job) -> None:
    with st.popover("Forget", icon=":material/delete:"):
        st.markdown("This deletes the generation and its videos. What was kept as a study stays.")
        if st.button("Delete it", type="primary", key="forget"):
            try:
                forget(data.folder(), one.id)
            except (ProbeError, OSError) as error:
                st.error("It was not deleted.", icon=":material/error:")
                st.text(as_sentence(str(error)))
                return
            go_to()
