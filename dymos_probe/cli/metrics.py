"""``probe metrics``: what a study's videos measure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import counted, print_json, print_table, say
from dymos_probe.cli.progress import run_bars

NAME = "metrics"


def run(
    study: Annotated[Path, typer.Argument(help="Folder of a study.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Metric, or several: --metric optical_flow,frame_difference. Default: what suits the pair."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Measure the videos of a study, without learned weights, and show the mean of each condition.

    The same command again measures only what is missing.
    """
    names = None if metric is None else [name.strip() for given in metric for name in given.split(",")]

    from dymos_probe.runs.measure import measure_study

    started = time.monotonic()
    with run_bars(quiet=json) as bars:
        measures = measure_study(study, names, on_run=bars.run_of_many if bars else None)
    seconds = round(time.monotonic() - started, 1)
    if json:
        print_json(
            {
                "study": str(study),
                "metrics": {one.name: one.attrs for one in measures.metrics},
                "made": measures.made,
                "there": measures.there,
                "rows": [asdict(row) for row in measures.rows],
                "seconds": seconds,
            }
        )
        return
    say(f"measured {counted(measures.made, 'value')} in {seconds} s, {measures.there} there already")
    say()
    rows = [
        (
            row.metric,
            row.condition,
            "—" if row.mean is None else f"{row.mean:.4g}",
            str(row.count),
            _reasons(row.without),
        )
        for row in measures.rows
    ]
    print_table(("metric", "condition", "mean", "n", "without a value"), rows)
    say()
    for one in measures.metrics:
        say(f"{one.name}: {one.long_name}{'' if one.units == '1' else f', {one.units}'} ({one.settings})")


def _reasons(without: Mapping[str, int]) -> str:
    return "; ".join(f"{count}: {why}" for why, count in without.items()) or "0"
