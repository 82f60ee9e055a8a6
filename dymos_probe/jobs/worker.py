"""The worker: takes jobs first in, first out, makes them one by one, and ends itself when none comes."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
import traceback
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final

from dymos_probe.errors import ProbeError
from dymos_probe.jobs.failures import failure_of
from dymos_probe.jobs.folder import JobFiles, folder_lock, jobs_root, sweep
from dymos_probe.jobs.liveness import Starts, hold, is_alive, write_starts
from dymos_probe.jobs.perform import Models, perform
from dymos_probe.jobs.queue import as_cancelled, has_queued, settle_all, take
from dymos_probe.jobs.reporter import CancelledError, ended
from dymos_probe.jobs.state import State

_POLL_SECONDS: Final = 0.2


class StoppedError(BaseException):
    """The worker was asked to end (SIGTERM, ^C)."""


class End(Enum):
    """Why a worker ended."""

    IDLE = auto()
    """No job came."""
    STOPPED = auto()
    """It was asked to."""
    BROKEN = auto()
    """An error nobody foresaw: what it left in the process is unknown, so a new process goes on."""
    OTHER = auto()
    """Another worker has this folder and device."""


def work(folder: Path, *, device: str, idle_seconds: float, held: int | None = None) -> End:
    """Serve a studies folder until no job came for ``idle_seconds``.

    Parameters
    ----------
    folder
        The studies folder.
    device
        Where models run.
    idle_seconds
        How long to wait for another job.
    held
        A descriptor that holds this device's lock already; without one it is taken here.
    """
    root = jobs_root(folder)
    with folder_lock(folder):
        descriptor = hold(root, device) if held is None else held
        if descriptor is None:
            return End.OTHER
        write_starts(root, device, Starts())
        sweep(folder)
        # Ours is held by nobody else: what ran under it belongs to a worker that died.
        settle_all(folder, lambda other: other != device and is_alive(root, other))
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    models = Models()
    last = time.monotonic()
    try:
        while True:
            files = take(folder, device, os.getpid())
            if files is not None:
                if not run_job(files, device=device, models=models):
                    return End.BROKEN
                last = time.monotonic()
            elif time.monotonic() - last > idle_seconds:
                with folder_lock(folder):
                    # Under the lock: whoever submits now finds either this worker or its lock free.
                    if not has_queued(folder):
                        os.close(descriptor)
                        descriptor = None
                        return End.IDLE
            else:
                time.sleep(_POLL_SECONDS)
    except StoppedError:
        return End.STOPPED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if descriptor is not None and held is None:
            os.close(descriptor)


def run_job(files: JobFiles, *, device: str, models: Models, **options: Any) -> bool:
    """Make one job and write down how it ended; return whether this process can go on."""
    sound = True
    try:
        files.reserve()
        state = ended(perform(files, device=device, models=models, **options), status="done")
    except CancelledError:
        models.recover()
        state = as_cancelled(files.read_state())
    except StoppedError:
        # Nobody's fault: it goes back to the queue as if it had not been begun; its complete runs are kept.
        now = files.read_state()
        _write_end(files, State(submitted=now.submitted, updated=time.time(), attempts=now.attempts - 1))
        raise
    except BaseException as error:
        failed = failure_of(error, str(files.log))
        sound = isinstance(error, ProbeError) or failed.kind in ("memory", "disk")
        state = ended(files.read_state(), status="failed", **dataclasses.asdict(failed))
        _write_end(files, state)
        _log(files, error)
        error.__traceback__ = None  # its frames hold the model
        models.drop()
        return sound
    _write_end(files, state)
    return sound


def _write_end(files: JobFiles, state: State) -> None:
    files.give_reserve()
    files.write_state(state)


def _log(files: JobFiles, error: BaseException) -> None:
    text = "".join(traceback.format_exception(error))
    print(f"job {files.id}:\n{text}", file=sys.stderr, flush=True)
    try:
        files.log.write_text(text, encoding="utf-8")
    except OSError:  # a full disk; the worker's log may have it
        files.log.unlink(missing_ok=True)


def _stop(*_: object) -> None:
    raise StoppedError
