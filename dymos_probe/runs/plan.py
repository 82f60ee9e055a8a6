"""What is to be generated: samples, conditions, and the runs of a study that are still missing."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dymos_probe.baselines import ALG
from dymos_probe.bias import Bias
from dymos_probe.errors import InputError
from dymos_probe.families import Arm
from dymos_probe.store import Condition, Sample

_SLUG_LENGTH = 40
_ID_LENGTH = 120


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of generating: an arm of the pair, untouched, with a bias, or with ALG.

    Raises
    ------
    InputError
        When it has both, or ALG on the T2V arm.
    """

    arm: Arm
    bias: Bias | None = None
    alg: ALG | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        if self.alg is not None and self.arm != "i2v":
            raise InputError(f"arm {self.arm!r} has no reference image for ALG to filter; choose i2v")
        if self.alg is not None and self.bias is not None:
            raise InputError(f"a bias (λ = {self.bias.lam:g}) and ALG are given; a condition has one of the two")

    @property
    def untouched(self) -> bool:
        """Whether it is the model as it is."""
        return self.bias is None and self.alg is None

    @property
    def id(self) -> str:
        """A name that says all that differs from the untouched arm, such as ``i2v_lam0.6_ratio0.2``."""
        if self.alg is not None:
            return "_".join([self.arm, "alg", *_alg_parts(self.alg)])
        if self.bias is None:
            return self.arm
        bias = self.bias
        parts = [self.arm, f"lam{_number(bias.lam)}", f"ratio{_number(bias.step_ratio)}"]
        if bias.schedule != "uniform":
            parts.append(bias.schedule_name)
        for letter, chosen in (("L", bias.layers), ("H", bias.heads), ("Q", bias.query_frames)):
            if chosen is not None:
                parts.append(letter + format_indices(chosen))
        if bias.key_frame:
            parts.append(f"K{bias.key_frame}")
        if set(bias.branches) != {"cond"}:
            parts.append("+".join(sorted(bias.branches)))
        if not bias.exempt_reference_queries:
            parts.append("allqueries")
        name = "_".join(parts)
        if len(name) <= _ID_LENGTH:
            return name
        # It names a file, which has room for 255 bytes.
        return f"{name[: _ID_LENGTH - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    @property
    def condition(self) -> Condition:
        """The row of the study's condition coordinates; ALG leaves those of a bias empty, its id says the rest."""
        if self.alg is not None:
            return Condition(
                id=self.id,
                arm=self.arm,
                lam=math.nan,
                step_ratio=math.nan,
                schedule="",
                method="alg",
                key_frame=-1,
                branches="",
                layers="",
                heads="",
            )
        bias = self.bias or Bias(lam=0.0, step_ratio=0.0)
        return Condition(
            id=self.id,
            arm=self.arm,
            lam=bias.lam,
            step_ratio=bias.step_ratio,
            schedule=bias.schedule_name,
            method="none" if self.bias is None else "dymos",
            key_frame=bias.key_frame,
            branches="+".join(sorted(bias.branches)),
            layers=format_indices(bias.layers),
            heads=format_indices(bias.heads),
            query_frames=self._query_frames(bias),
        )

    @staticmethod
    def _query_frames(bias: Bias) -> str:
        everywhere = bias.query_frames is None and not bias.exempt_reference_queries
        return "all" if everywhere else format_indices(bias.query_frames)


@dataclass(frozen=True)
class RunRequest:
    """One sample under one condition."""

    sample: Sample
    way: Way


T2V = Way(arm="t2v")
I2V = Way(arm="i2v")


def make_sample(prompt: str, seed: int, image: bytes | None = None) -> Sample:
    """Return the sample of a prompt, a seed and (as file content) the user's own reference image.

    Two samples share an id only if all three are the same.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")[:_SLUG_LENGTH].rstrip("-") or "sample"
    content = hashlib.sha256(prompt.encode() + b"\0" + (image or b"")).hexdigest()[:6]
    name = f"{slug}-{content}-s{seed}"
    return Sample(id=name, prompt=prompt, seed=seed, image=f"images/{name}.png")


def ways(lams: Iterable[float], *, arm: Arm = "i2v", **bias: Any) -> tuple[Way, ...]:
    """Return one way for each λ; λ = 0, or a bias in no step, is the untouched arm."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, (list, range)) else value for name, value in bias.items()
    }
    biases = [Bias(lam=float(lam), **fields) for lam in lams]
    acting = [b if b.lam != 0.0 and b.step_ratio > 0.0 else None for b in biases]
    return tuple(dict.fromkeys(Way(arm=arm, bias=b) for b in acting))


def all_runs(samples: Sequence[Sample], wanted: Sequence[Way]) -> tuple[RunRequest, ...]:
    """Return every sample under every way, T2V before I2V, so that one model is loaded at a time."""
    by_arm = sorted(wanted, key=lambda way: way.arm != "t2v")
    return tuple(RunRequest(sample, way) for way in by_arm for sample in samples)


def shares(runs: Sequence[RunRequest], count: int) -> tuple[tuple[RunRequest, ...], ...]:
    """Return ``runs`` dealt to at most ``count`` workers, none of them empty."""
    return tuple(tuple(runs[i::count]) for i in range(min(count, len(runs))))


def format_indices(indices: Sequence[int] | None) -> str:
    """Return indices as ``0-9,12``, and None (all) as the empty string."""
    if indices is None:
        return ""
    spans: list[list[int]] = []
    for index in sorted(indices):
        if spans and index == spans[-1][1] + 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _alg_parts(alg: ALG) -> tuple[str, str]:
    """Return filter and strength of ALG as text, such as ``resize0.25`` and ``0-0.04``."""
    # The kind of a kernel size matters: 1 is a pixel, 1.0 the height of the plane.
    passes = f"blur{_number(alg.blur_sigma or 0.0)}k{alg.blur_kernel_size!r}"
    strengths = {
        "interval": (alg.interval_start, alg.interval_end),
        "linear": (alg.linear_start_weight, alg.linear_end_weight, alg.linear_end_time),
        "exponential": (alg.exp_decay_rate,),
        "none": (),
    }
    numbers = "-".join(_number(value or 0.0) for value in strengths[alg.strength])
    named = {"interval": numbers, "none": "always"}
    return (
        passes if alg.filter == "gaussian_blur" else f"resize{_number(alg.resize_factor or 0.0)}",
        named.get(alg.strength, f"{alg.strength}{numbers}"),
    )


def _number(value: float) -> str:
    """Return the shortest text that reads back as ``value``, so that two strengths never share a name."""
    return repr(float(value)).removesuffix(".0")
