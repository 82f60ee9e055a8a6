"""The errors this project raises on purpose: one base, children with stdlib parents.

Each class carries the exit status the command line ends with: 2 when the input or
the request is wrong, 3 when the environment lacks something, 1 for a defect.
"""

from __future__ import annotations

from typing import ClassVar


class ProbeError(Exception):
    """Base of every deliberate error; its message is one line a user can act on."""

    exit_status: ClassVar[int] = 1


class InputError(ProbeError, ValueError):
    """A value given by the user is wrong; the message says which and what would be right."""

    exit_status = 2


class MissingFileError(InputError, FileNotFoundError):
    """A file or folder named by the user does not exist."""


class TapError(ProbeError, RuntimeError):
    """The running model did not pass through the tap the way a true record needs."""

    exit_status = 2


class StudyError(ProbeError, ValueError):
    """A folder is no study, or a study of another pair, configuration or schema."""

    exit_status = 2


class CorruptStoreError(StudyError, OSError):
    """A chunk on disk is truncated or fails its checksum."""


class EnvironmentLacksError(ProbeError, RuntimeError):
    """The machine lacks something the request needs: weights, memory, disk, a GPU."""

    exit_status = 3


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` says that memory ran out: on a GPU, in Python, or in torch's allocator on a CPU.

    The last is a plain RuntimeError ("DefaultCPUAllocator: can't allocate memory", or "not enough memory").
    """
    # By name, so that asking loads no torch.
    known = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return known or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))
