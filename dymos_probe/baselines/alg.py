"""ALG, adaptive low-pass guidance, as a value: how the reference image is filtered, how strongly, and when."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar, get_args

import torch

from dymos_probe.baselines.low_pass import down_up, gaussian_blur, odd_kernel_size
from dymos_probe.baselines.strength import exponential, interval, linear, step_fraction
from dymos_probe.baselines.three_branches import ThreeBranches
from dymos_probe.errors import InputError
from dymos_probe.families import Family, denoisers

Filter = Literal["down_up", "gaussian_blur"]
Strength = Literal["interval", "linear", "exponential", "none"]

_T = TypeVar("_T")

_TAKES: dict[str, dict[str, float]] = {
    "down_up": {"resize_factor": 0.4},
    "gaussian_blur": {"blur_sigma": 1.0, "blur_kernel_size": 5},
    "interval": {"interval_start": 0.0, "interval_end": 0.2},
    "linear": {"linear_start_weight": 1.0, "linear_end_weight": 0.0, "linear_end_time": 0.5},
    "exponential": {"exp_decay_rate": 10.0},
    "none": {},
}
"""What each filter and strength takes, with an example for messages."""


@dataclass(frozen=True, kw_only=True)
class ALG:
    """Low-pass filter the reference image that an image-to-video pipeline is conditioned on, while it guides.

    In a step whose weight w is above 0 the prediction is v(x,∅,c) + g·[v(x,p,LP(c)) − v(x,∅,LP(c))], at the
    cost of one more forward; any other step is untouched. Without classifier-free guidance such a step is the
    single pass v(x,p,LP(c)), as the published HunyuanVideo setting is. c is the image as the transformer gets
    it, in latent space: the channels joined to the noise (CogVideoX, Wan 2.1 and A14B, HunyuanVideo), or latent
    frame 0 where that is replaced by the image (HunyuanVideo 1.0 ``token_replace``, Wan TI2V-5B). Mask channels
    are constant, so no filter changes them, and image embeddings (CLIP, SigLIP, Llava) are not filtered.

    Formulas, names and settings are those of https://github.com/choi403/ALG; filtering pixels before the VAE is
    left out, and so is a kernel size that follows w. A parameter of another filter or strength than the chosen
    one would do nothing and is refused, so that two values that act alike are equal.

    Raises
    ------
    InputError
        When a value is outside its range, missing, or without effect; the message names it.

    Examples
    --------
    >>> ALG(resize_factor=0.4, interval_end=0.2).active_steps(50)
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    """

    filter: Filter = "down_up"
    """``down_up``: resized down and up again, bilinear; or ``gaussian_blur``."""
    resize_factor: float | None = None
    """r₀ of ``down_up`` in (0, 1]: planes go down to r = 1 − (1 − r₀)·w of their sides; 1 filters nothing."""
    blur_sigma: float | None = None
    """σ₀ of ``gaussian_blur`` in latent pixels: σ = σ₀·w; 0 filters nothing."""
    blur_kernel_size: int | float | None = None
    """Side of the blur's kernel: latent pixels as an int, or a float in (0, 1) of the plane's height; made odd."""
    strength: Strength = "interval"
    """w over s = step/(steps − 1): ``interval`` 1 inside, 0 outside; ``linear``; ``exponential``; ``none`` always 1."""
    interval_start: float = 0.0
    """First s of ``interval``, inclusive."""
    interval_end: float | None = None
    """Last s of ``interval``, inclusive."""
    linear_start_weight: float | None = None
    """w of ``linear`` at s = 0."""
    linear_end_weight: float | None = None
    """w of ``linear`` from ``linear_end_time`` on."""
    linear_end_time: float | None = None
    """s in (0, 1] at which ``linear`` has come to its end."""
    exp_decay_rate: float | None = None
    """r of ``exponential``, w = exp(−r·s)."""

    def __post_init__(self) -> None:
        """Refuse what is unknown, missing, without effect, or out of range."""
        for name, choices in (("filter", get_args(Filter)), ("strength", get_args(Strength))):
            if getattr(self, name) not in choices:
                raise InputError(f"{name} {getattr(self, name)!r} is unknown; choose one of {', '.join(choices)}")
        for name in ("filter", "strength"):
            for parameter, example in _TAKES[getattr(self, name)].items():
                if getattr(self, parameter) is None:
                    raise InputError(
                        f"{name} {getattr(self, name)!r} needs {parameter}; give it, such as {parameter} {example:g}"
                    )
        for each in fields(self):
            if each.name not in ("filter", "strength", *self._parameters) and getattr(self, each.name) != each.default:
                raise InputError(
                    f"{each.name} {getattr(self, each.name)} does nothing with filter {self.filter!r} and strength "
                    f"{self.strength!r}, which take {', '.join(self._parameters)}"
                )
        for name in self._parameters:
            self._check_range(name)
        if self.interval_end is not None and self.interval_start > self.interval_end:
            raise InputError(
                f"interval_start {self.interval_start:g} is after interval_end {self.interval_end:g}; swap them"
            )

    @property
    def _parameters(self) -> tuple[str, ...]:
        return (*_TAKES[self.filter], *_TAKES[self.strength])

    def _check_range(self, name: str) -> None:
        value = getattr(self, name)
        if name == "blur_kernel_size" and isinstance(value, int):
            if isinstance(value, bool) or value < 1:
                raise InputError(f"blur_kernel_size {value} must be at least 1; 5 is five latent pixels")
        elif name in ("blur_sigma", "exp_decay_rate"):
            if not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"{name} {value} must be a number of at least 0")
        elif name == "blur_kernel_size":
            if not 0.0 < value < 1.0:  # 1.0 would equal the 1 of a pixel
                raise InputError(
                    f"blur_kernel_size {value} is outside (0, 1); for latent pixels give an int, such as 5"
                )
        elif name in ("resize_factor", "linear_end_time"):
            if not 0.0 < value <= 1.0:
                raise InputError(f"{name} {value} is outside (0, 1]")
        elif not 0.0 <= value <= 1.0:
            raise InputError(f"{name} {value} is outside [0, 1]")

    def weight(self, step: int, steps: int) -> float:
        """Return w of ``step`` (0-based, of ``steps``) in [0, 1]; 0 where nothing is filtered."""
        if self.resize_factor == 1.0 or self.blur_sigma == 0.0:
            return 0.0
        fraction = step_fraction(step, steps)
        if self.strength == "interval":
            return interval(fraction, start=self.interval_start, end=_given(self.interval_end))
        if self.strength == "linear":
            return linear(
                fraction,
                start_weight=_given(self.linear_start_weight),
                end_weight=_given(self.linear_end_weight),
                end_time=_given(self.linear_end_time),
            )
        return exponential(fraction, decay_rate=_given(self.exp_decay_rate)) if self.strength == "exponential" else 1.0

    def active_steps(self, steps: int) -> tuple[int, ...]:
        """Return the steps, 0-based of ``steps``, that are filtered and (under guidance) run one forward more."""
        return tuple(step for step in range(steps) if self.weight(step, steps) > 0.0)

    def low_pass(self, planes: torch.Tensor, weight: float) -> torch.Tensor:
        """Return LP of ``planes`` (..., H, W) at weight w, of their shape and type.

        Raises
        ------
        InputError
            When a blur kernel does not fit into the planes.
        """
        if self.filter == "down_up":
            return down_up(planes, 1.0 - (1.0 - _given(self.resize_factor)) * weight)
        size = odd_kernel_size(_given(self.blur_kernel_size), planes.shape[-2])
        return gaussian_blur(planes, _given(self.blur_sigma) * weight, size)

    def begin(self, pipe: Any, family: Family) -> ThreeBranches:
        """Return the guidance of one call of ``pipe``.

        Raises
        ------
        InputError
            When the pipeline takes no reference image, or ``family`` does not say where its latents are.
        """
        if type(pipe).__name__ not in family.pipelines["i2v"]:
            raise InputError(
                f"ALG filters the reference image, which {type(pipe).__name__} has not; "
                f"give {' or '.join(family.pipelines['i2v'])}"
            )
        for transformer in denoisers(pipe):
            family.image_latents(transformer)
        return ThreeBranches(strength=self.weight, low_pass=self.low_pass, where=family.image_latents)


def _given(value: _T | None) -> _T:
    assert value is not None  # __post_init__ made sure of it
    return value
