"""How long a job still takes, from what its steps took so far or what those of earlier jobs took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dymos_probe.errors import MissingFileError, StudyError
from dymos_probe.jobs.folder import all_files


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What was measured of one kind of work."""

    step_seconds: float
    """A denoising step, median."""
    overhead_seconds: float
    """A run outside its steps: loading, encoding, decoding, writing; mean."""

    def seconds_left(self, *, steps: int, runs: int) -> float:
        """Return how long ``steps`` more steps take, in ``runs`` runs that are not complete yet."""
        return steps * self.step_seconds + runs * self.overhead_seconds


def measured_pace(
    step_seconds: Sequence[float], overhead_seconds: Sequence[float], earlier: Pace | None
) -> Pace | None:
    """Return the pace of this job: its own numbers where there are any, else those of earlier jobs.

    The median of the steps, because the first may compile or page in what later ones have.
    """
    if not step_seconds:
        return earlier
    known = earlier.overhead_seconds if earlier is not None else 0.0
    return Pace(
        step_seconds=statistics.median(step_seconds),
        overhead_seconds=statistics.mean(overhead_seconds) if overhead_seconds else known,
    )


def earlier_pace(folder: Path, workload: str) -> Pace | None:
    """Return the pace of the last done job of the same workload, None where there was none."""
    for files in reversed(all_files(folder)):
        try:
            past = files.read_state()
        except (MissingFileError, StudyError):
            continue
        if past.status == "done" and past.workload == workload and past.step_seconds is not None:
            return Pace(step_seconds=past.step_seconds, overhead_seconds=past.overhead_seconds or 0.0)
    return None
