"""``probe metrics``: what a study's videos measure, here and by other programs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import counted, print_json, print_table, say
from dymos_probe.cli.default_command import DefaultGroup
from dymos_probe.cli.progress import run_bars

NAME = "metrics"

metrics = typer.Typer(
    cls=DefaultGroup,
    help="Measure the videos of a study: `probe metrics STUDY …` is `probe metrics measure STUDY …`, whose options "
    "`probe metrics measure --help` shows. `list` names every metric. What needs an environment of its own goes out "
    "with `export` and comes back with `import`.",
    short_help="Measure the videos of a study; hand them out to other programs and take in their scores.",
)

Weights = Annotated[
    Path | None,
    typer.Option(help="Folder of learned weights. Default: $DYMOS_PROBE_WEIGHTS, else that of `probe metrics list`."),
]


@metrics.callback(invoke_without_command=True)
def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@metrics.command("measure")
def measure(
    study: Annotated[Path, typer.Argument(help="Folder of a study.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Metric, or several: --metric optical_flow,frame_difference. Default: what suits the pair."),
    ] = None,
    weights: Weights = None,
    device: Annotated[str, typer.Option(help="What networks run on: cpu, cuda, cuda:N or mps.")] = "cpu",
    batch: Annotated[int, typer.Option(min=1, help="Frames that go through a network at once.")] = 16,
    json: options.Json = False,
) -> None:
    """Measure the videos of a study and show the mean of each condition; without --metric, no weights are needed.

    The same command again measures only what is missing.
    """
    names = None if metric is None else [name.strip() for given in metric for name in given.split(",")]

    from dymos_probe.runs.measure import measure_study

    started = time.monotonic()
    with run_bars(quiet=json) as bars:
        measures = measure_study(
            study, names, weights=weights, device=device, batch=batch, on_run=bars.run_of_many if bars else None
        )
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


@metrics.command("list")
def list_metrics(weights: Weights = None, json: options.Json = False) -> None:
    """Name every metric: what it is, its unit, the weights it takes, and what it misses on this machine."""
    from dymos_probe.metrics.metric import Metric, resources
    from dymos_probe.metrics.registry import METRICS

    given = resources(weights)
    missing = {name: one.missing(given) if isinstance(one, Metric) else () for name, one in METRICS.items()}
    if json:
        described = {
            name: {**one.attrs, "misses": [need.what for need in missing[name]]} for name, one in METRICS.items()
        }
        print_json({"weights": str(given.folder), "metrics": described})
        return
    rows = [
        (
            name,
            one.long_name,
            "" if one.units == "1" else one.units,
            "" if one.weights == "none" else one.weights,
            "yes" if one.calibrated else "no",
            "" if isinstance(one, Metric) and not missing[name] else "misses" if missing[name] else "from others",
        )
        for name, one in METRICS.items()
    ]
    print_table(("metric", "what it is", "unit", "weights", "calibrated", ""), rows)
    say()
    say("calibrated: whether values are what the name says; otherwise they only order videos")
    say(f"weights belong in {given.folder}")
    users: dict[tuple[str, str], list[str]] = {}
    for name, needs in missing.items():
        for need in needs:
            users.setdefault((need.what, need.source), []).append(name)
    if users:
        say()
        print_table(
            ("missing", "for", "from (commands run in that folder)"),
            [(what, ", ".join(names), source) for (what, source), names in users.items()],
        )


@metrics.command("export")
def export(
    study: Annotated[Path, typer.Argument(help="Folder of a study.")],
    out: Annotated[Path, typer.Option(help="New folder for the videos and their lists.")],
    for_: Annotated[str, typer.Option("--for", help="Whose lists: vbench, videoscore, visionreward or all.")] = "all",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the files; otherwise they are symbolic links.")] = False,
    json: options.Json = False,
) -> None:
    """Lay out a study's videos for VBench, VideoScore or VisionReward, which need environments of their own."""
    from dymos_probe.runs.export_videos import export_videos

    exported = export_videos(study, out, tool=for_, copy=copy)
    if json:
        print_json(asdict(exported) | {"out": str(exported.out)})
        return
    kind = "copies" if copy else "links to the study's files (--copy to take them elsewhere)"
    say(f"{counted(exported.videos, 'video')} of {counted(exported.conditions, 'condition')} in {exported.out}: {kind}")
    if exported.left_out:
        say(f"{counted(exported.left_out, 'run')} not complete, left out")
    for line in exported.next_steps:
        say(line)


@metrics.command("import")
def import_(
    study: Annotated[Path, typer.Argument(help="Folder of a study.")],
    scores: Annotated[Path, typer.Argument(help="CSV of scores, or VBench's …_eval_results.json.")],
    prefix: Annotated[str, typer.Option(help="Put before the names of the metrics, such as vbench_.")] = "",
    units: Annotated[str, typer.Option(help="Unit of the values of a CSV; 1 is a plain number.")] = "1",
    calibrated: Annotated[
        bool, typer.Option("--calibrated", help="Values of a CSV are what their metric's name says.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Take in scores that another program gave the videos of a study: all of the file, or nothing."""
    from dymos_probe.runs.import_scores import import_scores

    imported = import_scores(study, scores, prefix=prefix, units=units, calibrated=calibrated)
    if json:
        print_json(asdict(imported))
        return
    say(f"took in {counted(imported.made, 'value')} from {scores}, {imported.there} there already")
    for name, count in imported.metrics.items():
        say(f"  {name}: {counted(count, 'value')}")


def _reasons(without: Mapping[str, int]) -> str:
    return "; ".join(f"{count}: {why}" for why, count in without.items()) or "0"
