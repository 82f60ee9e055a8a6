"""``probe bench analysis``: how fast and in how much memory a study of full size is analysed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import counted, print_json, print_table, say
from dymos_probe.cli.progress import run_bars

if TYPE_CHECKING:
    from dymos_probe.bench.analysis import Row

NAME = "analysis"


def run(
    samples: Annotated[int, typer.Option(min=1, help="Samples whose runs are written, of 50.")] = 3,
    conditions: Annotated[int, typer.Option(min=2, help="Conditions whose runs are written, of 10.")] = 4,
    linked: Annotated[
        int, typer.Option(min=0, help="Further samples whose runs are hard links to these: 47 make it 50.")
    ] = 0,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of reading plainly and analysing, in turn.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Folder the study stays in. Default: a temporary one, 80 MB a run written.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Time ΔA and d(λ) on runs of full size, 50 steps × 42 layers × 48 heads, beside plain reading with zarr.

    Labels are those of 50 samples under 10 conditions, 34 GB of attention; the last column is what all of it
    would take at this speed. Files come from the page cache where they fit.
    """
    from dymos_probe.bench.analysis import bench_analysis
    from dymos_probe.testing.large import CONDITIONS, SAMPLES, run_bytes

    with run_bars(quiet=json) as bars:
        show = bars.run_of_many if bars else None
        rows = bench_analysis(
            samples=samples, conditions=conditions, linked=linked, rounds=rounds, out=out, progress=show
        )
    if json:
        print_json([asdict(row) for row in rows])
        return
    first = rows[0]
    there = first.samples * first.conditions
    whole = SAMPLES * CONDITIONS * run_bytes() / 1e9
    say(f"{SAMPLES} samples × {CONDITIONS} conditions, {whole:.0f} GB of attention: opened in {_slowest(rows):.2f} s")
    said = f"{first.samples} × {first.conditions}, {there * run_bytes() / 1e9:.1f} GB"
    say(f"Runs there: {said}. {counted(first.threads, 'thread')}, {counted(rounds, 'round')}.")
    say()
    columns = ("analysis", "read", "seconds", "MB/s", "plain MB/s", "of plain", "peak memory", "whole study")
    print_table(
        columns,
        [
            (
                row.analysis,
                f"{row.read_mb:.1f} MB",
                f"{row.seconds:.2f}",
                f"{row.mb_per_second:.0f}",
                f"{row.plain_mb_per_second:.0f}",
                f"{100.0 * row.ratio:.0f} %",
                f"{row.peak_mb:.0f} MB",
                f"{row.full_seconds:.1f} s",
            )
            for row in rows
        ],
    )


def _slowest(rows: Sequence[Row]) -> float:
    return max(row.open_seconds for row in rows)
