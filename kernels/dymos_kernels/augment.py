"""Biased attention as plain attention over a few more channels, for back ends that offer nothing else.

The product of a query channel that holds the bias of its frame and a key channel that marks the
key frame is the bias. What masks a key is a channel too, so the call has no mask and any
attention that computes softmax(q·k)·v does it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dymos_kernels.checks import Problem
from dymos_kernels.indicators import indicators, read
from dymos_kernels.layout import FrameMass

INFINITE = 2.0**11
"""Natural-log units that stand for infinity: e⁻²⁰⁴⁸ is 0, and float16 holds it divided by any usual scale."""
LARGEST = 6e4
"""What a channel may hold, just below the largest float16."""
PARTS = {torch.float32: 1, torch.float64: 1, torch.float16: 2, torch.bfloat16: 3}
"""Channels that together hold a number to float32's precision, each what the one before rounded away."""
ALIGNMENT = 8
"""Head sizes that attention back ends take at full speed are multiples of this."""


class Channel(NamedTuple):
    """A term of the logits: every key that is a loser loses the query's amount."""

    amount: Tensor
    """(B|1, H|1, N) by query, natural-log units, not negative."""
    losers: Tensor
    """(B|1, 1, N) bool by key."""


def attend(problem: Problem, *, output: bool, mass: bool) -> tuple[Tensor | None, FrameMass | None]:
    """Return attention output and frame mass, each where asked for."""
    channels = _channels(problem)
    parts, dim = PARTS[problem.q.dtype], problem.q.shape[-1]
    value_dim = problem.v.shape[-1] if output else 0
    last = value_dim + (problem.layout.frames + 1 if mass else 0)
    width = max(dim + parts * len(channels), last)
    width += -width % ALIGNMENT

    q, k = _widened(problem.q, dim, width), _widened(problem.k, dim, width)
    v = _widened(problem.v, value_dim, width)
    if problem.key_mask is not None:
        # Whatever a masked key holds, the channel alone decides.
        masked = ~problem.key_mask[:, None, :, None]
        k.masked_fill_(masked, 0.0)
        v.masked_fill_(masked, 0.0)
    for number, channel in enumerate(channels):
        here = slice(dim + number * parts, dim + (number + 1) * parts)
        q[..., here] = _split(channel.amount / problem.scale, problem.q.dtype)
        k[..., here] = -channel.losers.unsqueeze(-1).to(k.dtype)
    if mass:
        v[..., value_dim:last] = indicators(problem)
    attended = F.scaled_dot_product_attention(q, k, v, scale=problem.scale)
    out = attended[..., :value_dim] if output else None
    return out, read(problem, attended[..., value_dim:last]) if mass else None


def _widened(tensor: Tensor, dim: int, width: int) -> Tensor:
    """Return a copy of the first ``dim`` channels with zeros behind them."""
    return F.pad(tensor[..., :dim], (0, width - dim)) if width > dim else tensor.clone()


def _channels(problem: Problem) -> list[Channel]:
    """Return what the bias and the key mask take from the logits."""
    layout, length, q = problem.layout, problem.length, problem.q
    channels = []
    if problem.bias is not None:
        of_key_frame = torch.zeros(1, 1, length, dtype=torch.bool, device=q.device)
        of_key_frame[..., slice(*layout.span(problem.key_frame))] = True
        lost = layout.sequence_rows(problem.bias.float().clamp(-INFINITE, INFINITE), length)
        # A negative shift lowers all other keys, so that a large one costs no bits where the mass goes.
        channels.append(Channel(lost.clamp(min=0), of_key_frame))
        channels.append(Channel(-lost.clamp(max=0), ~of_key_frame))
    if problem.key_mask is not None:
        everywhere = torch.full((1, 1, length), INFINITE, device=q.device)
        channels.append(Channel(everywhere, ~problem.key_mask[:, None, :]))
    return [channel for channel in channels if channel.amount.any()]


def _split(amount: Tensor, dtype: torch.dtype) -> Tensor:
    """Return numbers (…, N) as (…, N, parts) in ``dtype`` that sum to them."""
    left, parts = amount.clamp(max=LARGEST), []
    for _ in range(PARTS[dtype]):
        parts.append(left.to(dtype))
        left = left - parts[-1].to(left.dtype)
    return torch.stack(parts, -1)
