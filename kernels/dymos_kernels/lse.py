"""Biased attention and frame mass composed of the platform's flash attention, one call a run of keys.

A softmax over all keys is the softmax over each run, weighted by the softmax of the runs'
log-sum-exps. A bias on one frame shifts one log-sum-exp, and the weights, averaged over the
queries of a frame, are the frame mass: no logit is seen, so both are exact at flash cost.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dymos_kernels import flash
from dymos_kernels.checks import Problem
from dymos_kernels.layout import FrameMass, Segment
from dymos_kernels.mass import HUGE, frame_mass


def attend(problem: Problem, *, output: bool, mass: bool) -> tuple[Tensor | None, FrameMass | None]:
    """Return attention output and frame mass, each where asked for."""
    layout, length = problem.layout, problem.length
    # Text queries count in no frame mass.
    rows = slice(0, length) if output else slice(layout.start, layout.stop)
    q, k, v = flash.aligned(problem.q[:, :, rows], problem.k, problem.v if output else problem.k)
    shift = None
    if problem.bias is not None and output:
        table = problem.bias.to(torch.promote_types(q.dtype, torch.float32)).clamp(-HUGE, HUGE)
        shift = layout.sequence_rows(table, length)
    segments = layout.segments(length) if mass else layout.segments_around(problem.key_frame, length)

    merged, lses = _Merged(), []
    for segment in segments:
        keys = slice(segment.start, segment.stop)
        allowed, nothing = _allowed(problem, segment)
        out, lse = flash.with_lse(q, k[:, :, keys], v[:, :, keys], problem.scale, allowed)
        if nothing is not None:
            lse = lse.masked_fill(nothing[:, None, None], -HUGE)
        if mass:
            lses.append(lse[..., layout.start : layout.stop] if output else lse)
        if output:
            of_key_frame = segment.frame == problem.key_frame
            merged.add(out, lse if shift is None or not of_key_frame else lse - shift)
        del out  # before the next call makes its own

    result = merged.output(problem.v) if output else None
    return result, frame_mass(problem, _shares(segments, lses)) if mass else None


class _Merged:
    """Running softmax-weighted mean of the outputs of runs of keys."""

    def __init__(self) -> None:
        self._mean: Tensor | None = None
        self._lse: Tensor | None = None

    def add(self, out: Tensor, lse: Tensor) -> None:
        """Merge the output (B, H, N, D) of one more run, whose log-sum-exp is (B, H, N)."""
        out = out.to(lse.dtype)
        if self._mean is None or self._lse is None:
            self._mean, self._lse = out, lse
            return
        self._mean.lerp_(out, torch.sigmoid(lse - self._lse).unsqueeze(-1))
        self._lse = torch.logaddexp(self._lse, lse)

    def output(self, v: Tensor) -> Tensor:
        """Return the mean in the dtype and head size of ``v``."""
        assert self._mean is not None
        return self._mean[..., : v.shape[-1]].to(v.dtype)


def _allowed(problem: Problem, segment: Segment) -> tuple[Tensor | None, Tensor | None]:
    """Return the segment's key mask (B, m), and (B,) True where it allows no key.

    Where none is allowed all are: whatever comes out is weighted with exactly 0, but must be finite.
    """
    if problem.key_mask is None or segment.frame is not None:
        return None, None
    allowed = problem.key_mask[:, segment.start : segment.stop]
    nothing = ~allowed.any(1)
    return allowed | nothing[:, None], nothing


def _shares(segments: list[Segment], lses: list[Tensor]) -> Tensor:
    """Return the log-sum-exps (B, H, F·P) of the segments as (F + 1, B, H, F·P), the text last."""
    frames = [lse for segment, lse in zip(segments, lses, strict=True) if segment.frame is not None]
    text = [lse for segment, lse in zip(segments, lses, strict=True) if segment.frame is None]
    both = torch.logaddexp(*text) if len(text) == 2 else text[0] if text else torch.full_like(frames[0], -HUGE)
    return torch.stack((*frames, both))
