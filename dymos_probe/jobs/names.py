"""Names that become paths: ids of jobs, made here; names of studies and pairs, checked here."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from dymos_probe.errors import InputError

PAIRS_FOLDER: Final = "pairs"
"""Where, in the studies folder, pairs that are no preset lie: one folder a pair, with ``t2v`` and ``i2v`` in it."""

_ID: Final = re.compile(r"\d{8}-\d{6}-\d{6}-[0-9a-f]{8}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DEVICE: Final = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")
_TIME: Final = "%Y%m%d-%H%M%S-%f"


def new_id(after: str | None) -> str:
    """Return a new job id: UTC time to the microsecond and 32 random bits; it sorts behind ``after``, if one is given.

    So that the order of ids is the order of submission even when the clock is set back.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    if after is not None:
        last = datetime.strptime(after[: after.rindex("-")], _TIME)
        now = max(now, last + timedelta(microseconds=1))
    return f"{now.strftime(_TIME)}-{secrets.token_hex(4)}"


def is_id(text: object) -> bool:
    """Return whether ``text`` has the form of a job id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def check_id(text: object) -> str:
    """Return ``text`` when it has the form of a job id, so that it can be joined to a path.

    Raises
    ------
    InputError
        When it has not.
    """
    if not isinstance(text, str) or not is_id(text):
        raise InputError(f"{text!r} is no job id; jobs() lists those there are")
    return text


def check_name(text: object, what: str) -> str:
    """Return ``text`` when it is a plain name: letters, digits, dots, dashes and underscores, at most 100.

    Raises
    ------
    InputError
        When it is not; ``what`` says what was to be named.
    """
    if not isinstance(text, str) or _NAME.fullmatch(text) is None:
        raise InputError(
            f"{text!r} is no name for {what}; use up to 100 letters, digits, dots, dashes and underscores, "
            "with a letter or digit first"
        )
    return text


def inside(folder: Path, name: str, what: str) -> Path:
    """Return ``folder / name`` for a plain name, refusing a link that leads out of ``folder``.

    Raises
    ------
    InputError
        When ``name`` is no plain name, or what it names lies elsewhere.
    """
    path = folder / check_name(name, what)
    if path.resolve().parent != folder.resolve():
        raise InputError(f"{name!r} leads out of {folder}; choose {what} that lies in it")
    return path


def check_device(text: str) -> str:
    """Return a device that a worker may be asked for.

    Raises
    ------
    InputError
        When it is none of ``auto``, ``cpu``, ``mps``, ``cuda`` and ``cuda:N``.
    """
    if _DEVICE.fullmatch(text) is None:
        raise InputError(f"device {text!r} is unknown; choose auto, cpu, cuda, cuda:N or mps")
    return text
