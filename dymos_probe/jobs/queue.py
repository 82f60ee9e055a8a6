"""The queue: submit, look, cancel, forget; first in, first out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dymos_probe.errors import InputError, MissingFileError, StudyError
from dymos_probe.jobs.folder import (
    JobFiles,
    add_job,
    all_files,
    files_of,
    folder_lock,
    jobs_root,
    remove_job,
)
from dymos_probe.jobs.liveness import is_alive
from dymos_probe.jobs.names import new_id
from dymos_probe.jobs.request import Request
from dymos_probe.jobs.state import State
from dymos_probe.jobs.upload import read_upload

MAX_ATTEMPTS: Final = 2
"""How often a job is begun whose worker dies over it."""

Alive = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as it is now."""

    id: str
    """Its id; ids sort by submission."""
    request: Request
    """What was asked."""
    state: State
    """How far it is."""
    files: JobFiles
    """Where its files are."""
    ahead: int = 0
    """Of a queued job: how many are running or queued before it."""


def submit(folder: str | Path, request: Request, *, image: bytes | None = None) -> str:
    """Queue a job and return its id; `ensure_worker` sees to it that somebody takes it.

    Parameters
    ----------
    folder
        The studies folder.
    request
        What is asked.
    image
        The reference image as bytes of an image file, such as :func:`read_upload` returns; it is read
        and written anew here in any case. Without one the T2V run's first frame is it.

    Raises
    ------
    InputError
        When there is neither an image nor a T2V run, the image is none, or the folder is missing.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    if image is None and not request.with_t2v:
        raise InputError("no reference image is given; give one, or with_t2v=True to take the T2V run's first frame")
    png = None if image is None else read_upload(image)
    with folder_lock(folder):
        there = all_files(folder)
        job = new_id(there[-1].id if there else None)
        now = time.time()
        add_job(folder, job, request, png, State(submitted=now, updated=now))
    return job


def jobs(folder: str | Path) -> tuple[Job, ...]:
    """Return all jobs in the order of submission; one that cannot be read any more is left out."""
    found: list[Job] = []
    waiting = 0
    for files in all_files(folder):
        try:
            one = Job(id=files.id, request=files.read_request(), state=state(folder, files.id), files=files)
        except (MissingFileError, StudyError):  # forgotten meanwhile, or damaged: the others are still there
            continue
        found.append(dataclasses.replace(one, ahead=waiting if one.state.status == "queued" else 0))
        waiting += not one.state.ended_for_good
    return tuple(found)


def job(folder: str | Path, id: str) -> Job:
    """Return one job.

    Raises
    ------
    InputError
        When ``id`` is no job id, or there is no such job.
    """
    files = files_of(folder, id)
    for one in jobs(folder):
        if one.id == id:
            return one
    return Job(id=id, request=files.read_request(), state=state(folder, id), files=files)


def state(folder: str | Path, id: str) -> State:
    """Return how far a job is; one whose worker died shows as queued again, or as failed.

    Raises
    ------
    InputError
        When ``id`` is no job id, or there is no such job.
    """
    files = files_of(folder, id)
    now = files.read_state()
    if now.status != "running":
        return now
    with folder_lock(folder):
        return settled(files, lambda device: is_alive(jobs_root(folder), device))


def cancel(folder: str | Path, id: str) -> State:
    """End a job: at once where it is queued, within a denoising step where it runs; return how it stands.

    One that has ended stays as it is.

    Raises
    ------
    InputError
        When ``id`` is no job id, or there is no such job.
    """
    files = files_of(folder, id)
    with folder_lock(folder):
        now = settled(files, lambda device: is_alive(jobs_root(folder), device))
        if now.status == "queued":
            now = as_cancelled(now)
            files.write_state(now)
        elif now.status == "running":
            files.ask_to_cancel()
    return now


def forget(folder: str | Path, id: str) -> None:
    """Delete a job and all it made; what was kept as a study stays.

    Raises
    ------
    InputError
        When ``id`` is no job id, there is no such job, or it is running.
    """
    files = files_of(folder, id)
    with folder_lock(folder):
        if settled(files, lambda device: is_alive(jobs_root(folder), device)).status == "running":
            raise InputError(f"job {id} is running; cancel it first")
        remove_job(files)


def take(folder: str | Path, device: str, pid: int) -> JobFiles | None:
    """Give the longest queued job to the worker ``pid`` of ``device``; None where there is none."""
    for files in all_files(folder):
        # Read without the lock first: most jobs of a folder ended long ago.
        if _status(files) != "queued":
            continue
        with folder_lock(folder):
            if _status(files) != "queued":
                continue
            now = files.read_state()
            files.write_state(
                State(
                    status="running",
                    phase="loading",
                    submitted=now.submitted,
                    started=time.time(),
                    updated=time.time(),
                    attempts=now.attempts + 1,
                    device=device,
                    pid=pid,
                )
            )
        return files
    return None


def settle_all(folder: str | Path, alive: Alive) -> None:
    """Write down what became of running jobs whose worker died; under the folder's lock."""
    for files in all_files(folder):
        if _status(files) == "running":
            now = settled(files, alive)
            if now.status != "running":
                files.write_state(now)


def has_queued(folder: str | Path) -> bool:
    """Return whether a job waits for a worker."""
    return any(_status(files) == "queued" for files in all_files(folder))


def fail_queued(folder: str | Path, failed: State) -> None:
    """End every queued job as ``failed`` says; under the folder's lock."""
    for files in all_files(folder):
        if _status(files) == "queued":
            files.write_state(dataclasses.replace(failed, submitted=files.read_state().submitted))


def settled(files: JobFiles, alive: Alive) -> State:
    """Return the state of a job, a running one judged by whether its worker lives; under the folder's lock."""
    now = files.read_state()
    if now.status != "running" or alive(now.device):
        return now
    if files.is_cancelled:
        return as_cancelled(now)
    where = f"while it was {now.phase}"
    if now.run:
        where = f"in run {now.run} of {now.runs} ({now.condition}), step {min(now.step + 1, now.steps)} of {now.steps}"
    died = f"The worker process ended without a word {where}; most often the system ran out of memory and killed it."
    if now.attempts < MAX_ATTEMPTS:
        return dataclasses.replace(
            State(submitted=now.submitted, updated=now.updated, attempts=now.attempts, runs=now.runs),
            message=f"{died} It is tried once more.",
        )
    return dataclasses.replace(
        now,
        status="failed",
        phase=None,
        kind="crash",
        seconds_left=None,
        ended=now.updated,
        message=died.replace(" ended", f" ended {MAX_ATTEMPTS} times", 1),
        remedy="Choose a smaller size or fewer frames, or close what else uses memory; the worker's log may say more.",
    )


def as_cancelled(now: State) -> State:
    """Return ``now`` as the state of a job that somebody ended."""
    return dataclasses.replace(
        now,
        status="cancelled",
        phase=None,
        seconds_left=None,
        ended=time.time(),
        updated=time.time(),
        message="Cancelled." if not now.run else f"Cancelled in run {now.run} of {now.runs}.",
    )


def _status(files: JobFiles) -> str:
    try:
        return files.read_state().status
    except (MissingFileError, StudyError):
        return "gone"
