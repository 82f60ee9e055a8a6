"""How far a job is: one small value, replaced whole on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Status = Literal["queued", "running", "done", "cancelled", "failed"]
Phase = Literal["loading", "denoising", "decoding"]
Kind = Literal["memory", "disk", "environment", "input", "crash", "defect"]


@dataclass(frozen=True, kw_only=True)
class State:
    """How far a job is; times are seconds since 1970."""

    status: Status = "queued"
    """The last three are for good."""
    submitted: float = 0.0
    """When it was submitted."""
    started: float | None = None
    """When a worker took it (the last one, if one died over it)."""
    ended: float | None = None
    """When it was done, cancelled or failed."""
    updated: float = 0.0
    """When this was written; long ago in a running job: the step is long, or the model is being loaded."""
    phase: Phase | None = None
    """What a running job is doing."""
    run: int = 0
    """Which run of the job is being made, from 1; 0 before the first."""
    runs: int = 0
    """How many runs the job has."""
    condition: str = ""
    """Id of the condition of that run: ``t2v``, ``i2v`` (λ = 0), ``i2v_lam0.6_ratio0.2`` …"""
    step: int = 0
    """Denoising steps of this run that are done."""
    steps: int = 0
    """Denoising steps of a run."""
    steps_before: int = 0
    """Denoising steps of the runs that are done or were there."""
    step_seconds: float | None = None
    """Measured seconds a denoising step, median."""
    seconds_left: float | None = None
    """Estimate until the job is done; None while nothing is known to estimate from."""
    estimate_from: str = ""
    """What that estimate stands on: ``this job``, or ``earlier jobs``."""
    preview: str = ""
    """What ``preview.png`` shows, in words; empty where there is none."""
    kind: Kind | None = None
    """Of a failed job: what kind of failure."""
    message: str = ""
    """A sentence on what happened."""
    remedy: str = ""
    """A sentence on what to do about it."""
    attempts: int = 0
    """How often a worker began it."""
    device: str = ""
    """Device its worker was started for: with it goes the lock that tells a living worker from a dead one."""
    overhead_seconds: float | None = None
    """Measured seconds of a run outside its denoising steps: loading, encoding, decoding, writing; mean."""
    workload: str = ""
    """Pair, size and machine: jobs that share it take about the same seconds a step."""
    hardware: str = ""
    """Name of what it ran on."""
    pid: int | None = None
    """Process id of that worker."""

    @property
    def ended_for_good(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ("done", "cancelled", "failed")

    @property
    def progress(self) -> float:
        """Fraction of all denoising steps that are done, in [0, 1]."""
        total = self.runs * self.steps
        if self.status == "done":
            return 1.0
        return min(1.0, (self.steps_before + self.step) / total) if total else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> State:
        """Return the state that :meth:`to_json` wrote."""
        return cls(**{field.name: document[field.name] for field in fields(cls) if field.name in document})
