"""``python -m dymos_probe.jobs FOLDER``: the worker of a studies folder, in the foreground."""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
from pathlib import Path

from dymos_probe.errors import ProbeError
from dymos_probe.jobs.names import check_device
from dymos_probe.jobs.start import IDLE_SECONDS, worker_command


def main() -> int:
    """Run a worker and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dymos_probe.jobs",
        description="Make the jobs submitted to a studies folder, first in, first out. One worker a folder and device.",
    )
    parser.add_argument("folder", type=Path, help="the folder that holds the studies")
    parser.add_argument("--device", default="auto", help="auto (a GPU where there is one), cpu, cuda:N or mps")
    parser.add_argument(
        "--idle-seconds", type=float, default=IDLE_SECONDS, help="how long to wait for another job before it ends"
    )
    parser.add_argument("--lock", type=int, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    faulthandler.enable()  # a segmentation fault leaves a trace in the log
    # A job downloads nothing; what is missing is said on the page.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        folder, device = given.folder.resolve(), check_device(given.device)
        if given.lock is not None:
            os.set_inheritable(given.lock, False)
        from dymos_probe.jobs.worker import End, work  # torch: only now that the lock is held

        end = work(folder, device=device, idle_seconds=given.idle_seconds, held=given.lock)
    except ProbeError as error:
        print(f"probe: {error}", file=sys.stderr)
        return error.exit_status
    if end is End.OTHER:
        print(f"another worker serves {folder} on {device}; jobs submitted there are made by it", file=sys.stderr)
    if end is End.BROKEN and given.lock is not None:
        # A new process with the same lock: what an unforeseen error left in this one is unknown.
        os.set_inheritable(given.lock, True)
        command = worker_command(folder, device, given.idle_seconds, given.lock)
        os.execv(command[0], command)
    return 1 if end is End.BROKEN else 0


if __name__ == "__main__":
    sys.exit(main())
