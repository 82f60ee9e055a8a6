"""Biased attention and frame mass composed of the platform's flash attention, one call a run of keys.

A softmax over all keys is the softmax over each run, weighted by the softmax of the runs'
log-sum-exps. A bias on one frame shifts one log-sum-exp, and the weights, averaged over the
queries of a frame, are the frame mass: no logit is seen, so both are exact at flash cost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from dymos_kernels import flash, triton_merge, triton_runtime
from dymos_kernels.checks import Problem
from dymos_kernels.layout import FrameMass, Segment
from dymos_kernels.mass import HUGE, frame_mass

OUTPUTS_AT_ONCE = 3
"""Outputs of runs, in units of the whole output, that may exist at once for one fused merge."""


def attend(problem: Problem, *, output: bool, mass: bool) -> tuple[Tensor | None, FrameMass | None]:
    """Return attention output and frame mass, each where asked for.

    Where Triton can run, the outputs of all runs are merged at once, a group of heads at a time.
    """
    group = _heads_at_once(problem, mass=mass) if output else 0
    if not group:
        return _attend(problem, _RunningMerge(), output=output, mass=mass)
    v = problem.v
    out = torch.empty_like(v) if v.stride(-1) == 1 else v.new_empty(v.shape)
    masses = []
    for first in range(0, v.shape[1], group):
        heads = slice(first, first + group)
        merge = _FusedMerge(into=out[:, heads])
        masses.append(_attend(_of_heads(problem, heads), merge, output=True, mass=mass)[1])
    if not mass:
        return out, None
    parts = [part for part in masses if part is not None]
    return out, FrameMass(
        torch.cat([part.mass for part in parts], dim=-3), torch.cat([part.text for part in parts], dim=-2)
    )


class _Merge(Protocol):
    """Softmax-weighted mean of the outputs of runs of keys."""

    def add(self, out: Tensor, lse: Tensor) -> None:
        """Take the output (B, H, N, D) of one more run, whose log-sum-exp is (B, H, N)."""

    def output(self, v: Tensor) -> Tensor:
        """Return the mean in the dtype and head size of ``v``."""


def _attend(problem: Problem, merged: _Merge, *, output: bool, mass: bool) -> tuple[Tensor | None, FrameMass | None]:
    """Return output, put together by ``merged``, and frame mass."""
    layout, length = problem.layout, problem.length
    # Text queries count in no frame mass.
    rows = slice(0, length) if output else slice(layout.start, layout.stop)
    q, k, v = flash.aligned(problem.q[:, :, rows], problem.k, problem.v if output else problem.k)
    shift = None
    if problem.bias is not None and output:
        table = problem.bias.to(torch.promote_types(q.dtype, torch.float32)).clamp(-HUGE, HUGE)
        shift = layout.sequence_rows(table, length)
    segments = _segments(problem, mass=mass)

    lses = []
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


class _RunningMerge:
    """Adds one run after another to a mean, so that no other output of a run exists."""

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


class _FusedMerge:
    """Keeps the outputs of all runs and merges them in one pass."""

    def __init__(self, *, into: Tensor) -> None:
        self._into = into
        self._outputs: list[Tensor] = []
        self._lses: list[Tensor] = []

    def add(self, out: Tensor, lse: Tensor) -> None:
        """Keep the output of one more run."""
        self._outputs.append(out if out.stride(-1) == 1 else out.contiguous())
        self._lses.append(lse)

    def output(self, v: Tensor) -> Tensor:
        """Return the mean, written to where it belongs."""
        return triton_merge.merge(self._outputs, torch.stack(self._lses), into=self._into)


def _heads_at_once(problem: Problem, *, mass: bool) -> int:
    """Return how many heads a fused merge takes at a time, 0 where there is none."""
    if problem.v.dtype == torch.float64 or not triton_runtime.runs_on(problem.v.device):
        return 0
    heads = problem.v.shape[1]
    most = OUTPUTS_AT_ONCE * heads // len(_segments(problem, mass=mass))
    # Groups of one size.
    return -(-heads // -(-heads // most)) if most else 0


def _of_heads(problem: Problem, heads: slice) -> Problem:
    """Return the problem of some of the heads."""

    def of_table(table: Tensor | None) -> Tensor | None:
        return table if table is None or table.shape[-2] == 1 else table[..., heads, :]

    return replace(
        problem,
        q=problem.q[:, heads],
        k=problem.k[:, heads],
        v=problem.v[:, heads],
        bias=of_table(problem.bias),
        responses=of_table(problem.responses),
    )


def _segments(problem: Problem, *, mass: bool) -> list[Segment]:
    """Return the runs of keys that have to be told apart."""
    layout, length = problem.layout, problem.length
    return layout.segments(length) if mass else layout.segments_around(problem.key_frame, length)


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
