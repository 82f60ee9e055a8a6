"""One row of the benchmark, and the file rows are appended to."""

from __future__ import annotations

import csv
import datetime
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import torch


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one implementation did one operation on one shape."""

    date: str = field(default_factory=lambda: datetime.date.today().isoformat())
    device_type: str
    device: str
    threads: int
    torch: str = torch.__version__
    python: str = field(default_factory=platform.python_version)
    shape: str
    batch: int
    heads: int
    length: int
    frames: int
    tokens: int
    text: int
    masked: int
    dim: int
    dtype: str
    operation: str
    impl: str
    baseline: str
    """Back end of PyTorch's attention that the ratio is against."""
    baseline_seconds: float
    ratio: float
    """Median over rounds; a ratio is formed within its round."""
    lowest: float
    highest: float
    extra_tensors: float
    """Peak memory beyond the inputs, in tensors of (B, H, N, D)."""
    output_error: float | None
    """Largest deviation from the float64 specification, None where there is no output."""
    mass_error: float | None


def device_name(device: str) -> str:
    """Return what the CPU or GPU is called."""
    if device != "cpu":
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def append(path: Path, rows: Sequence[Row]) -> None:
    """Append rows to a CSV file, under a header when it is new.

    Raises
    ------
    ValueError
        When the file has other columns.
    """
    columns = [each.name for each in fields(Row)]
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.read_text().splitlines() if path.exists() else []
    if there and there[0].split(",") != columns:
        raise ValueError(f"{path} has other columns than this benchmark writes; give another file")
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
        if not there:
            writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
