"""The page of a study: written from its results alone, so that it cannot say anything else."""

from __future__ import annotations

from dymos_probe.figures.labels import strength
from studies.reproduction.results import Results
from studies.reproduction.stand_ins import NOTE, heading, stand_ins
from studies.reproduction.study import Reproduction

FILE = "README.md"


def page(study: Reproduction, results: Results) -> str:
    """Return the page as Markdown: what was run, what the paper says and whether it is so here, tables, pictures."""
    parts = [
        f"# {study.title}",
        f"{study.paper}. {_about(study, results)}",
        "## What it shows",
        "\n".join(verdict.line for verdict in study.verdicts(results)),
        *study.body(results),
        "## How it was made",
        _made(study, results),
    ]
    return "\n\n".join(parts) + "\n"


def picture(name: str, text: str) -> str:
    """Return a picture of the page."""
    return f"![{text}]({name}.png)"


def in_place_of(pair: str, *, motion_only: bool = False) -> str:
    """Return which measures stand in for which of the paper's."""
    roles = stand_ins(pair).roles[: 1 if motion_only else None]
    listed = "; ".join(f"{heading(ours)} for {theirs}" for theirs, ours in roles)
    return f"Stand-ins, whose values are none of the paper's metrics': {listed}.{'' if motion_only else f' {NOTE}'}"


def _about(study: Reproduction, results: Results) -> str:
    configuration = results.configuration
    if not study.records:
        return f"Run on `{configuration['pair']}`."
    seeds = ", ".join(map(str, configuration["seeds"]))
    many = "seeds" if len(configuration["seeds"]) > 1 else "seed"
    return (
        f"Run on `{configuration['pair']}`, {configuration['prompts']}, {many} {seeds}. "
        "“±” is one standard error; a change is that of each sample against itself, and counts as one beyond two of "
        "its standard errors."
    )


def _made(study: Reproduction, results: Results) -> str:
    made = results.made
    settings = "; ".join(f"{key} {_value(value)}" for key, value in results.configuration.items())
    return (
        f"`python -m studies {study.name}`, {made['date']}, {made['device']}; {made['versions']}. "
        f"Configuration: {settings}. This page is written from [results.json](results.json)."
    )


def _value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return strength(float(value))
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(item)}" for key, item in value.items())
    return str(value)
