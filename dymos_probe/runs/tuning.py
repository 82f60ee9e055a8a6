"""What a tuning found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dymos_probe.analysis.closest import Closest
from dymos_probe.analysis.compare import ConditionRow
from dymos_probe.analysis.equal_motion import EqualMotion
from dymos_probe.analysis.least import Least


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one λ does to attention, and by which way."""

    lam: float
    """Strength λ."""
    measured_distance: float
    """d(λ) of the runs at λ, nats."""
    direct_distance: float
    """d(λ) of the direct effect alone, nats."""
    exact: bool
    """Whether the direct effect is exact; else it is from frame means."""
    direct_share: float | None
    """Direct change of dominance as a share of the measured one; None where that is not defined."""
    share_undefined: str
    """Why there is no share; empty where there is one."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The full sweep that a tuning spares."""

    lams: tuple[float, ...]
    """Its λ but 0."""
    runs: int
    """Runs it takes: every λ with every sample."""


@dataclass(frozen=True, kw_only=True)
class MatchedResult:
    """The matched schedule beside the scalar."""

    schedule: str
    """Its name in the study."""
    predicted_distance: float
    """d of its direct effect at λ = 1, nats; approximate, from frame means."""
    rows: tuple[ConditionRow, ...]
    """The untouched model, the scalar λ that were run nearest to both answers, and the matched one; empty in a plan."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Both λ, and what they stand on."""

    study: Path
    """The study's folder."""
    metric: str
    """The motion metric."""
    step_ratio: float
    """Fraction of the steps modulated."""
    schedule: str
    """φ over query frames."""
    early: float
    """Fraction of the steps d(λ) is taken over."""
    tolerance: float
    """A λ within it of the answer need not be run."""
    predicted: Closest
    """The λ of least d(λ), from the untouched runs."""
    first: float | None
    """The λ run first, which confirms the prediction; None where one within the tolerance was there."""
    tried: tuple[float, ...]
    """λ this tuning asked for, in order; those that were there already cost nothing."""
    made: int
    """Runs made."""
    effects: tuple[Effect, ...]
    """What every λ that was run does to attention, by rising λ; empty where none but 0 was."""
    measured_closest: Least | None
    """Where measured d(λ) is least; None with fewer than three λ."""
    motion: EqualMotion | None
    """The λ of equal motion; None in a plan of a study whose motion is not measured."""
    settled: bool
    """Whether the λ of equal motion is within the tolerance of one that was run, or nothing is left to try."""
    sweep: Sweep
    """What a full sweep would take."""
    matched: MatchedResult | None = None
    """The matched schedule, where it was asked for."""
