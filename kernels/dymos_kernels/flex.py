"""Biased attention by FlexAttention, the bias table captured as a tensor, as the paper's authors did it.

For comparison. Compiled once a shape, not once a λ: a captured tensor is an input of the graph,
a captured Python number would be a constant of it.
https://pytorch.org/docs/stable/nn.attention.flex_attention.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from dymos_kernels.checks import Problem
from dymos_kernels.indicators import indicators, read
from dymos_kernels.layout import FrameMass

INFINITE = 1e4
"""Natural-log units that stand for infinity: exponentials are exactly 0, and no block of keys is without a maximum."""


def attend(problem: Problem, *, output: bool, mass: bool) -> tuple[Tensor | None, FrameMass | None]:
    """Return attention output and frame mass, each where asked for."""
    value_dim = problem.v.shape[-1] if output else 0
    values = problem.v[..., :value_dim]
    if mass:
        marks = indicators(problem).expand(*values.shape[:2], -1, -1)
        values = torch.cat((values, marks), -1) if output else marks.contiguous()
    attended = compiled()(problem.q, problem.k, values, score_mod=_score(problem), scale=problem.scale)
    out = attended[..., :value_dim] if output else None
    return out, read(problem, attended[..., value_dim:]) if mass else None


@cache
def compiled() -> Callable[..., Any]:
    """Return FlexAttention, compiled when it is first called with a shape."""
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)


def _score(problem: Problem) -> Callable[..., Tensor] | None:
    """Return the score modification of the problem, or None where nothing is biased or masked."""
    layout, key_mask = problem.layout, problem.key_mask
    if problem.bias is None and key_mask is None:
        return None
    batch, heads, length, _ = problem.q.shape
    first, last = layout.span(problem.key_frame)
    bias = problem.q.new_zeros((1, 1, layout.frames), dtype=torch.float32) if problem.bias is None else problem.bias
    lost = layout.sequence_rows(bias.float().clamp(-INFINITE, INFINITE), length).expand(batch, heads, length)
    allowed = torch.ones(1, length, dtype=torch.bool, device=bias.device) if key_mask is None else key_mask
    allowed = allowed.expand(batch, length)

    def score(logit: Tensor, b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        shift = lost[b, h, query]
        of_key_frame = (key >= first) & (key < last)
        # A negative shift lowers all other keys, so that a large one costs no bits where the mass goes.
        shifted = logit - torch.where(of_key_frame, shift.clamp(min=0), -shift.clamp(max=0))
        return torch.where(allowed[b, key], shifted, -torch.inf)

    return score
