"""Starts the worker process, detached: it outlives the app and whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from dymos_probe.jobs.folder import folder_lock, jobs_root
from dymos_probe.jobs.liveness import Starts, hold, is_alive, read_starts, worker_log, write_starts
from dymos_probe.jobs.names import check_device
from dymos_probe.jobs.queue import fail_queued, has_queued, settle_all
from dymos_probe.jobs.state import State

IDLE_SECONDS: Final = 600.0
"""How long a worker keeps its model loaded and waits for another job."""

MAX_STARTS: Final = 3
"""Starts in a row that reach no queue before the waiting jobs fail."""

_LOG_BYTES: Final = 2**20


def ensure_worker(folder: str | Path, *, device: str = "auto", idle_seconds: float = IDLE_SECONDS) -> bool:
    """Start a worker where jobs wait and the device has none; return whether one was started.

    Cheap, and safe to call at any moment from any number of processes: exactly one worker runs for a
    folder and device. It also writes down what became of jobs whose worker died.

    Parameters
    ----------
    folder
        The studies folder.
    device
        ``auto`` (a GPU where there is one), ``cpu``, ``cuda:1`` …; workers of several devices share the queue.
    idle_seconds
        How long the worker waits for another job, its last model loaded, before it ends.

    Raises
    ------
    InputError
        When the folder is missing or the device unknown.
    """
    check_device(device)
    root = jobs_root(Path(folder).resolve())
    with folder_lock(folder):
        settle_all(folder, lambda other: is_alive(root, other))
        if not has_queued(folder):
            return False
        held = hold(root, device)
        if held is None:
            return False
        try:
            # The lock goes over to the process with its descriptor: there is no moment without one.
            starts = read_starts(root, device)
            if starts.pending >= MAX_STARTS:
                write_starts(root, device, Starts())
                fail_queued(folder, _could_not_start(root, device))
                return False
            write_starts(root, device, Starts(pending=starts.pending + 1))
            _start(root, device, held, idle_seconds)
        finally:
            os.close(held)
    return True


def worker_command(folder: Path, device: str, idle_seconds: float, held: int) -> list[str]:
    """Return the command of a worker that is given the descriptor of its lock."""
    options = ["--device", device, "--idle-seconds", str(idle_seconds), "--lock", str(held)]
    return [sys.executable, "-m", "dymos_probe.jobs", str(folder), *options]


def _start(root: Path, device: str, held: int, idle_seconds: float) -> None:
    log = worker_log(root, device)
    large = log.is_file() and log.stat().st_size > _LOG_BYTES
    with log.open("wb" if large else "ab") as output:
        process = subprocess.Popen(
            worker_command(root.parent, device, idle_seconds, held),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(held,),
            start_new_session=True,  # a ^C or a closed terminal of the app does not reach it
        )
    # Somebody has to take note of its end as long as this process lives.
    threading.Thread(target=process.wait, name="worker-reaper", daemon=True).start()


def _could_not_start(root: Path, device: str) -> State:
    now = time.time()
    return State(
        status="failed",
        kind="environment",
        ended=now,
        updated=now,
        message=f"The worker process ended {MAX_STARTS} times before it could begin.",
        remedy=f"`probe doctor` says what is missing on this machine; the log is {worker_log(root, device)}.",
    )
