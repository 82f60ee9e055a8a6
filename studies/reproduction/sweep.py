"""Which conditions a study needs, as the arguments of ``dp.intervene`` and as the ids they get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from dymos_probe.baselines import published
from dymos_probe.bias import Branch, Schedule
from dymos_probe.families import Arm
from dymos_probe.pairs import preset
from dymos_probe.runs.plan import Way, ways

T2V = "t2v"
"""Id of the untouched T2V condition."""
I2V = "i2v"
"""Id of the untouched I2V condition, λ = 0."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Strengths under one way of modulating, or the paper's competitor."""

    lams: tuple[float, ...] = ()
    """λ; 0 is the untouched model, which a study has already."""
    step_ratio: float = 1.0
    """Fraction of the steps modulated."""
    schedule: Schedule = "uniform"
    """φ over query frames."""
    arm: Arm = "i2v"
    """Which model."""
    key_frame: int = 0
    """Latent frame whose keys are modulated; not 0 is a placebo."""
    branches: tuple[Branch, ...] = ("cond",)
    """Branches of guidance modulated."""
    method: Literal["dymos", "alg"] = "dymos"
    """``alg`` is adaptive low-pass guidance as published for the model, and takes none of the above."""

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what ``dp.intervene`` is called with."""
        if self.method == "alg":
            return {"method": "alg"}
        return {
            "lam": self.lams,
            "step_ratio": self.step_ratio,
            "schedule": self.schedule,
            "arm": self.arm,
            "key_frame": self.key_frame,
            "branches": self.branches,
        }

    def ids(self, pair: str) -> tuple[str, ...]:
        """Return the ids the conditions get in a study of ``pair``, in the order of ``lams``."""
        if self.method == "alg":
            chosen = preset(pair)
            return (Way(arm="i2v", alg=published(chosen.family, chosen.name)).id,)
        settings = {key: value for key, value in self.arguments.items() if key != "lam"}
        return tuple(ways((lam,), **settings)[0].id for lam in self.lams)


ALG = Sweep(method="alg")
"""The paper's competitor."""
