"""Controls: the same bias where it should do nothing or something else, and a model that dominance does not still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import xarray as xr

from dymos_probe import figures
from dymos_probe.analysis import metric_changes
from dymos_probe.store.schema import CONDITION, SAMPLE
from studies.controls import paper
from studies.reproduction.estimates import change, measured, of_samples
from studies.reproduction.numbers import cell, lam_name, percent, signed_pm, table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import operation
from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_in_verdicts import motion_falls, motion_keeps, motion_rises, quality_worsens
from studies.reproduction.stand_ins import heading, stand_ins
from studies.reproduction.study import Configuration, Found, Reproduction, Runs
from studies.reproduction.sweep import I2V, T2V, Sweep
from studies.reproduction.verdict import Verdict, rises

UNCURATED = {"sprites": "sprites-uncurated"}
"""By pair, the same fine-tuning on clips that were not chosen to be still."""


@dataclass(frozen=True, kw_only=True)
class Controls(Configuration):
    """Controls of one pair."""

    lam: float
    """λ of every control."""
    step_ratio: float
    """Fraction of the steps modulated, but for the control in all steps."""
    placebo_key_frame: int = 3
    """Latent frame whose keys are weakened in place of the reference frame's."""
    uncurated: str | None
    """A pair whose I2V model was tuned on clips that move; None where there is none."""
    uncurated_lams: tuple[float, ...] = (-1.0, 0.0, 1.0, 2.0)
    """λ of that pair, 0 among them."""

    @property
    def sweeps(self) -> dict[str, Sweep]:
        """The conditions by name; the first is the modulation itself."""
        lams, ratio = (self.lam,), self.step_ratio
        return {
            "λ": Sweep(lams=lams, step_ratio=ratio),
            "placebo": Sweep(lams=lams, step_ratio=ratio, key_frame=self.placebo_key_frame),
            "both branches": Sweep(lams=lams, step_ratio=ratio, branches=("cond", "uncond")),
            "all steps": Sweep(lams=lams, step_ratio=1.0),
            "T2V": Sweep(lams=lams, step_ratio=ratio, arm="t2v"),
        }

    @property
    def needs(self) -> dict[str, tuple[Sweep, ...]]:
        """The controls, and λ on the other pair."""
        other = {} if self.uncurated is None else {self.uncurated: (self.over_lam,)}
        return {self.pair: tuple(self.sweeps.values()), **other}

    @property
    def over_lam(self) -> Sweep:
        """λ on the pair without curation."""
        return Sweep(lams=self.uncurated_lams, step_ratio=self.step_ratio)


def configuration(setting: Setting) -> Controls:
    """Return the controls around the published operation of the pair of a setting."""
    at = operation(setting.pair)
    return Controls(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        lam=at.lam,
        step_ratio=at.step_ratio,
        uncurated=UNCURATED.get(setting.pair),
    )


def measure(runs: Runs, config: Controls) -> dict[str, Any]:
    """Return metrics under each control, its change against the untouched arm, and λ against it."""
    ds, ins = runs[config.pair].ds, stand_ins(config.pair)
    ids = {name: sweep.ids(config.pair)[0] for name, sweep in config.sweeps.items()}
    rows = {}
    for name, label in ids.items():
        base = T2V if name == "T2V" else I2V
        rows[name] = {
            "metrics": measured(ds, ins.names, label),
            "motion": change(ds, ins.motion, at=label, against=base),
            "quality": change(ds, ins.quality, at=label, against=base) if ins.quality else None,
            "lam_minus": change(ds, ins.motion, at=ids["λ"], against=label) if base == I2V else None,
        }
    return {
        "samples": ds.sizes[SAMPLE],
        "untouched": {arm: measured(ds, ins.names, arm) for arm in (T2V, I2V)},
        "rows": rows,
        "curated": _pair(ds, config, config.pair, (0.0, config.lam)),
        "uncurated": None
        if config.uncurated is None
        else _pair(runs[config.uncurated].ds, config, config.uncurated, config.uncurated_lams),
    }


def draw(runs: Runs, config: Controls, found: Found) -> dict[str, go.Figure]:
    """Return the change of motion under each control, and motion over λ without curation."""
    ds, motion = runs[config.pair].ds, stand_ins(config.pair).motion
    ids = {name: sweep.ids(config.pair)[0] for name, sweep in config.sweeps.items()}
    names = _names(config.lam, config.step_ratio, config.placebo_key_frame)
    parts = [
        metric_changes(ds, motion, [label], against=T2V if name == "T2V" else I2V).drop_vars(
            ["arm", "lam", "step_ratio", "schedule", "method"]
        )
        for name, label in ids.items()
    ]
    joined = xr.concat(parts, CONDITION, combine_attrs="override")
    labels = {ids[name]: names[name] for name in ids}
    drawn = {"controls": figures.change_plot(joined, labels, against="the same model untouched")}
    if config.uncurated is not None:
        curve = runs[config.uncurated].ds.probe.metric_curve(motion, step_ratio=config.step_ratio, schedule="uniform")
        drawn["uncurated"] = figures.metric_curve(curve)
    return drawn


def verdicts(results: Results) -> list[Verdict]:
    """Return what of the paper's story each control supports."""
    rows, ins = results.found["rows"], stand_ins(results.configuration["pair"])
    both, everywhere = rows["both branches"], rows["all steps"]
    said = [
        motion_rises(ins, rows["placebo"]["lam_minus"], claim=paper.REFERENCE, when="from the placebo to λ"),
        motion_rises(ins, both["motion"], claim=paper.BRANCHES, when="both branches biased"),
        motion_rises(ins, both["lam_minus"], claim=paper.CONTRAST, when="from both branches to the conditional one"),
        motion_keeps(ins, _negative(everywhere["lam_minus"]), claim=paper.EARLY, when="from early steps to all steps"),
        *quality_worsens(ins, everywhere["quality"], claim=paper.EARLY_QUALITY, when="all steps biased"),
        motion_keeps(ins, rows["T2V"]["motion"], claim=paper.T2V, when="T2V with λ"),
    ]
    other = results.found["uncurated"]
    if other is not None:
        one = next(row for row in other["lams"] if row["lam"] == max(results.configuration["uncurated_lams"]))
        said += [
            rises(
                other["excess"],
                claim=paper.DOMINANCE_EVERYWHERE,
                what="attention on the reference frame, from T2V to I2V,",
            ),
            motion_falls(ins, other["motion"], claim=paper.DRIVER, when="from T2V to I2V", where="without curation, "),
            motion_rises(
                ins,
                one["motion"],
                claim=paper.FREES_ANY,
                when=f"λ from 0 to {one['lam']:g}",
                where="without curation, ",
            ),
        ]
    return said


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    found, config = results.found, results.configuration
    ins, pair = stand_ins(config["pair"]), config["pair"]
    names = _names(config["lam"], config["step_ratio"], config["placebo_key_frame"])
    rows = [
        (f"{arm.upper()}, untouched", *(cell(metrics[name]) for name in ins.names), "")
        for arm, metrics in found["untouched"].items()
    ]
    rows += [
        (
            names[name],
            *(cell(row["metrics"][metric]) for metric in ins.names),
            f"{signed_pm(row['motion']['mean'], row['motion']['standard_error'])} ({row['motion']['pairs']})",
        )
        for name, row in found["rows"].items()
    ]
    parts = [
        "A control that comes out as the story wants supports it; “not as in the paper” here means that this part of "
        "the story does not hold for this pair.",
        f"{in_place_of(pair)} In brackets: samples that have a value. The last column is the change against the "
        "same model untouched, and its pairs.",
        table((pair, *map(heading, ins.names), f"change of {heading(ins.motion)}"), rows),
        picture("controls", "Change of motion under each control"),
    ]
    other = found["uncurated"]
    if other is not None:
        parts += [
            f"### The same fine-tuning without curation: `{config['uncurated']}`",
            "Its I2V model was tuned from the same T2V model, on the same captions and first frames, with clips that "
            "move as captioned; that of the other pair with clips chosen to move little.",
            table(
                ("", f"`{pair}`", f"`{config['uncurated']}`"),
                [
                    ("excess of attention on the reference frame", *(_change(found[key]["excess"]) for key in _BOTH)),
                    (f"{heading(ins.motion)}, I2V − T2V", *(_change(found[key]["motion"]) for key in _BOTH)),
                    *(
                        (
                            f"{heading(ins.motion)}, {lam_name(row['lam'])} against 0",
                            _change(
                                next((r["motion"] for r in found["curated"]["lams"] if r["lam"] == row["lam"]), None)
                            ),
                            _change(row["motion"]),
                        )
                        for row in other["lams"]
                        if row["lam"]
                    ),
                ],
            ),
            picture("uncurated", "Motion over λ without curation"),
        ]
    return parts


_BOTH = ("curated", "uncurated")


def _pair(ds: xr.Dataset, config: Controls, pair: str, lams: tuple[float, ...]) -> dict[str, Any]:
    motion = stand_ins(pair).motion
    attention = ds.probe.dominance(conditions=[T2V, I2V], early=config.early, keep=(SAMPLE,)).compute()
    ids = Sweep(lams=lams, step_ratio=config.step_ratio).ids(pair)
    return {
        "excess": of_samples((attention.sel({CONDITION: I2V}) - attention.sel({CONDITION: T2V})).values),
        "motion": change(ds, motion, at=I2V, against=T2V),
        "lams": [
            {"lam": lam, "motion": change(ds, motion, at=label, against=I2V)}
            for lam, label in zip(lams, ids, strict=True)
        ],
    }


def _names(lam: float, step_ratio: float, placebo: int) -> dict[str, str]:
    at = lam_name(lam)
    return {
        "λ": f"{at}, first {percent(step_ratio)} of the steps",
        "placebo": f"placebo: keys of frame {placebo}",
        "both branches": "both branches of guidance",
        "all steps": "all steps",
        "T2V": f"T2V with {at}",
    }


def _change(found: dict[str, Any] | None) -> str:
    return "" if found is None else f"{signed_pm(found['mean'], found['standard_error'])} ({found['pairs']})"


def _negative(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"mean": None if found["mean"] is None else -found["mean"]}


STUDY = Reproduction(
    name="controls",
    title="Controls: what of the story holds on this pair",
    paper="No figure of the paper",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
