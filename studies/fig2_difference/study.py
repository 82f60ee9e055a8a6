"""Figure 2: the attention difference map, over the steps, and a pair of videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dymos_probe import figures
from dymos_probe.analysis.exemplars import exemplars
from dymos_probe.analysis.select import early_steps
from dymos_probe.figures.labels import signed
from dymos_probe.store.schema import CONDITION, KEY_FRAME, QUERY_FRAME, SAMPLE, STEP
from dymos_probe.store.videos import read_frames
from studies.fig2_difference import paper
from studies.reproduction.estimates import change, of_samples
from studies.reproduction.numbers import percent, pm, table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import NOT_RECOVERED
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_in_verdicts import motion_falls
from studies.reproduction.stand_ins import stand_ins
from studies.reproduction.study import Configuration, Found, Reproduction, Runs
from studies.reproduction.sweep import I2V, T2V
from studies.reproduction.verdict import Verdict, rises


@dataclass(frozen=True, kw_only=True)
class Difference(Configuration):
    """Figure 2; it needs both untouched arms alone."""

    motion: str
    """Metric that says how much a video moves."""
    columns: int = 7
    """Frames of a video shown."""


def configuration(setting: Setting) -> Difference:
    """Return the paper's configuration on the pair and prompts of a setting."""
    return Difference(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        early=paper.EARLY,
        motion=stand_ins(setting.pair).motion,
    )


def measure(runs: Runs, config: Difference) -> dict[str, Any]:
    """Return the map, dominance of both arms by sample and by step, and their motion."""
    ds = runs[config.pair].ds
    delta = ds.probe.difference(early=config.early).compute()
    by_step = ds.probe.dominance(conditions=[T2V, I2V], keep=(SAMPLE, STEP)).compute()
    t2v, i2v = (by_step.sel({CONDITION: arm}).transpose(SAMPLE, STEP).values for arm in (T2V, I2V))
    early = early_steps(by_step.sizes[STEP], config.early)
    excess = i2v - t2v
    return {
        "samples": int(delta.attrs["samples_used"]),
        "map": delta.transpose(QUERY_FRAME, KEY_FRAME).values.tolist(),
        "columns": delta.isel({QUERY_FRAME: slice(1, None)}).mean(QUERY_FRAME).values.tolist(),
        "dominance": {T2V: of_samples(t2v[:, :early].mean(axis=1)), I2V: of_samples(i2v[:, :early].mean(axis=1))},
        "excess": of_samples(excess[:, :early].mean(axis=1)),
        "share_in_excess": float((excess[:, :early].mean(axis=1) > 0).mean()),
        "early_steps": early,
        "early_minus_rest": of_samples(excess[:, :early].mean(axis=1) - excess[:, early:].mean(axis=1)),
        "by_step": [
            {"step": step, T2V: float(t2v[:, step].mean()), I2V: float(i2v[:, step].mean())}
            | {"excess": of_samples(excess[:, step])}
            for step in range(excess.shape[1])
        ],
        "motion": change(ds, config.motion, at=I2V, against=T2V),
    }


def draw(runs: Runs, config: Difference, found: Found) -> dict[str, go.Figure]:
    """Return the map, attention over the steps, and the pair of videos in which the arms differ middlingly."""
    run = runs[config.pair]
    chosen = exemplars(run.ds, [T2V, I2V], over=[T2V, I2V])
    sample = chosen[len(chosen) // 2].sample
    frames = read_frames(run.path, run.ds, sample, [T2V, I2V], count=config.columns)
    return {
        "by_step": figures.dominance_by_step(run.ds.probe.dominance(conditions=[T2V, I2V], keep=(STEP,)).compute()),
        "difference_map": figures.difference_map(run.ds.probe.difference(early=config.early).compute()),
        "videos": figures.frame_strip(frames, columns=config.columns),
    }


def verdicts(results: Results) -> list[Verdict]:
    """Return what §3.1 says and whether it is so here."""
    found, ins = results.found, stand_ins(results.configuration["pair"])
    columns = found["columns"]
    others = max(columns[1:])
    return [
        rises(
            found["excess"],
            claim=paper.DOMINANCE,
            what="attention on the reference frame, from T2V to I2V, in "
            f"{percent(found['share_in_excess'])} of the samples upwards,",
        ),
        Verdict(
            claim=paper.ONLY_REFERENCE,
            found=f"the reference column gains {signed(columns[0], 3)}, the next largest column {signed(others, 3)}",
            holds=columns[0] > 0 and others < columns[0] / 2,
        ),
        rises(
            found["early_minus_rest"],
            claim=paper.EARLY_MOST,
            what=f"from the later steps to the first {found['early_steps']}, the excess",
        ),
        motion_falls(ins, found["motion"], claim=paper.STILL, when="from T2V to I2V"),
    ]


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    found = results.found
    arms, steps = found["dominance"], found["by_step"]
    shown = sorted(
        {0, 1, 2, len(steps) // 4, len(steps) // 2, 3 * len(steps) // 4, len(steps) - 1} & set(range(len(steps)))
    )
    ratio = arms[I2V]["mean"] / arms[T2V]["mean"]
    return [
        f"Of Figure 2, {NOT_RECOVERED}. {in_place_of(results.configuration['pair'], motion_only=True)}",
        picture("difference_map", "Attention difference between latent frames, I2V minus T2V"),
        f"Attention of later frames to the reference frame, first {found['early_steps']} steps: T2V "
        f"{pm(arms[T2V]['mean'], arms[T2V]['standard_error'])}, I2V "
        f"{pm(arms[I2V]['mean'], arms[I2V]['standard_error'])}, {ratio:.1f} times as much "
        f"({found['samples']} samples).",
        picture("by_step", "Attention on the reference frame over the denoising steps"),
        table(
            ("step", "T2V", "I2V", "I2V − T2V"),
            [
                (
                    str(row["step"]),
                    f"{row[T2V]:.3f}",
                    f"{row[I2V]:.3f}",
                    pm(row["excess"]["mean"], row["excess"]["standard_error"]),
                )
                for row in (steps[i] for i in shown)
            ],
        ),
        picture("videos", "Frames of a T2V video and of the I2V video that starts from its first frame"),
    ]


STUDY = Reproduction(
    name="fig2_difference",
    title="Where an I2V model looks that its T2V counterpart does not",
    paper="Figure 2 and §3.1",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
