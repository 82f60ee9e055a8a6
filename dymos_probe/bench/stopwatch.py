"""Wall time and peak memory of one call, on whatever device it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Timed(Generic[T]):
    """What a call returned, and what it took."""

    result: T
    """What it returned."""
    seconds: float
    """Wall time: between CUDA events on a GPU, by the clock elsewhere."""
    peak_bytes: int | None
    """Most memory torch held on the GPU meanwhile, weights included; None where torch does not count it."""


def timed(call: Callable[[], T], device: torch.device) -> Timed[T]:
    """Return what ``call`` returns and what it took, all its work on ``device`` finished."""
    if device.type != "cuda":
        _finish(device)
        started = time.perf_counter()
        result = call()
        _finish(device)
        return Timed(result, time.perf_counter() - started, None)
    with torch.cuda.device(device):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        begin.record()
        result = call()
        end.record()
        end.synchronize()
        return Timed(result, begin.elapsed_time(end) / 1e3, torch.cuda.max_memory_allocated())


def _finish(device: torch.device) -> None:
    if device.type == "mps":
        torch.mps.synchronize()
