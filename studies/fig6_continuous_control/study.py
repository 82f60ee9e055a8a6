"""Figure 6: videos of one prompt at five λ, and how they move."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dymos_probe import figures
from dymos_probe.analysis.exemplars import exemplars
from dymos_probe.figures.labels import strength
from dymos_probe.store.schema import COMPLETE, CONDITION, METRIC_PREFIX
from dymos_probe.store.videos import read_frames
from studies.fig6_continuous_control import paper
from studies.reproduction.configurations import OverLam
from studies.reproduction.estimates import change, changes, measured
from studies.reproduction.numbers import cell, lam_name, percent, table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import operation
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_in_verdicts import motion_falls, motion_rises, motion_steadily, quality_keeps
from studies.reproduction.stand_ins import heading, stand_ins
from studies.reproduction.study import Found, Reproduction, Runs
from studies.reproduction.sweep import I2V, T2V
from studies.reproduction.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class ContinuousControl(OverLam):
    """Figure 6."""

    columns: int = 7
    """Frames of a video shown."""


def configuration(setting: Setting) -> ContinuousControl:
    """Return the paper's configuration on the pair and prompts of a setting."""
    return ContinuousControl(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        lams=paper.LAMS,
        step_ratio=operation(setting.pair).step_ratio,
    )


def measure(runs: Runs, config: ContinuousControl) -> dict[str, Any]:
    """Return metrics of every λ, changes from each to the next, and in how many samples each goes further."""
    ds, ins = runs[config.pair].ds, stand_ins(config.pair)
    ids = config.sweep.ids(config.pair)
    values = ds[METRIC_PREFIX + ins.motion].where(ds[COMPLETE]).sel({CONDITION: list(ids)})
    everywhere = values.transpose("sample", CONDITION).dropna("sample").values.astype(np.float64)
    last = ids[-1]
    return {
        "samples": ds.sizes["sample"],
        "rows": [
            {"lam": lam, "metrics": measured(ds, ins.names, each)} for lam, each in zip(config.lams, ids, strict=True)
        ],
        "t2v": measured(ds, ins.names, T2V),
        "steps": changes(ds, ins.motion, ids),
        "freezes": change(ds, ins.motion, at=ids[0], against=I2V),
        "frees": change(ds, ins.motion, at=last, against=I2V),
        "quality": change(ds, ins.quality, at=last, against=I2V) if ins.quality else None,
        "measured_at_every_lam": len(everywhere),
        "rises_end_to_end": int((everywhere[:, -1] > everywhere[:, 0]).sum()),
        "rises_at_every_step": int((np.diff(everywhere, axis=1) > 0).all(axis=1).sum()),
    }


def draw(runs: Runs, config: ContinuousControl, found: Found) -> dict[str, go.Figure]:
    """Return the videos that λ changes most, middlingly and least."""
    run, ids = runs[config.pair], list(config.sweep.ids(config.pair))
    drawn = {}
    for number, example in enumerate(exemplars(run.ds, [T2V, *ids], over=ids), start=1):
        frames = read_frames(run.path, run.ds, example.sample, [T2V, *ids], count=config.columns)
        drawn[f"videos_{number}"] = figures.frame_strip(frames, columns=config.columns)
    return drawn


def verdicts(results: Results) -> list[Verdict]:
    """Return what §4.4 says and whether it is so here."""
    found, config = results.found, results.configuration
    ins, lams = stand_ins(config["pair"]), config["lams"]
    steps = [(low, high, step) for (low, high), step in zip(pairwise(lams), found["steps"], strict=True)]
    up, down = f"λ from 0 to {lams[-1]:g}", f"λ from 0 to {strength(lams[0])}"
    return [
        motion_falls(ins, found["freezes"], claim=paper.FREEZES, when=down),
        motion_rises(ins, found["frees"], claim=paper.FREES, when=up),
        motion_steadily(ins, steps, claim=paper.CONTINUOUS),
        *quality_keeps(ins, found["quality"], claim=paper.FIDELITY, when=up),
    ]


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    found, config = results.found, results.configuration
    ins, count = stand_ins(config["pair"]), found["measured_at_every_lam"]
    single = (
        f"Of {count} samples measured at every λ, {found['rises_end_to_end']} "
        f"({percent(found['rises_end_to_end'] / count)}) move more at the largest λ than at the smallest, and "
        f"{found['rises_at_every_step']} ({percent(found['rises_at_every_step'] / count)}) more at every λ than at the "
        "one before."
        if count
        else "No sample is measured at every λ."
    )
    return [
        f"Figure 6 shows pictures and no numbers. {in_place_of(config['pair'])} In brackets: samples that have a "
        "value.",
        table(
            ("", *map(heading, ins.names)),
            [
                ("T2V", *(cell(found["t2v"][name]) for name in ins.names)),
                *((lam_name(row["lam"]), *(cell(row["metrics"][name]) for name in ins.names)) for row in found["rows"]),
            ],
        ),
        single,
        "The samples that λ changes most, middlingly and least:",
        *(
            picture(f"videos_{n}", "Videos of one prompt: T2V, then I2V with λ rising")
            for n in range(1, min(found["samples"], 3) + 1)
        ),
    ]


STUDY = Reproduction(
    name="fig6_continuous_control",
    title="λ as a slider",
    paper="Figure 6 and §4.4",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
