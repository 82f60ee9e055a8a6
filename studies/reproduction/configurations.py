"""Configurations that several studies share: a sweep over λ, and the published operation beside ALG."""

from __future__ import annotations

from dataclasses import dataclass

from studies.reproduction.study import Configuration
from studies.reproduction.sweep import ALG, Sweep


@dataclass(frozen=True, kw_only=True)
class OverLam(Configuration):
    """One sweep over λ."""

    lams: tuple[float, ...]
    """Strengths, rising, 0 among them."""
    step_ratio: float
    """Fraction of the steps modulated."""

    @property
    def sweep(self) -> Sweep:
        """The one sweep it needs."""
        return Sweep(lams=self.lams, step_ratio=self.step_ratio)

    @property
    def needs(self) -> dict[str, tuple[Sweep, ...]]:
        """Every λ."""
        return {self.pair: (self.sweep,)}


@dataclass(frozen=True, kw_only=True)
class Methods(Configuration):
    """Untouched, ALG and DyMoS at one strength."""

    lam: float
    """λ of DyMoS."""
    step_ratio: float
    """Fraction of the steps it modulates."""

    @property
    def ours(self) -> Sweep:
        """DyMoS."""
        return Sweep(lams=(self.lam,), step_ratio=self.step_ratio)

    @property
    def needs(self) -> dict[str, tuple[Sweep, ...]]:
        """DyMoS and ALG."""
        return {self.pair: (self.ours, ALG)}
