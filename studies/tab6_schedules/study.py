"""Table 6: uniform, linear and log schedules over the query frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dymos_probe import figures
from dymos_probe.analysis import metric_changes
from dymos_probe.bias import Schedule
from studies.reproduction.estimates import change, measured
from studies.reproduction.numbers import NONE, cell, relative, signed_pm, table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import operation, printed
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_in_verdicts import motion_rises, quality_keeps
from studies.reproduction.stand_ins import heading, stand_ins
from studies.reproduction.study import Configuration, Found, Reproduction, Runs
from studies.reproduction.sweep import I2V, Sweep
from studies.reproduction.verdict import Verdict
from studies.tab6_schedules import paper


@dataclass(frozen=True, kw_only=True)
class Schedules(Configuration):
    """Table 6."""

    lam: float
    """λ of every schedule."""
    step_ratio: float
    """Fraction of the steps modulated."""
    schedules: tuple[Schedule, ...] = ("uniform", "linear", "log")
    """φ, uniform first."""

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """One for each schedule."""
        return tuple(Sweep(lams=(self.lam,), step_ratio=self.step_ratio, schedule=each) for each in self.schedules)

    @property
    def needs(self) -> dict[str, tuple[Sweep, ...]]:
        """Every schedule."""
        return {self.pair: self.sweeps}


def configuration(setting: Setting) -> Schedules:
    """Return the published operation of the pair of a setting, under each schedule."""
    at = operation(setting.pair)
    return Schedules(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        lam=at.lam,
        step_ratio=at.step_ratio,
    )


def measure(runs: Runs, config: Schedules) -> dict[str, Any]:
    """Return metrics under each schedule, changes against the untouched model, and uniform against the others."""
    ds, ins = runs[config.pair].ds, stand_ins(config.pair)
    ids = {schedule: sweep.ids(config.pair)[0] for schedule, sweep in zip(config.schedules, config.sweeps, strict=True)}
    uniform, *others = config.schedules
    return {
        "samples": ds.sizes["sample"],
        "untouched": measured(ds, ins.names, I2V),
        "rows": {
            name: {
                "metrics": measured(ds, ins.names, label),
                "motion": change(ds, ins.motion, at=label, against=I2V),
                "quality": change(ds, ins.quality, at=label, against=I2V) if ins.quality else None,
            }
            for name, label in ids.items()
        },
        "uniform_minus": {
            other: {
                "motion": change(ds, ins.motion, at=ids[uniform], against=ids[other]),
                "quality": change(ds, ins.quality, at=ids[uniform], against=ids[other]) if ins.quality else None,
            }
            for other in others
        },
    }


def draw(runs: Runs, config: Schedules, found: Found) -> dict[str, go.Figure]:
    """Return the change of motion under each schedule."""
    labels = {sweep.ids(config.pair)[0]: str(sweep.schedule) for sweep in config.sweeps}
    changes = metric_changes(runs[config.pair].ds, stand_ins(config.pair).motion, list(labels), against=I2V)
    return {"motion": figures.change_plot(changes, labels, against="the untouched I2V model")}


def verdicts(results: Results) -> list[Verdict]:
    """Return what Appendix D.2 says and whether it is so here."""
    ins = stand_ins(results.configuration["pair"])
    said = []
    for other, minus in results.found["uniform_minus"].items():
        when = f"from {other} to uniform"
        said.append(motion_rises(ins, minus["motion"], claim=paper.UNIFORM_MOST, when=when))
        said += quality_keeps(ins, minus["quality"], claim=paper.QUALITY, when=when)
    return said


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    pair, found = results.configuration["pair"], results.found
    ins = stand_ins(pair)
    rows = [("untouched", *(cell(found["untouched"][name]) for name in ins.names), "")]
    rows += [
        (
            name,
            *(cell(row["metrics"][metric]) for metric in ins.names),
            signed_pm(row["motion"]["mean"], row["motion"]["standard_error"]),
        )
        for name, row in found["rows"].items()
    ]
    return [
        "### Here",
        f"{in_place_of(pair)} In brackets: samples that have a value. Linear and log modulate frames near the "
        "reference frame less, so that at equal λ they do less in all: what a schedule is worth at equal effect this "
        "does not say.",
        table((pair, *map(heading, ins.names), f"change of {heading(ins.motion)}"), rows),
        picture("motion", "Change of motion under each schedule"),
        "### Side by side",
        "Dynamic Degree of uniform over the other schedules in the paper, and its stand-in here, relative, over the "
        "pairs in brackets.",
        table(
            ("", "paper", "here"),
            [
                (
                    f"uniform over {other}",
                    relative(paper.TABLE_6["Uniform"].values[0] / paper.TABLE_6[other.capitalize()].values[0] - 1.0),
                    f"{relative(minus['motion']['mean'] / minus['motion']['from'])} ({minus['motion']['pairs']})"
                    if minus["motion"]["from"]
                    else NONE,
                )
                for other, minus in found["uniform_minus"].items()
            ],
        ),
        "### In the paper",
        "Wan 2.2-14B; it was not run here.",
        printed(paper.TABLE_6, "Table 6"),
    ]


STUDY = Reproduction(
    name="tab6_schedules",
    title="Schedules over the query frames",
    paper="Table 6 and Appendix D.2",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
