"""The operations, and which implementation computes them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

import torch
from torch import Tensor

from dymos_kernels import augment, flash, flex, lse, reference, triton_attention, triton_runtime
from dymos_kernels.checks import Problem, check
from dymos_kernels.layout import FrameLayout, FrameMass
from dymos_kernels.measured import Choice, Operation, Setting, fastest, measurements

ANY: frozenset[Operation] = frozenset(("biased_attention", "frame_mass", "attention_with_mass"))

logger = logging.getLogger("dymos_kernels")


class Attend(Protocol):
    """What an implementation is: the problem in; output and mass out, each where asked for."""

    def __call__(self, problem: Problem, *, output: bool, mass: bool) -> tuple[Tensor | None, FrameMass | None]:
        """Compute what is asked for."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """One way to compute every operation."""

    attend: Attend
    runs_on: Callable[[torch.device], bool] = lambda device: True
    automatic: frozenset[Operation] = frozenset()
    """Operations for which ``auto`` may take it."""


IMPLEMENTATIONS: dict[str, Implementation] = {
    "lse": Implementation(attend=lse.attend, runs_on=flash.runs_on, automatic=ANY),
    "chunked": Implementation(attend=partial(reference.attend, dtype=torch.float32), automatic=ANY),
    "triton": Implementation(attend=triton_attention.attend, runs_on=triton_runtime.runs_on, automatic=ANY),
    # Their masses have the precision of the output, and FlexAttention compiles for a minute.
    "augment": Implementation(attend=augment.attend, automatic=frozenset(("biased_attention",))),
    "flex": Implementation(attend=flex.attend),
    "reference": Implementation(attend=partial(reference.attend, dtype=torch.float64)),
}


def implementations(device: torch.device | str | None = None) -> tuple[str, ...]:
    """Return the names that ``impl`` takes on tensors of ``device``, besides ``"auto"``; None: of any here."""
    if device is None:
        devices = [torch.device(kind) for kind in ("cpu", "cuda") if kind == "cpu" or torch.cuda.is_available()]
    else:
        devices = [torch.device(device)]
    return tuple(name for name, each in IMPLEMENTATIONS.items() if any(map(each.runs_on, devices)))


def choose(operation: Operation, q: Tensor, layout: FrameLayout) -> Choice:
    """Return what ``impl="auto"`` takes for ``operation`` on queries like ``q`` (B, H, N, D), and why.

    The fastest where the benchmark measured nearest to this device, dtype and shape
    (``dymos_kernels.measured``); in float64 the specification, the one that computes in it
    everywhere. The choice is logged once, as ``INFO`` of ``dymos_kernels``.
    """
    setting = Setting(
        device_type=q.device.type,
        threads=torch.get_num_threads() if q.device.type == "cpu" else 1,
        dtype=str(q.dtype).removeprefix("torch."),
        length=q.shape[2],
        tokens=layout.tokens,
        dim=q.shape[3],
    )
    return _choose(operation, setting)


@lru_cache(maxsize=1024)
def _choose(operation: Operation, setting: Setting) -> Choice:
    here = implementations(setting.device_type)
    among = [name for name in here if operation in IMPLEMENTATIONS[name].automatic]
    if setting.dtype == "float64":
        choice = Choice("reference", "it is asked for in float64")
    else:
        unmeasured = f"nothing was measured on {setting.device_type} yet"
        default = Choice("lse" if "lse" in among else "chunked", unmeasured)
        choice = fastest(operation, setting, among, measurements()) or default
    logger.info("%s at %s: %s, %s", operation, setting, choice.impl, choice.because)
    return choice


def biased_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    layout: FrameLayout,
    bias: Tensor,
    *,
    key_frame: int = 0,
    key_mask: Tensor | None = None,
    scale: float | None = None,
    impl: str = "auto",
) -> Tensor:
    """Return attention in which one key frame is biased by query frame (Eq. 6).

    Parameters
    ----------
    q, k, v
        (B, H, N, D), (B, H, N, D), (B, H, N, Dv), one of float32, bfloat16, float16, float64.
    layout
        Where the frames are among the N tokens; the rest is text.
    bias
        (B or 1, H or 1, F), floating point, λ·φ in natural-log units: what the scaled logits of
        ``key_frame`` lose for video queries of each frame. +inf removes the key frame, -inf
        leaves nothing else. Text queries are untouched.
    key_frame
        Latent frame whose keys are biased.
    key_mask
        (B, N) bool, True where a key may be attended; only text may be masked.
    scale
        Factor on the logits, D ** -0.5 by default.
    impl
        One of ``implementations()``, or ``"auto"`` for the one that ``choose`` names.

    Returns
    -------
    Tensor
        (B, H, N, Dv) in the dtype of ``v``.

    Raises
    ------
    ValueError
        When arguments do not fit together, ``impl`` is unknown, or the bias leaves a query no key.
    RuntimeError
        When a gradient is asked for: the computation is forward only.
    """
    problem = check(q, k, v, layout, bias, key_frame, key_mask, scale)
    out, _ = _run("biased_attention", impl, problem)
    assert out is not None
    return out


def frame_mass(
    q: Tensor,
    k: Tensor,
    layout: FrameLayout,
    bias: Tensor | None = None,
    *,
    key_frame: int = 0,
    key_mask: Tensor | None = None,
    scale: float | None = None,
    impl: str = "auto",
) -> FrameMass:
    """Return the attention mass between frames (Eq. 8) without the attention output.

    Parameters and errors are those of ``biased_attention``; without ``bias`` it is the
    mass of the untouched attention.

    Returns
    -------
    FrameMass
        ``mass`` (B, H, F, F) and ``text`` (B, H, F), float32; ``mass.sum(-1) + text`` is 1.
    """
    problem = check(q, k, None, layout, bias, key_frame, key_mask, scale)
    _, mass = _run("frame_mass", impl, problem)
    assert mass is not None
    return mass


def attention_with_mass(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    layout: FrameLayout,
    bias: Tensor | None = None,
    *,
    key_frame: int = 0,
    key_mask: Tensor | None = None,
    scale: float | None = None,
    impl: str = "auto",
) -> tuple[Tensor, FrameMass]:
    """Return attention output and frame mass (Eqs. 6 and 8) from one pass.

    Parameters and errors are those of ``biased_attention``; without ``bias`` it is plain attention.

    Returns
    -------
    tuple of Tensor and FrameMass
        (B, H, N, Dv) in the dtype of ``v``; ``mass`` (B, H, F, F) and ``text`` (B, H, F), float32.
    """
    problem = check(q, k, v, layout, bias, key_frame, key_mask, scale)
    out, mass = _run("attention_with_mass", impl, problem)
    assert out is not None and mass is not None
    return out, mass


def frame_response(
    q: Tensor,
    k: Tensor,
    layout: FrameLayout,
    responses: Tensor,
    *,
    key_frame: int = 0,
    key_mask: Tensor | None = None,
    scale: float | None = None,
    impl: str = "auto",
) -> FrameMass:
    """Return the attention mass between frames (Eq. 8) under each of several biases, from one unbiased pass.

    It is what ``frame_mass`` gives for each bias; no attention is computed a second time. Of a
    model it is the direct effect: what a bias does to attention while queries and keys stay.

    Parameters
    ----------
    responses
        (L, B or 1, H or 1, F), each as ``bias`` of ``biased_attention``.

    Returns
    -------
    FrameMass
        ``mass`` (L, B, H, F, F) and ``text`` (L, B, H, F), float32.
    """
    problem = check(q, k, None, layout, None, key_frame, key_mask, scale, responses)
    _, mass = _run("frame_mass", impl, problem)
    assert mass is not None
    return mass


def attention_with_response(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    layout: FrameLayout,
    responses: Tensor,
    *,
    key_frame: int = 0,
    key_mask: Tensor | None = None,
    scale: float | None = None,
    impl: str = "auto",
) -> tuple[Tensor, FrameMass]:
    """Return plain attention and, from the same pass, what ``frame_response`` returns.

    Returns
    -------
    tuple of Tensor and FrameMass
        (B, H, N, Dv) in the dtype of ``v``; ``mass`` (L, B, H, F, F) and ``text`` (L, B, H, F), float32.
    """
    problem = check(q, k, v, layout, None, key_frame, key_mask, scale, responses)
    out, mass = _run("attention_with_mass", impl, problem)
    assert out is not None and mass is not None
    return out, mass


def _run(operation: Operation, impl: str, problem: Problem) -> tuple[Tensor | None, FrameMass | None]:
    """Compute with the implementation named; output and mass are there where the operation has them."""
    device = problem.q.device
    name = choose(operation, problem.q, problem.layout).impl if impl == "auto" else impl
    if name not in (known := implementations(device)):
        raise ValueError(f"impl {impl!r} is not available on {device.type}; choose one of auto, {', '.join(known)}")
    output, mass = operation != "frame_mass", operation != "biased_attention"
    # Autocast would take the float32 products of a float16 pipeline back to float16.
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        return IMPLEMENTATIONS[name].attend(problem, output=output, mass=mass)
