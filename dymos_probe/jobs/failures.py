"""What went wrong with a job, as a sentence and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from dymos_probe.errors import EnvironmentLacksError, InputError, ProbeError, is_out_of_memory
from dymos_probe.jobs.state import Kind

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What the page says of a job that failed."""

    kind: Kind
    message: str
    remedy: str


def failure_of(error: BaseException, log: str) -> Failure:
    """Return what ``error`` means to the person at the page; ``log`` is where its traceback is.

    Our own errors say what was given and, behind the last semicolon, what would be right; where that is
    an option of the command line, this says what it is on the page.
    """
    causes = list(_causes(error))
    message, _, remedy = str(error).rpartition("; ") if "; " in str(error) else (str(error), "", "")
    if any(is_out_of_memory(cause) for cause in causes):
        return Failure(
            kind="memory",
            message=_sentence(message if isinstance(error, ProbeError) else "Out of memory"),
            remedy="Choose a smaller size or fewer frames, or set offload to model (slower, much less GPU memory), "
            "or sequential with VAE tiling (slowest, least).",
        )
    if any(isinstance(cause, OSError) and cause.errno in _NO_ROOM for cause in causes):
        return Failure(
            kind="disk",
            message="The disk is full: the result of this job could not be written.",
            remedy="Forget jobs you no longer need, or free room in another way, and submit it again.",
        )
    if isinstance(error, (InputError, EnvironmentLacksError)):
        kind: Kind = "input" if isinstance(error, InputError) else "environment"
        return Failure(kind=kind, message=_sentence(message), remedy=_sentence(remedy))
    if isinstance(error, ProbeError):
        return Failure(kind="defect", message=_sentence(message), remedy=_sentence(remedy))
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return Failure(
        kind="defect",
        message=f"Something this program did not foresee: {type(error).__name__}: {text}",
        remedy=f"Submit it again; where that fails too, report it with {log}.",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _sentence(text: str) -> str:
    """Return ``text`` with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""
