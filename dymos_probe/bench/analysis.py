"""What analyses of a study of full size cost: time beside that of plain reading, and memory."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dymos_probe.bench.analysis_measure import ANALYSES, Measured
from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.testing.large import CONDITIONS, SAMPLES, large_study, run_bytes

_OF_ALL_CONDITIONS = ("d(λ)", "d(λ) by layer, head", "dominance by layer, head")
_ROOM = 1.2
"""Disk taken, of the raw bytes of attention: text mass, means, checksums."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one analysis took."""

    analysis: str
    """One of `dymos_probe.bench.analysis_measure.ANALYSES`."""
    samples: int
    """Samples with runs."""
    conditions: int
    """Conditions with runs."""
    threads: int
    """Threads."""
    open_seconds: float
    """Opening the study with all its labels, imports apart."""
    read_mb: float
    """Decoded megabytes (10⁶ bytes) of the chunks read."""
    seconds: float
    """Median over rounds, from the call to the result."""
    mb_per_second: float
    """Of the median."""
    plain_mb_per_second: float
    """Of reading and decoding the same chunks with zarr on as many threads."""
    ratio: float
    """Median over rounds of plain time over the analysis's time of the same round; 1 is the speed of reading."""
    peak_mb: float
    """Most memory of the process, its libraries included, megabytes."""
    full_seconds: float
    """As many seconds for the runs it would read of the whole study, at this speed."""


def bench_analysis(
    *,
    samples: int = 3,
    conditions: int = 4,
    linked: int = 0,
    rounds: int = 3,
    out: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Write a study of full-size runs and time analyses of it, each in a process of its own.

    Parameters
    ----------
    samples, conditions, linked
        Runs that are there, see :func:`dymos_probe.testing.large.large_study`; labels are of the full study.
    rounds
        Each reads plainly and analyses, in turn; files come from the page cache where they fit.
    out
        Folder of the study, which stays, and is used again where it is there; a temporary one by default.
    progress
        Called after each run written with how many are done, of how many.

    Raises
    ------
    InputError
        When there are no such numbers of runs or no round.
    EnvironmentLacksError
        When the disk has no room.
    """
    if rounds < 1:
        raise InputError(f"rounds {rounds} must be at least 1")
    with ExitStack() as stack:
        if out is None:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probe-bench-"))) / "study"
        _check_room(Path(out), samples * conditions)
        study = large_study(out, samples=samples, conditions=conditions, linked=linked, on_run=progress)
        return [_row(analysis, measure_apart(study.path, analysis, rounds)) for analysis in ANALYSES]


def measure_apart(study: Path, analysis: str, rounds: int) -> Measured:
    """Return what an analysis takes in a fresh process, whose memory is its own.

    Raises
    ------
    EnvironmentLacksError
        When the process ended without a result.
    """
    command = [sys.executable, "-m", "dymos_probe.bench.analysis_measure", str(study), analysis, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it was killed"])[-1]
        raise EnvironmentLacksError(f"measuring {analysis} ended with status {done.returncode}: {last}")
    return Measured(**json.loads(done.stdout))


def _check_room(out: Path, runs: int) -> None:
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    needed, free = int(runs * run_bytes() * _ROOM), shutil.disk_usage(there).free
    if not (out / "study.json").exists() and needed > free:
        raise EnvironmentLacksError(
            f"{runs} runs take {needed / 1e9:.1f} GB and {there} has {free / 1e9:.1f} GB left; "
            "give fewer --samples or --conditions, or another --out"
        )


def _row(analysis: str, measured: Measured) -> Row:
    seconds, megabytes = statistics.median(measured.seconds), measured.read_bytes / 1e6
    pairs = zip(measured.plain_seconds, measured.seconds, strict=True)
    whole = SAMPLES / measured.samples
    if analysis in _OF_ALL_CONDITIONS:
        whole *= CONDITIONS / measured.conditions
    return Row(
        analysis=analysis,
        samples=measured.samples,
        conditions=measured.conditions,
        threads=measured.threads,
        open_seconds=measured.open_seconds,
        read_mb=megabytes,
        seconds=seconds,
        mb_per_second=megabytes / seconds,
        plain_mb_per_second=megabytes / statistics.median(measured.plain_seconds),
        ratio=statistics.median(plain / ours for plain, ours in pairs),
        peak_mb=measured.peak_bytes / 1e6,
        full_seconds=seconds * whole,
    )
