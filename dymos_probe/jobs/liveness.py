"""Whether a device's worker lives: it holds a file lock, which ends with its process however that ends."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.jobs.names import check_device
from dymos_probe.store.study_file import write_atomically


@dataclass(frozen=True, kw_only=True)
class Starts:
    """How the starts of a device's worker went."""

    pending: int = 0
    """Starts in a row after which no worker reached its queue."""


def lock_path(root: Path, device: str) -> Path:
    """Return the lock file of a device's worker."""
    return root / f"worker-{check_device(device).replace(':', '-')}.lock"


def worker_log(root: Path, device: str) -> Path:
    """Return what a device's worker printed."""
    return lock_path(root, device).with_suffix(".log")


def is_alive(root: Path, device: str) -> bool:
    """Return whether a device's worker lives; under the folder's lock, since asking takes its lock for a moment."""
    held = hold(root, device)
    if held is None:
        return True
    os.close(held)
    return False


def hold(root: Path, device: str) -> int | None:
    """Return a descriptor that holds a device's lock, None where its worker lives; under the folder's lock."""
    if sys.platform == "win32":
        raise EnvironmentLacksError("jobs need file locks as Linux and macOS have them; use `probe intervene` here")
    import fcntl

    descriptor = os.open(lock_path(root, device), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def read_starts(root: Path, device: str) -> Starts:
    """Return how the starts of a device's worker went."""
    try:
        document: dict[str, Any] = json.loads(_starts_path(root, device).read_bytes())
    except (FileNotFoundError, ValueError):
        return Starts()
    return Starts(pending=int(document.get("pending", 0)))


def write_starts(root: Path, device: str, starts: Starts) -> None:
    """Write down how the starts of a device's worker went."""
    write_atomically(_starts_path(root, device), json.dumps(asdict(starts)))


def _starts_path(root: Path, device: str) -> Path:
    # Not the lock file itself: replacing that would leave two workers with a lock each.
    return lock_path(root, device).with_suffix(".starts")
