"""The jobs folder on disk: plain files, so that jobs outlive the app, its tabs and their worker.

::

    FOLDER/.jobs/
      worker-auto.lock     held by the worker of that device while it lives; says how its starts went
      worker-auto.log      what it printed
      <id>/
        request.json       what was asked
        reference.png      the reference image, if one was given
        state.json         how far it is, replaced whole
        preview.png        the current estimate of the video
        cancel             there once somebody wants it to end
        log.txt            what went wrong, with its traceback
        result/            a study of one sample

A job is made under a hidden name and renamed, so it is there wholly or not at all. Who changes which
job is in which status holds the folder's lock for that moment; a running job is written by its worker alone.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dymos_probe.errors import InputError, MissingFileError, StudyError
from dymos_probe.jobs.names import check_id, is_id
from dymos_probe.jobs.request import Request
from dymos_probe.jobs.state import State
from dymos_probe.store import is_created, storage_errors
from dymos_probe.store.study_file import exclusive, write_atomically

JOBS_FOLDER: Final = ".jobs"
_RESULT: Final = "result"
_RESERVE: Final = 128 * 1024


@dataclass(frozen=True)
class JobFiles:
    """Where the files of one job are."""

    path: Path
    """Its folder."""

    @property
    def id(self) -> str:
        """The job's id."""
        return self.path.name

    @property
    def studies(self) -> Path:
        """The studies folder it belongs to."""
        return self.path.parent.parent

    @property
    def reference(self) -> Path:
        """The reference image that was given; there is no file where none was."""
        return self.path / "reference.png"

    @property
    def preview(self) -> Path:
        """The preview; there is no file before the first."""
        return self.path / "preview.png"

    @property
    def log(self) -> Path:
        """What went wrong, with its traceback; there is no file where nothing did."""
        return self.path / "log.txt"

    @property
    def result(self) -> Path:
        """The study that the job makes; see :attr:`has_result`."""
        return self.path / _RESULT

    @property
    def study_name(self) -> str:
        """The result's folder relative to the studies folder, as the store and the dashboard name studies."""
        return result_name(self.id)

    @property
    def has_result(self) -> bool:
        """Whether the result opens as a study; while the job runs, with the runs that are complete."""
        return self.result.is_dir() and is_created(self.result)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked for its end."""
        return (self.path / "cancel").exists()

    def ask_to_cancel(self) -> None:
        """Ask for its end."""
        (self.path / "cancel").touch()

    def read_request(self) -> Request:
        """Return what was asked."""
        return Request.from_json(self._json("request.json"))

    def read_state(self) -> State:
        """Return what its state file says; its worker may have died since."""
        return State.from_json(self._json("state.json"))

    def write_state(self, state: State) -> None:
        """Replace the state file."""
        write_atomically(self.path / "state.json", json.dumps(state.to_json(), ensure_ascii=False))

    def reserve(self) -> None:
        """Take the room that saying how the job ended needs, for the case that the disk is full by then."""
        (self.path / "reserve").write_bytes(bytes(_RESERVE))

    def give_reserve(self) -> None:
        """Give that room back."""
        (self.path / "reserve").unlink(missing_ok=True)

    def _json(self, name: str) -> dict[str, object]:
        try:
            document: dict[str, object] = json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            raise MissingFileError(f"there is no job {self.id}; it was forgotten") from None
        except ValueError as error:
            raise StudyError(f"{self.path / name} is damaged ({error}); forget the job") from error
        return document


def result_name(job: str) -> str:
    """Return the folder of a job's result relative to the studies folder, with forward slashes."""
    return f"{JOBS_FOLDER}/{job}/{_RESULT}"


def is_result_name(study: str) -> bool:
    """Return whether a study's name is that of a job's result, such as :func:`result_name` returns."""
    parts = study.split("/")
    return len(parts) == 3 and study == result_name(parts[1]) and is_id(parts[1])


def jobs_root(folder: str | Path) -> Path:
    """Return where the jobs of a studies folder lie."""
    return Path(folder) / JOBS_FOLDER


def files_of(folder: str | Path, job: str) -> JobFiles:
    """Return the files of a job.

    Raises
    ------
    InputError
        When ``job`` has not the form of an id; nothing else is ever joined to the path.
    MissingFileError
        When there is no such job.
    """
    path = jobs_root(folder) / check_id(job)
    if not path.is_dir():
        raise MissingFileError(f"there is no job {job} in {folder}")
    return JobFiles(path)


def all_files(folder: str | Path) -> tuple[JobFiles, ...]:
    """Return the files of every job, in the order of submission."""
    root = jobs_root(folder)
    if not root.is_dir():
        return ()
    return tuple(JobFiles(path) for path in sorted(root.iterdir()) if is_id(path.name) and path.is_dir())


@contextlib.contextmanager
def folder_lock(folder: str | Path) -> Iterator[None]:
    """Hold the jobs folder, which is made where it is missing, for a moment."""
    root = jobs_root(folder)
    if not Path(folder).is_dir():
        raise InputError(f"{folder} is no folder; give the folder that holds the studies")
    with storage_errors(root):
        root.mkdir(exist_ok=True)
        with exclusive(root):
            yield


def add_job(folder: str | Path, job: str, request: Request, image: bytes | None, state: State) -> None:
    """Make a job appear; under the folder's lock."""
    root = jobs_root(folder)
    made = JobFiles(root / f".new-{job}")
    try:
        made.path.mkdir()
        write_atomically(made.path / "request.json", json.dumps(request.to_json(), ensure_ascii=False, indent=2))
        if image is not None:
            made.reference.write_bytes(image)
        made.write_state(state)
        made.path.rename(root / job)
    except BaseException:
        shutil.rmtree(made.path, ignore_errors=True)
        raise


def remove_job(files: JobFiles) -> None:
    """Make a job disappear at once, then delete its files; under the folder's lock."""
    gone = files.path.with_name(f".gone-{files.id}")
    files.path.rename(gone)
    shutil.rmtree(gone)


def sweep(folder: str | Path) -> None:
    """Delete what a killed process left of jobs half made or half forgotten; under the folder's lock."""
    for leftover in jobs_root(folder).glob(".[ng]*-*"):
        if is_id(leftover.name.partition("-")[2]):
            shutil.rmtree(leftover, ignore_errors=True)
