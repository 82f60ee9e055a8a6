"""From what each query row gives to each frame and to the text to frame mass, under any bias.

A bias shifts the logarithm of one frame's share in a row and leaves the others as they are,
so the shares of one pass hold the masses of every bias.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dymos_kernels.checks import Problem
from dymos_kernels.layout import FrameMass

HUGE = 1e30
"""Stands for infinity among log-sum-exps: its exponentials are exactly 0 and its differences are never NaN."""


def frame_mass(problem: Problem, shares: Tensor) -> FrameMass:
    """Return the mass under the problem's bias, or under each of its responses, from unbiased shares.

    Parameters
    ----------
    shares
        (F + 1, B, H, F·P) float32 or float64: logarithm, up to a constant in each row, of what a
        video query gives to each frame and last to the text; finite, ``-HUGE`` for nothing.
    """
    if problem.responses is None:
        return _under(problem, shares, problem.bias)
    each = [_under(problem, shares, bias) for bias in problem.responses]
    return FrameMass(*(torch.stack(parts) for parts in zip(*each, strict=True)))


def mean_mass(problem: Problem, weights: Tensor) -> FrameMass:
    """Return the mass where row ``weights`` (F + 1, B, H, F·P) are the fractions themselves, bias included."""
    frames, tokens = problem.layout.frames, problem.layout.tokens
    means = weights.view(*weights.shape[:-1], frames, tokens).mean(-1).float()
    return FrameMass(means[:frames].movedim(0, -1).contiguous(), means[frames].contiguous())


def _under(problem: Problem, shares: Tensor, bias: Tensor | None) -> FrameMass:
    if bias is not None:
        shift = problem.layout.video_rows(bias.to(shares.dtype).clamp(-HUGE, HUGE))
        shares = shares.clone()
        shares[problem.key_frame] -= shift
    return mean_mass(problem, torch.softmax(shares, 0))
