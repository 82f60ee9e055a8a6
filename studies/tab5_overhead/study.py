"""Table 5: what DyMoS, ALG and recording add to the time of a video."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import plotly.graph_objects as go

from dymos_probe import figures
from dymos_probe.bench.generate import bench_generate
from studies.reproduction.numbers import NONE, relative, table
from studies.reproduction.page import picture
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.study import Configuration, Found, Reproduction, Runs
from studies.reproduction.verdict import Verdict
from studies.tab5_overhead import paper

_KEPT = (
    "method",
    "did",
    "seconds",
    "seconds_lowest",
    "seconds_highest",
    "ratio",
    "ratio_lowest",
    "ratio_highest",
    "note",
)
_SETTINGS = (
    "device",
    "versions",
    "weights",
    "dtype",
    "layers",
    "steps",
    "height",
    "width",
    "num_frames",
    "repeats",
    "full_size",
)
_METHODS = ("dymos", "alg")


@dataclass(frozen=True, kw_only=True)
class Overhead(Configuration):
    """Table 5, of one pair."""

    repeats: int = 15
    """Rounds; each runs every method once, so that a slow moment of the machine is slow for all."""


def configuration(setting: Setting) -> Overhead:
    """Return what ``probe bench generate`` is called with; one prompt of its own is timed."""
    return Overhead(pair=setting.pair, prompts="one prompt", seeds=(0,))


def measure(runs: Runs, config: Overhead) -> dict[str, Any]:
    """Time every method on this machine."""
    rows = [asdict(row) for row in bench_generate(config.pair, repeats=config.repeats)]
    return {
        "settings": {name: rows[0][name] for name in _SETTINGS},
        "rows": [{name: row[name] for name in _KEPT} for row in rows],
    }


def draw(runs: Runs, config: Overhead, found: Found) -> dict[str, go.Figure]:
    """Return what each method adds, here and in the paper."""
    device = found["settings"]["device"]
    theirs = [
        {"pair": pair, "method": name, "device": paper.DEVICE, "ratio": 1.0 + column.percent[name] / 100.0}
        for pair, column in paper.TABLE_5.items()
        for name in _METHODS
    ]
    here = [row | {"pair": config.pair, "device": device} for row in found["rows"]]
    return {"overhead": figures.overhead_table(here, paper=theirs)}


def verdicts(results: Results) -> list[Verdict]:
    """Return what Appendix D.1 says and whether it is so here."""
    rows = {row["method"]: row for row in results.found["rows"]}
    said = []
    dymos = rows.get("dymos")
    if dymos and dymos["ratio"] is not None:
        low, high = (100 * (dymos[f"ratio_{end}"] - 1) for end in ("lowest", "highest"))
        middle = 100 * (dymos["ratio"] - 1)
        said.append(
            Verdict(
                claim=paper.LITTLE,
                found=f"{_percent(dymos['ratio'])} ({_percent(dymos['ratio_lowest'])} to "
                f"{_percent(dymos['ratio_highest'])} over {results.found['settings']['repeats']} rounds), "
                "on a model and a processor that are none of the paper's",
                # A spread over rounds that holds both answers decides nothing.
                holds=middle <= paper.RANGE[1] if high <= paper.RANGE[1] or low > paper.RANGE[1] else None,
            )
        )
    return said


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    found = results.found
    settings = found["settings"]
    here = [
        (
            row["method"],
            NONE
            if row["seconds"] is None
            else f"{row['seconds']:.3g} ({row['seconds_lowest']:.3g} to {row['seconds_highest']:.3g})",
            ""
            if row["method"] == "baseline" or row["ratio"] is None
            else f"{_percent(row['ratio'])} ({_percent(row['ratio_lowest'])} to {_percent(row['ratio_highest'])})",
            row["did"] or row["note"],
        )
        for row in found["rows"]
    ]
    theirs = [
        (
            pair,
            f"{column.baseline_seconds} s",
            *(f"{column.seconds[name]} s, {column.percent[name]:+g} %" for name in _METHODS),
        )
        for pair, column in paper.TABLE_5.items()
    ]
    return [
        "### Here",
        f"{settings['num_frames']} frames of {settings['width']}×{settings['height']}, {settings['steps']} steps, "
        f"{settings['layers']} layers, {settings['weights']} weights in {settings['dtype']}, on {settings['device']}. "
        f"Median seconds of {settings['repeats']} rounds, lowest and highest in brackets; percentages are formed "
        "within a round. `observe` and `fused` are this project's two ways of recording everything.",
        table(("method", "seconds", "over the baseline", "each run"), here),
        picture("overhead", "What each method adds to the time of a video, here and in the paper"),
        "A video this small is denoised in tenths of a second, most of it outside the attention's arithmetic, so these "
        "percentages say what the code costs, not what it costs at full size.",
        "### In the paper",
        f"Seconds a video on one {paper.DEVICE}; none of these was run here.",
        table(("", "baseline", "DyMoS", "ALG"), theirs),
    ]


def _percent(ratio: float) -> str:
    return relative(ratio - 1.0)


STUDY = Reproduction(
    name="tab5_overhead",
    title="What it costs",
    paper="Table 5 and Appendix D.1",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
    records=False,
)
