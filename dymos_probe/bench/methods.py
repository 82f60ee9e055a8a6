"""The ways of generating that are timed, and what each leaves behind to show that it did what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from dymos_probe.bias import Bias
from dymos_probe.errors import InputError, ProbeError
from dymos_probe.pairs import Pair
from dymos_probe.runs.intervene import DEFAULT_STEP_RATIO
from dymos_probe.tap import Tap, attach

METHODS: Final = ("baseline", "dymos", "observe", "fused")
"""``baseline`` is the untouched pipeline; ``dymos`` modulates; ``observe`` and ``fused`` record everything."""

DEFAULT_LAM: Final = 1.0
"""λ of a pair for which none is published."""

Branches = Literal["cond", "both"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way of generating."""

    name: str
    """One of `METHODS`."""
    attached: Mapping[str, Any] | None = None
    """Arguments of ``attach``; None leaves the pipeline alone."""
    changes: bool = False
    """Whether its video differs from the untouched one."""

    def around(self, pipe: Any) -> AbstractContextManager[Tap | None]:
        """Return what the pipeline call is to run under."""
        return nullcontext() if self.attached is None else attach(pipe, **self.attached)


def methods(names: Sequence[str], pair: Pair, branches: Branches) -> tuple[Method, ...]:
    """Return the methods named, in the order of `METHODS`; the baseline is always among them.

    Raises
    ------
    InputError
        When a name or ``branches`` is unknown.
    """
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise InputError(f"method {unknown[0]!r} is unknown; choose from {', '.join(METHODS)}")
    if branches not in ("cond", "both"):
        raise InputError(f"branches {branches!r} is unknown; choose cond or both")
    bias = bias_of(pair)
    every = (
        Method(name="baseline"),
        Method(name="dymos", attached={"record": False, "bias": bias}, changes=True),
        Method(name="observe", attached={"record": "observe", "branches": branches}),
        Method(name="fused", attached={"record": "fused", "branches": branches}),
    )
    return tuple(method for method in every if method.name in {"baseline", *names})


def bias_of(pair: Pair) -> Bias:
    """Return the modulation a pair is published with, λ = 1 and step ratio 0.2 where it has none."""
    preset = pair.preset
    if preset is None:
        return Bias(lam=DEFAULT_LAM, step_ratio=DEFAULT_STEP_RATIO)
    return Bias(
        lam=DEFAULT_LAM if preset.lam is None else preset.lam,
        step_ratio=DEFAULT_STEP_RATIO if preset.step_ratio is None else preset.step_ratio,
        schedule=preset.schedule,
    )


def done(method: Method, tap: Tap | None, steps: int) -> str:
    """Return in words what a method did in one run of ``steps`` steps, read off the tap where it recorded.

    Raises
    ------
    ProbeError
        When a record is not of every step, or holds a number that is not finite.
    """
    if tap is None or method.attached is None:
        return "untouched"
    bias: Bias | None = method.attached.get("bias")
    if bias is not None:
        return f"λ={bias.lam:g} in {bias.modulated_steps(steps)} of {steps} steps"
    recording = tap.recording
    _, branches, recorded, layers, heads = recording.attention.shape[:5]
    if recorded != steps or not np.isfinite(recording.attention).all():
        raise ProbeError(f"{method.name} recorded {recorded} of {steps} steps, or numbers that are not finite")
    counted = " and ".join(recording.branches) if branches > 1 else recording.branches[0]
    return f"recorded {recorded} steps × {layers} layers × {heads} heads, {counted}"
