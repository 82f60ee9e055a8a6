"""Figure 5(a, b): motion and quality over λ and over the fraction of the steps modulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import xarray as xr

from dymos_probe import figures
from dymos_probe.analysis import metric_changes
from studies.fig5_ablations import paper
from studies.reproduction.estimates import change, measured
from studies.reproduction.numbers import cell, lam_name, percent, relative, signed_pm, table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import NOT_RECOVERED, operation
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_in_verdicts import motion_rises, motion_steadily, quality_keeps, quality_worsens
from studies.reproduction.stand_ins import StandIns, heading, stand_ins, units
from studies.reproduction.study import Configuration, Found, Reproduction, Runs
from studies.reproduction.sweep import I2V, T2V, Sweep
from studies.reproduction.verdict import Verdict, sign, told


@dataclass(frozen=True, kw_only=True)
class Ablations(Configuration):
    """Figure 5."""

    lams: tuple[float, ...]
    """(a): strengths, rising, 0 first."""
    step_ratio: float
    """Step ratio of (a)."""
    step_ratios: tuple[float, ...]
    """(b): fractions of the steps, rising, 0 first."""
    lam: float
    """λ of (b)."""

    @property
    def over_lam(self) -> Sweep:
        """The sweep of (a)."""
        return Sweep(lams=self.lams, step_ratio=self.step_ratio)

    @property
    def over_ratio(self) -> tuple[Sweep, ...]:
        """The sweeps of (b)."""
        return tuple(Sweep(lams=(self.lam,), step_ratio=ratio) for ratio in self.step_ratios)

    @property
    def needs(self) -> dict[str, tuple[Sweep, ...]]:
        """Both."""
        return {self.pair: (self.over_lam, *self.over_ratio)}


def configuration(setting: Setting) -> Ablations:
    """Return the ablations around the published operation of the pair of a setting."""
    at = operation(setting.pair)
    return Ablations(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        lams=tuple(sorted({*paper.LAMS, at.lam})),
        step_ratio=at.step_ratio,
        step_ratios=tuple(sorted({*paper.STEP_RATIOS, at.step_ratio})),
        lam=at.lam,
    )


def measure(runs: Runs, config: Ablations) -> dict[str, Any]:
    """Return metrics and paired changes over λ and over the step ratio."""
    ds, ins = runs[config.pair].ds, stand_ins(config.pair)
    ratios = tuple(sweep.ids(config.pair)[0] for sweep in config.over_ratio)
    lams = config.over_lam.ids(config.pair)
    return {
        "samples": ds.sizes["sample"],
        "t2v": measured(ds, ins.names, T2V),
        "lam": _curve(ds, ins, config.lams, lams),
        "step_ratio": _curve(ds, ins, config.step_ratios, ratios),
    }


def draw(runs: Runs, config: Ablations, found: Found) -> dict[str, go.Figure]:
    """Return the curve over λ and the changes over the step ratio."""
    ds, ins = runs[config.pair].ds, stand_ins(config.pair)
    which = {"step_ratio": config.step_ratio, "schedule": "uniform"}
    labels = {sweep.ids(config.pair)[0]: f"{_first(sweep.step_ratio)} steps" for sweep in config.over_ratio[1:]}
    changes = metric_changes(ds, ins.motion, list(labels), against=I2V)
    return {
        "lam": figures.metric_curve(ds.probe.metric_curve(ins.motion, **which)),
        "step_ratio": figures.change_plot(changes, labels, against="the untouched I2V model"),
    }


def verdicts(results: Results) -> list[Verdict]:
    """Return what §4.3 says and whether it is so here."""
    found, config = results.found, results.configuration
    ins = stand_ins(config["pair"])
    motion, per = heading(ins.motion), units(ins.motion)
    at_lam = next(row for row in found["lam"]["rows"] if row["at"] == config["lam"])
    at_ratio = next(row for row in found["step_ratio"]["rows"] if row["at"] == config["step_ratio"])
    last = found["step_ratio"]["rows"][-1]
    beyond = [step for step in found["step_ratio"]["steps"] if step["low"] >= config["step_ratio"]]
    fallen = [step for step in beyond if sign(step["motion"]) < 0]
    no_more = f"from no step to the first {percent(config['step_ratio'])}"
    return [
        motion_steadily(
            ins,
            [(step["low"], step["high"], step["motion"]) for step in found["lam"]["steps"]],
            claim=paper.LAM_RAISES,
        ),
        *quality_keeps(ins, at_lam["quality"], claim=paper.QUALITY, when=f"λ from 0 to {config['lam']:g}"),
        motion_rises(ins, at_ratio["motion"], claim=paper.RATIO_RAISES, when=no_more),
        Verdict(
            claim=paper.SATURATES,
            found=f"{motion}, "
            + "; ".join(
                f"from {percent(step['low'])} to {percent(step['high'])} of the steps: {told(step['motion'], per)}"
                for step in beyond
            ),
            holds=True if fallen else None,
        ),
        *quality_keeps(ins, at_ratio["quality"], claim=paper.RATIO_QUALITY, when=no_more),
        *quality_worsens(ins, last["quality"], claim=paper.SWITCH_BACK, when="from no step to all steps"),
    ]


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    found, config = results.found, results.configuration
    ins = stand_ins(config["pair"])
    gain = next(row for row in found["lam"]["rows"] if row["at"] == config["lam"])["motion"]
    gained = gain["mean"] / gain["from"] if gain["mean"] is not None and gain["from"] else None
    return [
        f"Of Figure 5(a, b), {NOT_RECOVERED}; nor are its λ and step ratios. 5(c) is a user study and is not rerun. "
        f"{in_place_of(config['pair'])} In brackets: samples that have a value.",
        f"### Over λ, in the first {percent(config['step_ratio'])} of the steps",
        _table(found["lam"]["rows"], ins, [lam_name(row["at"]) for row in found["lam"]["rows"]]),
        picture("lam", "Motion over λ"),
        *(
            [
                f"The paper names one gain, {100 * paper.RELATIVE_GAIN:.1f} % relative, between two λ that its text "
                f"lost. Here from λ = 0 to {config['lam']:g} the relative gain of the mean is {relative(gained)}."
            ]
            if gained is not None
            else []
        ),
        f"### Over the step ratio, at {lam_name(config['lam'])}",
        _table(
            found["step_ratio"]["rows"],
            ins,
            [f"{_first(row['at'])} steps" if row["at"] else "untouched" for row in found["step_ratio"]["rows"]],
        ),
        picture("step_ratio", "Change of motion over the fraction of steps modulated"),
    ]


def _first(step_ratio: float) -> str:
    return "all" if step_ratio >= 1.0 else f"first {percent(step_ratio)} of the"


def _curve(ds: xr.Dataset, ins: StandIns, places: Sequence[float], ids: Sequence[str]) -> dict[str, Any]:
    def both(at: str, against: str) -> dict[str, Any]:
        return {
            "motion": change(ds, ins.motion, at=at, against=against),
            "quality": change(ds, ins.quality, at=at, against=against) if ins.quality else None,
        }

    return {
        "rows": [
            {"at": place, "metrics": measured(ds, ins.names, label)} | both(label, I2V)
            for place, label in zip(places, ids, strict=True)
        ],
        "steps": [
            {"low": low, "high": high} | both(after, before)
            for (low, before), (high, after) in pairwise(zip(places, ids, strict=True))
        ],
    }


def _table(rows: Sequence[dict[str, Any]], ins: StandIns, names: Sequence[str]) -> str:
    return table(
        ("", *map(heading, ins.names), f"change of {heading(ins.motion)}"),
        [
            (
                name,
                *(cell(row["metrics"][metric]) for metric in ins.names),
                signed_pm(row["motion"]["mean"], row["motion"]["standard_error"]) if row["at"] else "",
            )
            for name, row in zip(names, rows, strict=True)
        ],
    )


STUDY = Reproduction(
    name="fig5_ablations",
    title="How strongly, and in how many steps",
    paper="Figure 5(a, b) and §4.3",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
