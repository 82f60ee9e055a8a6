"""Figure 3: reference attention, motion and quality, and the distance to T2V attention, over λ."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from dymos_probe import figures
from dymos_probe.analysis.least import least
from dymos_probe.figures.labels import number, strength
from dymos_probe.store.schema import CONDITION, SAMPLE
from studies.fig3_intervention import paper
from studies.reproduction.configurations import OverLam
from studies.reproduction.estimates import change, measured, number_or_none, of_samples
from studies.reproduction.numbers import cell, lam_name, percent, pm, table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import NOT_RECOVERED
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_in_verdicts import motion_falls, motion_rises, motion_steadily, quality_keeps
from studies.reproduction.stand_ins import heading, stand_ins, units
from studies.reproduction.study import Found, Reproduction, Runs
from studies.reproduction.sweep import I2V, T2V
from studies.reproduction.verdict import Verdict, sign, steadily, told


@dataclass(frozen=True, kw_only=True)
class Intervention(OverLam):
    """Figure 3."""


def configuration(setting: Setting) -> Intervention:
    """Return the paper's configuration on the pair and prompts of a setting."""
    return Intervention(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        lams=paper.LAMS,
        step_ratio=paper.STEP_RATIO,
    )


def measure(runs: Runs, config: Intervention) -> dict[str, Any]:
    """Return reference attention, metrics and distance of every λ, the least distance, and the nearest motion."""
    ds, ins = runs[config.pair].ds, stand_ins(config.pair)
    ids = config.sweep.ids(config.pair)
    distance = ds.probe.distance(step_ratio=config.step_ratio, schedule="uniform", early=config.early).compute()
    attention = ds.probe.dominance(conditions=[T2V, *ids], early=config.early, keep=(SAMPLE,)).compute()
    lowest = least(distance)
    fitted = ds.probe.distance_minimum(step_ratio=config.step_ratio, schedule="uniform", early=config.early)
    rows: list[dict[str, Any]] = [
        {
            "lam": lam,
            "dominance": of_samples(attention.sel({CONDITION: label}).values),
            "distance": float(distance.sel(lam=lam)),
            "metrics": measured(ds, ins.names, label),
            "motion_to_t2v": change(ds, ins.motion, at=label, against=T2V),
        }
        for lam, label in zip(config.lams, ids, strict=True)
    ]
    near = min(
        (row for row in rows if row["motion_to_t2v"]["mean"] is not None),
        key=lambda row: abs(row["motion_to_t2v"]["mean"]),
    )
    zero, one = (ids[config.lams.index(lam)] for lam in (0.0, 1.0))
    return {
        "samples": int(distance.attrs["samples_used"]),
        "rows": rows,
        "t2v": {
            "dominance": of_samples(attention.sel({CONDITION: T2V}).values),
            "metrics": measured(ds, ins.names, T2V),
        },
        "dominance_steps": [
            _named(low, high, of_samples((attention.sel({CONDITION: b}) - attention.sel({CONDITION: a})).values))
            for (low, a), (high, b) in pairwise(zip(config.lams, ids, strict=True))
        ],
        "motion_steps": [
            _named(low, high, change(ds, ins.motion, at=b, against=a))
            for (low, a), (high, b) in pairwise(zip(config.lams, ids, strict=True))
        ],
        "freezes": change(ds, ins.motion, at=ids[0], against=I2V),
        "frees": change(ds, ins.motion, at=one, against=zero),
        "quality": change(ds, ins.quality, at=one, against=zero) if ins.quality else None,
        "least": {"lam": lowest.lam, "distance": lowest.value, "place": lowest.place},
        "fitted": {name: number_or_none(fitted[name].item()) for name in _FITTED}
        | {"place": str(fitted["place"].item())},
        "nearest_motion": {
            "lam": near["lam"],
            "to_t2v": near["motion_to_t2v"],
            "from_least": change(
                ds, ins.motion, at=ids[config.lams.index(near["lam"])], against=ids[config.lams.index(lowest.lam)]
            ),
        },
    }


def draw(runs: Runs, config: Intervention, found: Found) -> dict[str, go.Figure]:
    """Return reference attention, motion with quality where it is measured, and d(λ), over λ."""
    ds, ins = runs[config.pair].ds, stand_ins(config.pair)
    which = {"step_ratio": config.step_ratio, "schedule": "uniform"}
    motion = ds.probe.metric_curve(ins.motion, **which)
    return {
        "reference_attention": figures.reference_attention(
            ds.probe.interval("dominance", conditions=[T2V, *config.sweep.ids(config.pair)], early=config.early)
        ),
        "motion": figures.motion_and_quality(motion, ds.probe.metric_curve(ins.quality, **which))
        if ins.quality
        else figures.metric_curve(motion),
        "distance": figures.distance_curve(
            ds.probe.distance(early=config.early, **which).compute(),
            minimum=ds.probe.distance_minimum(early=config.early, **which),
        ),
    }


def verdicts(results: Results) -> list[Verdict]:
    """Return what §3.2 says and whether it is so here."""
    found, ins = results.found, stand_ins(results.configuration["pair"])
    per, fitted = units(ins.motion), found["fitted"]
    lowest, near, first = found["least"], found["nearest_motion"], found["rows"][0]["lam"]
    said = [
        steadily(
            [(row["low"], row["high"], row) for row in found["dominance_steps"]],
            up=False,
            claim=paper.ATTENUATES,
            what="attention on the reference frame",
        ),
        motion_rises(ins, found["frees"], claim=paper.FREES, when="λ from 0 to 1"),
        motion_falls(ins, found["freezes"], claim=paper.FREEZES, when=f"λ from 0 to {strength(first)}"),
        motion_steadily(ins, [(row["low"], row["high"], row) for row in found["motion_steps"]], claim=paper.MOTION),
        *quality_keeps(ins, found["quality"], claim=paper.QUALITY, when="λ from 0 to 1"),
    ]
    at_zero = next(row["distance"] for row in found["rows"] if row["lam"] == 0.0)
    said += [
        Verdict(
            claim=paper.MINIMUM,
            found=f"a smooth curve through d is least at λ = {_within(fitted, 'closest_lam')}, at "
            f"{_within(fitted, 'least_distance')} nats, {at_zero:.2g} at 0; "
            + ("between the λ run" if fitted["place"] == "inside" else f"at the {fitted['place']} λ run"),
            holds=fitted["place"] == "inside" and (fitted["closest_lam_low"] or fitted["closest_lam"]) > 0.0,
        ),
        Verdict(
            claim=paper.SAME_PLACE,
            found=f"of the λ run, d is least at {lowest['lam']:g}, motion nearest to T2V's at {near['lam']:g}, where "
            f"it differs by {told(near['to_t2v'], per)}; between these λ it changes by {told(near['from_least'], per)}",
            holds=_same_place(lowest["lam"], near, ins.motion_margin or 0.0),
        ),
    ]
    return said


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    found, ins = results.found, stand_ins(results.configuration["pair"])
    t2v = found["t2v"]
    rows = [
        (
            lam_name(row["lam"]),
            pm(row["dominance"]["mean"], row["dominance"]["standard_error"]),
            f"{row['distance']:.4f}",
            *(cell(row["metrics"][name]) for name in ins.names),
        )
        for row in found["rows"]
    ]
    level = pm(t2v["dominance"]["mean"], t2v["dominance"]["standard_error"])
    return [
        f"Of Figure 3, {NOT_RECOVERED}; nor are its λ. {in_place_of(results.configuration['pair'])} In brackets: "
        "samples that have a value. Means of different λ stand on different samples where some have none; changes do "
        "not.",
        table(
            ("", "reference attention", "d(λ), nats", *map(heading, ins.names)),
            [("T2V", level, "0", *(cell(t2v["metrics"][name]) for name in ins.names)), *rows],
        ),
        picture("reference_attention", "Attention on the reference frame over λ, beside the level of T2V"),
        picture("motion", "Motion and quality over λ, beside the level of T2V"),
        picture("distance", "Distance of I2V attention from T2V attention over λ, with its minimum"),
        f"λ acts in the first {percent(results.configuration['step_ratio'])} of the steps, as in the paper's analysis; "
        "[fig5_ablations](../fig5_ablations) and [fig6_continuous_control](../fig6_continuous_control) have it act in "
        "more.",
        "d(λ) has a minimum wherever the reference column is in excess, so that a minimum alone is no evidence that "
        "motion matches.",
    ]


_FITTED = tuple(f"{name}{end}" for name in ("closest_lam", "least_distance") for end in ("", "_low", "_high"))


def _within(fitted: dict[str, Any], name: str) -> str:
    low, high = fitted[f"{name}_low"], fitted[f"{name}_high"]
    bounds = "" if low is None else f" ({number(low)} to {number(high)}, 95 % bootstrap interval)"
    return f"{number(fitted[name])}{bounds}"


def _same_place(lam: float, near: dict[str, Any], margin: float) -> bool | None:
    """Return whether motion is nearest at ``lam``; elsewhere only where motion is seen to differ by the margin."""
    if lam == near["lam"]:
        return True
    between = near["from_least"]
    return False if sign(between) and abs(between["mean"]) > margin else None


def _named(low: float, high: float, change_: dict[str, Any]) -> dict[str, Any]:
    return {"low": low, "high": high, **change_}


STUDY = Reproduction(
    name="fig3_intervention",
    title="What λ does to attention, to motion, and to the distance from T2V",
    paper="Figure 3 and §3.2",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
