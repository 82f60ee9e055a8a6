"""What the benchmark measured, and from it which implementation is the fastest for a call.

``measured.csv`` beside this module is what ``kernels/benchmarks/bench_kernels.py`` appends to.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

FILE = Path(__file__).with_name("measured.csv")

Operation = Literal["biased_attention", "frame_mass", "attention_with_mass"]


class Choice(NamedTuple):
    """An implementation, and why it and no other."""

    impl: str
    because: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the time of a call depends on."""

    device_type: str
    """``cpu``, ``cuda``."""
    threads: int
    """Threads a CPU computes with; 1 on a GPU."""
    dtype: str
    """``float32``, ``bfloat16``, ``float16``."""
    length: int
    """Tokens N."""
    tokens: int
    """Tokens of a frame, P."""
    dim: int
    """Head size D."""

    def distance(self, other: Setting) -> float:
        """Return how far another setting on the same kind of device is: factors of two, and two for another dtype."""
        factors = sum(
            abs(math.log2(getattr(self, name) / getattr(other, name)))
            for name in ("threads", "length", "tokens", "dim")
        )
        return factors + 2.0 * (self.dtype != other.dtype)


class Measurement(NamedTuple):
    """One row: how an implementation did in a setting."""

    setting: Setting
    operation: str
    impl: str
    ratio: float
    """Median time over that of PyTorch's attention on the same tensors."""
    device: str
    date: str


@cache
def measurements() -> tuple[Measurement, ...]:
    """Return all rows of the table in the order they were measured."""
    if not FILE.is_file():
        return ()
    with FILE.open(newline="") as file:
        return tuple(_measurement(row) for row in csv.DictReader(file))


def _measurement(row: dict[str, str]) -> Measurement:
    numbers = {name: int(row[name]) for name in ("threads", "length", "tokens", "dim")}
    setting = Setting(device_type=row["device_type"], dtype=row["dtype"], **numbers)
    return Measurement(setting, row["operation"], row["impl"], float(row["ratio"]), row["device"], row["date"])


def fastest(
    operation: Operation, setting: Setting, among: Collection[str], rows: Sequence[Measurement]
) -> Choice | None:
    """Return the fastest of some implementations where it was measured nearest to ``setting``, None if nowhere."""
    comparable = [
        row
        for row in rows
        if row.operation == operation and row.impl in among and row.setting.device_type == setting.device_type
    ]
    if not comparable:
        return None
    nearest = min((row.setting for row in comparable), key=setting.distance)
    # Of an implementation measured again the later row counts.
    latest = {row.impl: row for row in comparable if row.setting == nearest}
    best = min(latest.values(), key=lambda row: row.ratio)
    among = ", ".join(sorted(latest))
    where = f"N={nearest.length} P={nearest.tokens} D={nearest.dim} {nearest.dtype} on {best.device} ({best.date})"
    return Choice(best.impl, f"{best.ratio:.2f} of the time of plain attention, the least of {among}, at {where}")
