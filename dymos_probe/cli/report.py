"""``probe report``: a study's figures and tables as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import print_json, say

NAME = "report"


def run(
    study: Annotated[Path, typer.Argument(help="Folder of a study.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write to. Default: STUDY/report.")] = None,
    json: options.Json = False,
) -> None:
    """Say what a study found, and write its figures and tables: one HTML page, PNG and CSV."""
    from dymos_probe.figures.report import write_report

    report = write_report(study, out or study / "report")
    if json:
        written = [str(path) for path in report.written]
        print_json({"summary": report.summary, "written": written, "left_out": report.left_out})
        return
    for sentence in report.summary:
        say(sentence)
    say()
    for path in report.written:
        say(f"wrote {path}")
    for reason in report.left_out:
        say(f"not written: {reason}")
    say(f"open {report.written[0]} in a browser")
