"""One analysis of a study in a process of its own: how long, how much was read, and the most memory it took.

``python -m dymos_probe.bench.analysis_measure STUDY ANALYSIS ROUNDS`` prints one JSON document.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import xarray as xr
import zarr
from dask.system import CPU_COUNT

import dymos_probe.analysis  # noqa: F401  opening loads it, and that is not to be timed
from dymos_probe.store import open_study
from dymos_probe.store.reader import RunArray
from dymos_probe.store.schema import COMPLETE, CONDITION, SAMPLE, STORE_FOLDER

_SITES = ("layer", "head")

ANALYSES: Final[Mapping[str, Callable[[xr.Dataset], xr.DataArray]]] = {
    "ΔA": lambda ds: ds.probe.difference(),
    "ΔA by layer, head": lambda ds: ds.probe.difference(keep=_SITES),
    "ΔA by layer, head, all steps": lambda ds: ds.probe.difference(keep=_SITES, early=1.0),
    "d(λ)": lambda ds: ds.probe.distance(),
    "d(λ) by layer, head": lambda ds: ds.probe.distance(keep=_SITES),
    "dominance by layer, head": lambda ds: ds.probe.dominance(keep=_SITES),
}
"""What is timed."""

BOUNDED: Final[Mapping[str, Callable[[xr.Dataset], xr.DataArray]]] = {
    **ANALYSES,
    "entropy by head": lambda ds: ds.probe.entropy(conditions=ds[CONDITION].values[:2], keep=("head",)),
    "d(λ), each map": lambda ds: ds.probe.distance(order="distance_first", keep=("step",), early=0.04),
    "interval of ΔA by layer, head": lambda ds: ds.probe.interval("difference", keep=_SITES, resamples=200)["value"],
    "interval of d(λ) by layer, head": lambda ds: ds.probe.interval("distance", keep=_SITES, resamples=40)["value"],
    "least d(λ)": lambda ds: ds.probe.distance_minimum()["closest_lam"],
}
"""What must fit in memory, whatever the number of runs."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one analysis took."""

    samples: int
    """Samples complete under every condition that has runs."""
    conditions: int
    """Conditions that have runs."""
    threads: int
    """Threads dask computed with."""
    open_seconds: float
    """Opening the study, imports apart."""
    read_bytes: int
    """Decoded bytes of the chunks read."""
    seconds: tuple[float, ...]
    """From the call to the result, each round."""
    plain_seconds: tuple[float, ...]
    """Reading and decoding the same chunks with zarr, on as many threads, each round."""
    peak_bytes: int
    """Most memory the process held, its libraries included, until the first result."""
    found: float
    """Mean ΔA[f, 0] for f ≥ 1, the λ of least d(λ), or the mean."""


def measure(path: str | Path, analysis: str, rounds: int) -> Measured:
    """Return what ``analysis``, one of `BOUNDED`, takes on the study at ``path``; its first run is not timed."""
    started = time.perf_counter()
    ds = open_study(path)
    open_seconds = time.perf_counter() - started
    with _noted() as reads:
        result = BOUNDED[analysis](ds).compute()
    peak = peak_bytes()
    marks = ds[COMPLETE].compute()
    there = marks.any(SAMPLE)
    arrays = zarr.open_group(Path(path) / STORE_FOLDER, mode="r")
    seconds, plain = [], []
    for _ in range(rounds):
        plain.append(_timed(lambda: _read(arrays, reads)))
        seconds.append(_timed(lambda: BOUNDED[analysis](ds).compute()))
    return Measured(
        samples=int(marks.isel({CONDITION: there.values}).all(CONDITION).sum()),
        conditions=int(there.sum()),
        threads=CPU_COUNT,
        open_seconds=open_seconds,
        read_bytes=sum(size for _, _, size in reads),
        seconds=tuple(seconds),
        plain_seconds=tuple(plain),
        peak_bytes=peak,
        found=_found(result),
    )


def peak_bytes() -> int:
    """Return the most memory this process has held since it began."""
    status = Path("/proc/self/status")
    # Not getrusage where it can be helped: on Linux that remembers the process this one was started from.
    for line in status.read_text().splitlines() if status.exists() else ():
        name, _, amount = line.partition(":")
        if name == "VmHWM":
            return int(amount.split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextmanager
def _noted() -> Iterator[list[tuple[str, Any, int]]]:
    """Note the variable, key and decoded bytes of everything read from a study."""
    reads: list[tuple[str, Any, int]] = []
    lock, read = threading.Lock(), RunArray.__getitem__

    def noting(self: RunArray, key: Any) -> Any:
        block = read(self, key)
        with lock:
            reads.append((self.name, key, block.nbytes))
        return block

    RunArray.__getitem__ = noting  # type: ignore[method-assign]
    try:
        yield reads
    finally:
        RunArray.__getitem__ = read  # type: ignore[method-assign]


def _read(arrays: zarr.Group, reads: list[tuple[str, Any, int]]) -> None:
    members = {name: arrays[name] for name in {name for name, _, _ in reads}}
    with ThreadPoolExecutor(CPU_COUNT) as pool:
        for _ in pool.map(lambda each: members[each[0]][each[1]].nbytes, reads):  # type: ignore[union-attr]
            pass


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _found(result: xr.DataArray) -> float:
    if "key_frame" in result.dims:
        return float(result.isel(key_frame=0, query_frame=slice(1, None)).mean())
    if "lam" in result.dims:
        return float(result.mean([dim for dim in result.dims if dim != "lam"]).idxmin("lam"))
    return float(result.mean())


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
