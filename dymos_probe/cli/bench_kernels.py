"""``probe bench kernels``: what biased attention and frame mass cost beside plain attention."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import counted, print_json, say

if TYPE_CHECKING:
    from dymos_probe.bench.kernels import Row

NAME = "kernels"

_LINE = "  {:<20} {:<9} {:>6}  {:<13} {:>8}  {:>9}  {:>9}"


def run(
    impl: Annotated[
        str | None, typer.Option(help="Implementations, comma-separated. Default: all of this machine.")
    ] = None,
    shape: Annotated[
        str | None, typer.Option(help="Parts of names of shapes, comma-separated, such as cogvideox,P=195.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of a CPU; one is timed by its own clock.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds a method, each beside plain attention.")] = 7,
    csv: Annotated[Path | None, typer.Option(help="File the rows are appended to.")] = None,
    json: options.Json = False,
) -> None:
    """Time the attention kernels against PyTorch's own attention, and against the whole N×N matrix.

    A ratio of 1.05 is 5 % over the fastest plain attention on the same tensors, the median over rounds.
    """
    from dymos_probe.bench.kernels import bench_kernels

    last = ""

    def show(row: Row) -> None:
        nonlocal last
        if row.shape != last:
            last = row.shape
            say()
            plain = f"plain attention {row.baseline_seconds * 1e3:.1f} ms ({row.baseline})"
            say(f"{row.shape}: N={row.length} D={row.dim} {row.dtype}, {plain}")
            say(_LINE.format("", "", "ratio", "lowest-highest", "memory", "output", "mass").rstrip())
        say(
            _LINE.format(
                row.operation,
                row.impl,
                f"{row.ratio:.2f}",
                f"{row.lowest:.2f}-{row.highest:.2f}",
                f"{row.extra_tensors:.1f}",
                *("" if error is None else f"{error:.1e}" for error in (row.output_error, row.mass_error)),
            ).rstrip()
        )

    rows = bench_kernels(
        impls=_listed(impl),
        shapes=_listed(shape),
        dtype=dtype,
        device=device,
        threads=threads,
        rounds=rounds,
        csv=csv,
        on_row=None if json else show,
    )
    if json:
        print_json([asdict(row) for row in rows])
        return
    say()
    first = rows[0]
    say(f"{first.device}, {counted(first.threads, 'thread')}, torch {first.torch}, {first.date}")
    say("memory: peak beyond the inputs, in tensors of (B, H, N, D); output, mass: largest error against float64")


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]
