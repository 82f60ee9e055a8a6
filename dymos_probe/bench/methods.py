"""The ways of generating that are timed, and what each leaves behind to show that it did what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from dymos_probe.baselines import ALG, published
from dymos_probe.bias import Bias
from dymos_probe.errors import InputError, ProbeError
from dymos_probe.pairs import Pair
from dymos_probe.runs.intervene import DEFAULT_STEP_RATIO
from dymos_probe.tap import Tap, attach

METHODS: Final = ("baseline", "dymos", "alg", "observe", "fused")
"""``baseline`` is the untouched pipeline; ``dymos`` modulates attention, ``alg`` filters the reference image as the
paper's competitor does; ``observe`` and ``fused`` record everything."""

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


def check_names(names: Sequence[str] | None, branches: str) -> None:
    """Refuse methods and branches that do not exist.

    Raises
    ------
    InputError
        Naming the first, and those there are.
    """
    unknown = [name for name in names or () if name not in METHODS]
    if unknown:
        raise InputError(f"method {unknown[0]!r} is unknown; choose from {', '.join(METHODS)}")
    if branches not in ("cond", "both"):
        raise InputError(f"branches {branches!r} is unknown; choose cond or both")


def methods(names: Sequence[str] | None, pair: Pair, family: str, branches: Branches) -> tuple[Method, ...]:
    """Return the methods named, in the order of `METHODS`; the baseline is always among them.

    Parameters
    ----------
    names
        Some of `METHODS`; None takes all that there are for the pair.
    family
        Name of the architecture family of the pair.
    branches
        Which guidance branches ``observe`` and ``fused`` record.

    Raises
    ------
    InputError
        When ``alg`` is asked for and is not published for the family.
    """
    every = {
        "baseline": Method(name="baseline"),
        "dymos": Method(name="dymos", attached={"record": False, "bias": bias_of(pair)}, changes=True),
        "observe": Method(name="observe", attached={"record": "observe", "branches": branches}),
        "fused": Method(name="fused", attached={"record": "fused", "branches": branches}),
    }
    try:
        alg = published(family, pair.preset.name if pair.preset is not None else None)
        every["alg"] = Method(name="alg", attached={"record": False, "alg": alg}, changes=True)
    except InputError:
        if names is not None and "alg" in names:
            raise
    chosen = METHODS if names is None else ("baseline", *names)
    return tuple(every[name] for name in METHODS if name in chosen and name in every)


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
    alg: ALG | None = method.attached.get("alg")
    if alg is not None:
        return f"image filtered in {len(alg.active_steps(steps))} of {steps} steps"
    recording = tap.recording
    _, branches, recorded, layers, heads = recording.attention.shape[:5]
    if recorded != steps or not np.isfinite(recording.attention).all():
        raise ProbeError(f"{method.name} recorded {recorded} of {steps} steps, or numbers that are not finite")
    counted = " and ".join(recording.branches) if branches > 1 else recording.branches[0]
    return f"recorded {recorded} steps × {layers} layers × {heads} heads, {counted}"
