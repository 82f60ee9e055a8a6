"""``probe bench``: what recording, modulating and analysing cost on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dymos_probe.cli import bench_analysis, bench_kernels, options
from dymos_probe.cli.console import print_json, print_table, say
from dymos_probe.cli.progress import run_bars
from dymos_probe.errors import InputError

NAME = "bench"

bench = typer.Typer(help="Time what recording, modulating and analysing cost on this machine.")
bench.command(name=bench_kernels.NAME)(bench_kernels.run)
bench.command(name=bench_analysis.NAME)(bench_analysis.run)


@bench.callback(invoke_without_command=True)
def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@bench.command("generate")
def generate(
    pair: Annotated[
        str, typer.Option(help="A preset (see `probe pairs`), or a folder with t2v/ and i2v/ in it.")
    ] = options.DEFAULT_PAIR,
    weights: Annotated[
        str | None,
        typer.Option(
            help="published, or random: the same architecture, nothing to download. Default: the paper's four random."
        ),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Methods, comma-separated. Default: all; the baseline always runs.")
    ] = None,
    branches: Annotated[str, typer.Option(help="Guidance branches recorded: cond or both.")] = "cond",
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; each runs every method once.")] = 3,
    layers: Annotated[
        int | None, typer.Option(help="Of random weights: this many transformer layers. Default: all.")
    ] = None,
    steps: options.Steps = None,
    height: options.Height = None,
    width: options.Width = None,
    num_frames: options.NumFrames = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    csv: Annotated[Path | None, typer.Option(help="File the rows are appended to.")] = None,
    json: options.Json = False,
) -> None:
    """Time whole generations: untouched, modulated, by ALG, recorded in both modes; beside the paper's Table 5.

    Everything from the prompt to the last latents is timed, decoding is not. What was not run is said to be not
    measured.
    """
    if weights not in (None, "random", "published"):
        raise InputError(f"weights {weights!r} is unknown; choose random or published")

    from dymos_probe.bench.generate import bench_generate
    from dymos_probe.bench.methods import METHODS
    from dymos_probe.bench.rows import as_text, read_rows
    from dymos_probe.bench.table5 import DEVICE
    from dymos_probe.bench.tables import heading, pair_table, paper_table

    with run_bars(quiet=json) as bars:
        rows = bench_generate(
            pair,
            weights=weights,  # type: ignore[arg-type]
            method=None if method is None else [name.strip() for name in method.split(",")],
            branches=branches,  # type: ignore[arg-type]
            repeats=repeats,
            layers=layers,
            dtype=dtype,
            device=device,
            csv=csv,
            progress=bars.run_of_many if bars else None,
            num_inference_steps=steps,
            height=height,
            width=width,
            num_frames=num_frames,
        )
    if json:
        print_json([asdict(row) for row in rows])
        return
    for line in heading(rows):
        say(line)
    say()
    print_table(*pair_table(rows, METHODS))
    say()
    say(f"Over the baseline at the published size: the paper's Table 5 ({DEVICE}), and {rows[0].device}")
    print_table(*paper_table([*(read_rows(csv) if csv else ()), *map(as_text, rows)], rows[0].device))
