"""The benchmark of the kernels, asked in the words of this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from dymos_kernels import benchmark
from dymos_probe.errors import EnvironmentLacksError, InputError

Row = benchmark.Row
"""How one implementation did one operation on one shape."""
DTYPES = ("float32", "bfloat16", "float16")


def bench_kernels(
    *,
    impls: Sequence[str] | None = None,
    shapes: Sequence[str] | None = None,
    dtype: str = "float32",
    device: str = "auto",
    threads: int = 1,
    rounds: int = 7,
    csv: Path | None = None,
    on_row: Callable[[Row], None] | None = None,
) -> list[Row]:
    """Time every implementation against PyTorch's attention on the self-attention calls of the published models.

    Parameters
    ----------
    impls
        Names of implementations, or None for all of this machine.
    shapes
        Parts of the names of shapes, or None for all: whole models on a GPU, on a CPU one head cut to
        what it does in seconds.
    dtype
        One of ``DTYPES``.
    device
        ``auto``, ``cpu`` or ``cuda``.
    threads
        Threads a CPU computes with. One is timed by the thread's own clock, more by the wall's.
    rounds
        Interleaved rounds a method.
    csv
        File the rows are appended to, shape by shape.
    on_row
        Called with each row as soon as it is there.

    Raises
    ------
    InputError
        For an unknown implementation, shape or dtype, or a file with other columns.
    EnvironmentLacksError
        When the device is not there, or the file cannot be written.
    """
    if dtype not in DTYPES:
        raise InputError(f"dtype {dtype!r} is unknown; choose one of {', '.join(DTYPES)}")
    device = _device(device)
    known = benchmark.CUT if device == "cpu" else benchmark.WHOLE
    chosen = [shape for shape in known if shapes is None or any(part in shape.name for part in shapes)]
    if not chosen:
        names = "; ".join(shape.name for shape in known)
        raise InputError(f"no shape has {' or '.join(map(repr, shapes or ()))} in its name; there are {names}")
    rows: list[Row] = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        methods = benchmark.methods_of(device, impls)
        if csv is not None:
            benchmark.append(csv, [])  # so that a wrong file is refused before anything is timed
        for shape in chosen:
            of_shape = []
            for row in benchmark.measure(
                shape, dtype=getattr(torch, dtype), device=device, rounds=rounds, impls=methods
            ):
                of_shape.append(row)
                if on_row is not None:
                    on_row(row)
            if csv is not None:
                benchmark.append(csv, of_shape)
            rows += of_shape
    except ValueError as error:
        raise InputError(str(error)) from error
    except OSError as error:
        raise EnvironmentLacksError(f"{csv} cannot be written: {error.strerror or error}; name another file") from error
    finally:
        torch.set_num_threads(before)
    return rows


def _device(device: str) -> str:
    there = torch.cuda.is_available()
    if device == "auto":
        return "cuda" if there else "cpu"
    if device not in ("cpu", "cuda"):
        raise InputError(f"device {device!r} is unknown; choose auto, cpu or cuda")
    if device == "cuda" and not there:
        raise EnvironmentLacksError(f"device 'cuda' is not there: torch {torch.__version__} sees no GPU")
    return device
