"""A study whose maps are known in closed form, written through the real writer.

Every row of T2V attention with f ≥ 1 puts the same mass a on frame 0 and random mass on the other
frames and on text. The I2V rows are those rows tilted: the odds of frame 0 are multiplied until
its mass is a + excess. Modulating by λ tilts them back, odds times exp(−λ), which for one query
token a frame is exactly what Eq. 6 does to a softmax. So, for f ≥ 1:

* ΔA[f, 0] = excess, and the other columns lose it in proportion;
* dominance is a in the T2V arm and a + excess in the I2V arm at λ = 0;
* at λ* = logit(a + excess) − logit(a) the maps are T2V's, and d(λ*) = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from dymos_probe.bias import Bias
from dymos_probe.errors import InputError
from dymos_probe.store.schema import UNTOUCHED, Arm, AttentionShape, Condition, Method, Run, Sample
from dymos_probe.store.writer import create_study, extend_study, finish_study, write_run

Maps = npt.NDArray[np.float64]

SMALL = AttentionShape(
    branches=("cond", "uncond"),
    steps=6,
    layers=("blocks.0.attn1", "blocks.1.attn1", "blocks.2.attn1"),
    heads=2,
    frames=4,
)
"""Sizes small enough for a test."""


@dataclass(frozen=True, kw_only=True)
class SyntheticStudy:
    """What was written, in float64, and what an analysis of it must find."""

    path: Path
    samples: tuple[str, ...]
    conditions: tuple[str, ...]
    """Ids: ``t2v``, ``i2v``, and ``i2v lam=…`` for every λ ≠ 0."""
    attention: dict[str, Maps]
    """Condition → A (sample, branch, step, layer, head, query_frame, key_frame)."""
    text_mass: dict[str, Maps]
    """Condition → mass on text (sample, branch, step, layer, head, query_frame)."""
    attention_response: dict[str, Maps]
    """``t2v`` and ``i2v`` → A under each λ of ``shape.response`` (sample, lam, branch, …); empty where that is."""
    dominance: float
    """Mass a on frame 0 in the T2V arm."""
    excess: float
    """What the I2V arm puts on frame 0 beyond that, mean over samples, layers and heads."""
    excess_by: Maps
    """The same of each, (sample, layer, head)."""

    @property
    def closest_lam(self) -> float:
        """λ*, where the I2V maps are the T2V maps; of a study with one excess throughout."""
        return float(logit(self.dominance + self.excess) - logit(self.dominance))

    @property
    def closest_lam_by(self) -> Maps:
        """λ* of every sample, layer and head, (sample, layer, head)."""
        return np.asarray(logit(self.dominance + self.excess_by) - logit(self.dominance))


def tilt(attention: Maps, text_mass: Maps, strength: Maps | float) -> tuple[Maps, Maps]:
    """Return attention and text mass with frame-0 odds times exp(−strength) in query frames f ≥ 1.

    Parameters
    ----------
    attention
        A (…, query_frame, key_frame); with ``text_mass`` (…, query_frame) its rows sum to 1.
    strength
        λ·φ, natural-log units, scalar or broadcasting against (…, query_frame).
    """
    weight = np.ones_like(attention)
    weight[..., 1:, 0] = np.broadcast_to(np.exp(-np.asarray(strength)), attention.shape[:-1])[..., 1:]
    tilted = attention * weight
    total = tilted.sum(axis=-1) + text_mass
    return tilted / total[..., None], text_mass / total


def synthetic_study(
    path: str | Path,
    *,
    samples: int | Sequence[str] = 2,
    lams: Sequence[float] = (-1.0, 0.6, 1.0),
    shape: AttentionShape = SMALL,
    excess: npt.ArrayLike = 0.2,
    dominance: float = 0.2,
    text: float = 0.1,
    step_ratio: float = 1.0,
    seed: int = 0,
) -> SyntheticStudy:
    """Write a complete study with known maps at ``path`` and return what is known.

    Parameters
    ----------
    path
        A new folder.
    samples
        Ids, or how many.
    lams
        Strengths λ of the modulated conditions, besides the untouched arms.
    shape
        Sizes of the maps; with a ``response``, what Eq. 6 makes of the untouched maps at each of its λ is there.
    excess
        ΔA[f, 0] for f ≥ 1, attention mass; one number, or broadcasting against (sample, layer, head).
    dominance
        A[f, 0] for f ≥ 1 in the T2V arm, attention mass.
    text
        Mean mass on text in the T2V arm; 0 for a model without text tokens.
    step_ratio
        Fraction of the steps modulated.
    seed
        Of the random rest of the maps.

    Raises
    ------
    InputError
        When a row could not have these masses.
    """
    path = Path(path)
    ids = tuple(f"sample-{index}" for index in range(samples)) if isinstance(samples, int) else tuple(samples)
    each = np.broadcast_to(np.asarray(excess, dtype=np.float64), (len(ids), len(shape.layers), shape.heads))
    in_i2v = dominance + each
    if not (0.0 < dominance < 1.0 and 0.0 < in_i2v.min() and in_i2v.max() < 1.0 and 0.0 <= text < 0.5):
        raise InputError(
            f"dominance {dominance} and dominance + excess, {dominance} + {excess!r}, must lie in (0, 1), "
            f"text {text} in [0, 0.5)"
        )
    conditions = conditions_over(lams, step_ratio)
    attention, text_mass = t2v_maps(np.random.default_rng(seed), len(ids), shape, dominance, text)
    known = {"t2v": (attention, text_mass)}
    back = logit(dominance) - logit(in_i2v)
    known["i2v"] = tilt(attention, text_mass, back[:, None, None, :, :, None])
    for condition in conditions[2:]:
        known[condition.id] = _modulated(*known["i2v"], condition, shape)

    responses = {
        condition.id: _responses(*known[condition.id], shape.response)
        for condition in conditions
        if condition.method == UNTOUCHED and shape.response
    }

    config = {"pair": "synthetic", "excess": each.tolist(), "dominance": dominance, "text": text, "seed": seed}
    create_study(path, config=config, shape=shape)
    rows = [
        Sample(id=name, prompt=f"prompt {index}", seed=index, image=f"images/{name}.png")
        for index, name in enumerate(ids)
    ]
    extend_study(path, samples=rows, conditions=conditions)
    for index, name in enumerate(ids):
        for condition in conditions:
            maps, mass = known[condition.id]
            run = as_run(name, condition.id, maps[index], mass[index], shape)
            if condition.id in responses:
                under, mass_under = (part[index].astype(np.float32) for part in responses[condition.id])
                run = replace(run, attention_response=under, text_mass_response=mass_under)
            write_run(path, run)
    finish_study(path)
    return SyntheticStudy(
        path=path,
        samples=ids,
        conditions=tuple(condition.id for condition in conditions),
        attention={label: maps for label, (maps, _) in known.items()},
        text_mass={label: mass for label, (_, mass) in known.items()},
        attention_response={label: maps for label, (maps, _) in responses.items()},
        dominance=dominance,
        excess=float(each.mean()),
        excess_by=each,
    )


def conditions_over(lams: Sequence[float], step_ratio: float) -> list[Condition]:
    """Return ``t2v``, ``i2v``, and ``i2v lam=…`` for every λ ≠ 0."""

    def condition(label: str, arm: Arm, lam: float) -> Condition:
        method: Method = "dymos" if lam != 0.0 else "none"
        return Condition(
            id=label,
            arm=arm,
            lam=lam,
            step_ratio=step_ratio if lam != 0.0 else 0.0,
            schedule="uniform",
            method=method,
            key_frame=0,
            branches="cond",
            layers="",
            heads="",
        )

    modulated = [condition(f"i2v lam={lam:g}", "i2v", float(lam)) for lam in lams if lam != 0.0]
    return [condition("t2v", "t2v", 0.0), condition("i2v", "i2v", 0.0), *modulated]


def t2v_maps(
    rng: np.random.Generator, samples: int, shape: AttentionShape, dominance: float, text: float
) -> tuple[Maps, Maps]:
    """Return random attention and text mass of the T2V arm, frame 0 holding ``dominance`` of rows f ≥ 1."""
    lead = (samples, len(shape.branches), shape.steps, len(shape.layers), shape.heads)
    mass = text * rng.uniform(0.5, 1.5, size=(*lead, shape.frames))
    video = 1.0 - mass
    maps = rng.dirichlet(np.full(shape.frames, 4.0), size=(*lead, shape.frames)) * video[..., None]
    # Scale text and the other frames alike, so that frame 0 holds exactly its share.
    rest = mass + maps[..., 1:].sum(axis=-1)
    shrink = (1.0 - dominance) / rest
    maps[..., 1:, 1:] *= shrink[..., 1:, None]
    mass[..., 1:] *= shrink[..., 1:]
    maps[..., 1:, 0] = dominance
    return maps, mass


def _modulated(maps: Maps, mass: Maps, condition: Condition, shape: AttentionShape) -> tuple[Maps, Maps]:
    steps = Bias(lam=condition.lam, step_ratio=condition.step_ratio).modulated_steps(shape.steps)
    branch = shape.branches.index("cond")
    maps, mass = maps.copy(), mass.copy()
    maps[:, branch, :steps], mass[:, branch, :steps] = tilt(
        maps[:, branch, :steps], mass[:, branch, :steps], condition.lam
    )
    return maps, mass


def _responses(maps: Maps, mass: Maps, lams: Sequence[float]) -> tuple[Maps, Maps]:
    """Return attention and text mass under each λ, (sample, lam, …)."""
    each = [tilt(maps, mass, lam) for lam in lams]
    return np.stack([under for under, _ in each], axis=1), np.stack([mass_under for _, mass_under in each], axis=1)


def as_run(sample: str, condition: str, maps: Maps, mass: Maps, shape: AttentionShape) -> Run:
    """Return the maps of one run as the store takes them, with the labels of its steps."""
    sigma = np.linspace(1.0, 0.0, shape.steps, endpoint=False)
    return Run(
        sample=sample,
        condition=condition,
        attention=maps.astype(np.float32),
        text_mass=mass.astype(np.float32),
        timestep=1000.0 * sigma,
        sigma=sigma,
        expert=(sigma < 0.5).astype(np.int64),
    )
