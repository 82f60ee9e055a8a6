"""``probe tune``: which λ brings a pair, and each prompt, nearest to T2V."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import print_json, print_table, say
from dymos_probe.cli.progress import run_bars
from dymos_probe.errors import InputError

NAME = "tune"


def run(
    study: Annotated[Path, typer.Argument(help="Folder that `probe record` made.")],
    metric: Annotated[
        str | None,
        typer.Option(help="Metric of motion. Default: displacement along the caption for sprites, else optical flow."),
    ] = None,
    runs: Annotated[int, typer.Option(min=0, help="How many λ may be added, each a run of every sample.")] = 3,
    tolerance: Annotated[float, typer.Option(help="In λ: nearer to the answer than this, no other λ is run.")] = 0.1,
    range_: Annotated[str, typer.Option("--range", help="Smallest and largest λ looked at: --range=-1,4.")] = "-1,4",
    step: Annotated[float, typer.Option(help="Step in λ of the full sweep that the runs are compared with.")] = 0.25,
    step_ratio: options.StepRatio = None,
    schedule: Annotated[str, typer.Option(help="φ over query frames: uniform, linear or log.")] = "uniform",
    matched: Annotated[
        bool,
        typer.Option("--matched", help="Also run a λ of its own for each layer and query frame, and compare."),
    ] = False,
    device: options.Device = None,
    offload: options.Offload = None,
    vae_tiling: options.VaeTiling = None,
    workers: options.Workers = 0,
    scheduler: options.Scheduler = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only predict from the runs there are, make nothing.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Find the λ of least distance to T2V attention, and the λ at which the videos move as T2V's do.

    The first is predicted from the untouched runs and confirmed by one run; for the second a curve
    through the runs there are chooses the next. The same command again makes only what is missing.
    """
    ends = options.numbers(range_, "range")
    if len(ends) != 2:
        raise InputError(f"range {range_!r} must be two λ, the smallest and the largest, such as --range=-1,4")

    from dymos_probe.runs.tune import tune
    from dymos_probe.runs.tune_file import TUNE_FILE, tuning_document

    started = time.monotonic()
    with run_bars(quiet=json) as bars:
        tuning = tune(
            study,
            metric=metric,
            runs=runs,
            tolerance=tolerance,
            low=ends[0],
            high=ends[1],
            step=step,
            step_ratio=step_ratio,
            schedule=schedule,  # type: ignore[arg-type]
            matched=matched,
            dry_run=dry_run,
            workers=workers,
            scheduler=scheduler,
            progress=bars,
            on_measure=bars.run_of_many if bars else None,
            device=device,
            offload=offload,
            vae_tiling=vae_tiling,
        )
    seconds = round(time.monotonic() - started, 1)
    if json:
        print_json({"study": str(study), **tuning_document(tuning), "dry_run": dry_run, "seconds": seconds})
        return

    from dymos_probe.cli import tune_text

    for sentence in tune_text.answers(tuning, dry_run=dry_run):
        say(sentence)
    for title, columns, rows in tune_text.tables(tuning):
        say()
        say(title)
        print_table(columns, rows)
    say()
    for note in tune_text.notes(tuning, dry_run=dry_run):
        say(note)
    if not dry_run:
        say(f"kept in {study / TUNE_FILE}, after {seconds} s")
