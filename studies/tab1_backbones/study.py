"""Table 1: untouched, ALG and DyMoS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dymos_probe import figures
from dymos_probe.analysis import metric_changes
from studies.reproduction.configurations import Methods
from studies.reproduction.methods import compared, compared_rows, gains, ids, side_by_side
from studies.reproduction.numbers import table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import operation, printed
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_ins import heading, stand_ins
from studies.reproduction.study import Found, Reproduction, Runs
from studies.reproduction.sweep import I2V
from studies.reproduction.verdict import Verdict
from studies.tab1_backbones import paper


@dataclass(frozen=True, kw_only=True)
class Backbones(Methods):
    """Table 1, of one backbone."""


def configuration(setting: Setting) -> Backbones:
    """Return the published operation of the pair of a setting."""
    at = operation(setting.pair)
    return Backbones(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        lam=at.lam,
        step_ratio=at.step_ratio,
    )


def measure(runs: Runs, config: Backbones) -> dict[str, Any]:
    """Return metrics of each method and their paired changes."""
    return compared(runs[config.pair].ds, config.pair, config.ours)


def draw(runs: Runs, config: Backbones, found: Found) -> dict[str, go.Figure]:
    """Return the change of motion under each method."""
    rows = ids(config.pair, config.ours)
    labels = {rows[name]: name for name in ("T2V", "ALG", "DyMoS")}
    changes = metric_changes(runs[config.pair].ds, stand_ins(config.pair).motion, list(labels), against=I2V)
    return {"motion": figures.change_plot(changes, labels, against="the untouched I2V model")}


def verdicts(results: Results) -> list[Verdict]:
    """Return what §4.2 says of Table 1 and whether it is so here."""
    return gains(results.found, results.configuration["pair"], place=paper.PLACE)


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    pair = results.configuration["pair"]
    return [
        "### Here",
        f"{in_place_of(pair)} In brackets: samples that have a value.",
        table((pair, *map(heading, stand_ins(pair).names)), compared_rows(results.found, pair)),
        picture("motion", "Change of motion under each method"),
        "### Side by side",
        "Relative changes, the paper's of Dynamic Degree, ours of its stand-in over the pairs in brackets.",
        side_by_side(paper.TABLE_1, {pair: results.found}, pair),
        "### In the paper",
        f"VBench-I2V, {paper.PAIRS} pairs. None of its backbones was run here: they need a GPU.",
        printed(paper.TABLE_1, "Table 1"),
    ]


STUDY = Reproduction(
    name="tab1_backbones",
    title="Untouched, ALG and DyMoS",
    paper="Table 1 and §4.2",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
