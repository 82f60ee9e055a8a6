"""What the form holds at first: a pair's own settings, or those of an earlier generation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dymos_probe.bias import Schedule
from dymos_probe.jobs import Job, OfferedPair, Request
from dymos_probe.pairs import Preset

LEAST_LAM, MOST_LAM = -1.0, 4.0
"""Ends of the slider."""
LAM = 1.0
"""Where no λ is published for a pair: strong enough to be seen, weak enough to keep the picture."""
STEP_RATIO = 0.2

READY_PROMPT = "a red star moves left quickly on a navy background"
"""Of the ready-made picture, for the shipped pairs."""


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The form's first values; None leaves a setting to the models."""

    prompt: str
    lam: float
    infinite: bool
    """Whether λ is ∞, whatever ``lam`` says."""
    step_ratio: float
    schedule: Schedule
    seed: int
    steps: int | None
    frames: int | None
    width: int | None
    height: int | None
    guidance: float | None
    layers: str
    with_t2v: bool
    offload: str
    vae_tiling: bool


def defaults_of(pair: OfferedPair, again: Job | None) -> Defaults:
    """Return the settings of ``again`` where it was made with this pair, else the pair's own."""
    asked = again.request if again is not None and again.request.pair == pair.name else None
    own = pair.preset
    published = own.lam if own is not None and own.lam is not None else LAM
    lam = asked.lam if asked is not None else published
    finite = lam if math.isfinite(lam) else published
    ratio = asked.step_ratio if asked is not None else None
    if ratio is None:
        ratio = own.step_ratio if own is not None and own.step_ratio is not None else STEP_RATIO
    return Defaults(
        prompt=again.request.prompt if again is not None else READY_PROMPT if is_shipped(pair) else "",
        lam=min(max(finite, LEAST_LAM), MOST_LAM),
        infinite=lam == math.inf,
        step_ratio=ratio,
        schedule=asked.schedule if asked is not None else "uniform",
        seed=asked.seed if asked is not None else 0,
        steps=_given("num_inference_steps", asked, own),
        frames=_given("num_frames", asked, own),
        width=_given("width", asked, own),
        height=_given("height", asked, own),
        guidance=_given("guidance_scale", asked, own),
        layers=",".join(map(str, asked.layers)) if asked is not None and asked.layers is not None else "",
        with_t2v=asked.with_t2v if asked is not None else True,
        offload=asked.offload if asked is not None else "none",
        vae_tiling=asked.vae_tiling if asked is not None else False,
    )


def is_shipped(pair: OfferedPair) -> bool:
    """Return whether a pair is one of those that come with the package and know its captions alone."""
    return pair.preset is not None and pair.preset.shipped is not None


def _given(setting: str, asked: Request | None, own: Preset | None) -> Any:
    """Return a setting of what was asked, else of the preset; None where neither says."""
    values = [getattr(source, setting) for source in (asked, own) if source is not None]
    return next((value for value in values if value is not None), None)
