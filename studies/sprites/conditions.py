"""Which ways of generating are compared: the λ curve of both I2V models, and the controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dymos_probe.bias import Bias
from studies.sprites.config import EvaluationConfig

Model = Literal["t2v", "i2v", "i2v-uncurated"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way of generating."""

    name: str
    """Name in files and tables."""
    model: Model
    """Folder of the pair."""
    bias: Bias | None = None
    """The modulation; None for the untouched model."""
    prompts: int
    """How many of the prompts it is run on."""
    untouched: str | None = None
    """For a control, the condition it is compared with; None for the others."""


def curve(model: Model, lam: float) -> str:
    """Return the name of a point of a model's λ curve."""
    return f"{model} λ={lam:g}"


def conditions(config: EvaluationConfig) -> tuple[Condition, ...]:
    """Return all conditions, the T2V model's first, since its first frame is the others' image."""
    lam, ratio = config.control_lam, config.step_ratio
    controls: tuple[Condition, ...] = ()

    def control(name: str, model: Model, bias: Bias) -> Condition:
        untouched = "t2v" if model == "t2v" else curve(model, 0.0)
        return Condition(name=name, model=model, bias=bias, prompts=config.control_prompts, untouched=untouched)

    if config.control_prompts:
        controls = (
            control("t2v modulated", "t2v", Bias(lam=lam, step_ratio=ratio)),
            control("placebo key frame", "i2v", Bias(lam=lam, step_ratio=ratio, key_frame=config.placebo_key_frame)),
            control("both branches", "i2v", Bias(lam=lam, step_ratio=ratio, branches=("cond", "uncond"))),
            control("all steps", "i2v", Bias(lam=lam, step_ratio=1.0)),
        )
    return (
        Condition(name="t2v", model="t2v", prompts=config.prompts),
        *(
            Condition(
                name=curve(model, each),
                model=model,
                bias=Bias(lam=each, step_ratio=ratio) if each else None,
                prompts=config.prompts,
            )
            for model in config.models
            for each in config.lams
        ),
        *controls,
    )
