"""The hold of a command on the study it writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dymos_probe.errors import InputError, StudyError
from dymos_probe.store import storage_errors

_LOCK = ".lock"


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold a study, whose folder is made where it is missing, against other commands; the hold ends with the process.

    Raises
    ------
    StudyError
        When another command holds it.
    InputError
        When no folder can be there.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    with storage_errors(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # as in /proc, where nobody makes folders
            raise InputError(f"{path} cannot be a folder ({error.strerror}); give another") from error
        # In the study itself, so that it also holds on a disk that several machines share.
        file = (path / _LOCK).open("a")
    with file:
        if sys.platform == "win32":  # no advisory lock there; one command at a time is then the user's care
            yield
            return
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StudyError(f"another command is writing the study {path}; wait until it is done") from None
        yield
