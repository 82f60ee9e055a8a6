"""The specification: softmax attention over one block of query rows at a time.

In float64 it is what every implementation is measured against. In float32 it is also the
fastest exact way through short frames and, because it never multiplies by the values, to
masses alone on a CPU. The N×N matrix never exists: a block has about ``SCRATCH`` logits.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dymos_kernels.checks import Problem
from dymos_kernels.layout import FrameLayout, FrameMass
from dymos_kernels.mass import HUGE, frame_mass, mean_mass

SCRATCH = 2**19
"""Logits in a block: logits and probabilities in float32 then fill 4 MiB and stay near a core's cache."""
FEWEST_ROWS = 32
"""Query rows a block must have for all heads to be taken together; with fewer, heads go one by one."""


def attend(
    problem: Problem, *, output: bool, mass: bool, dtype: torch.dtype = torch.float64
) -> tuple[Tensor | None, FrameMass | None]:
    """Return attention output and frame mass, each where asked for, computed in ``dtype``."""
    layout, (batch, heads, length, _) = problem.layout, problem.q.shape
    frames, tokens = layout.frames, layout.tokens
    out = torch.empty_like(problem.v) if output else None
    # The last column is the text. Log-sum-exps where responses are wanted: a share that is 0 could not come back.
    by_frame = problem.q.new_zeros((batch, heads, frames * tokens, frames + 1), dtype=dtype) if mass else None
    bias = None if problem.bias is None else problem.bias.to(dtype).expand(batch, heads, frames)

    together = batch * heads * length * min(FEWEST_ROWS, length) <= SCRATCH
    group = (batch, heads) if together else (1, 1)
    rows = min(length, max(1, SCRATCH // (group[0] * group[1] * length)))
    # Allocated anew, buffers of this size would be faulted in again for every block.
    scratch = problem.q.new_empty((2, group[0] * group[1] * rows * length), dtype=dtype)

    for b, h in _head_blocks(problem, group):
        q, k, v = (t[b, h] for t in (problem.q, problem.k, problem.v))
        keys = k.flatten(0, 1).to(dtype).mT
        values = v.flatten(0, 1).to(dtype) if output else None
        masked = None if problem.key_mask is None else ~problem.key_mask[b, None, None, :]
        shift = None if bias is None else layout.video_rows(bias[b, h]).unsqueeze(-1)
        for first, last in _row_blocks(layout, length, rows, video_only=not output):
            queries = q[:, :, first:last].flatten(0, 1).to(dtype) * problem.scale
            shape = (queries.shape[0], last - first, length)
            flat, flat_probabilities = scratch[:, : shape[0] * shape[1] * length].view(2, *shape)
            logits = torch.bmm(queries, keys, out=flat).view(*group, *shape[1:])
            is_video = layout.start <= first < layout.stop
            here = slice(first - layout.start, last - layout.start)
            if masked is not None:
                logits.masked_fill_(masked, -torch.inf)
            if shift is not None and is_video:
                _subtract(logits, shift[:, :, here], *layout.span(problem.key_frame))
            probabilities = torch.softmax(flat, -1, out=flat_probabilities).view(logits.shape)
            if out is not None and values is not None:
                out[b, h, first:last] = torch.bmm(flat_probabilities, values).view(*group, last - first, -1)
            if by_frame is not None and is_video:
                if problem.responses is None:
                    _sum_by_frame(probabilities, layout, out=by_frame[b, h, here])
                else:
                    by_frame[b, h, here] = _lse_by_frame(logits, layout)

    if by_frame is None:
        return out, None
    reduce = mean_mass if problem.responses is None else frame_mass
    return out, reduce(problem, by_frame.movedim(-1, 0))


def _subtract(logits: Tensor, shift: Tensor, start: int, stop: int) -> None:
    """Subtract the (…, rows, 1) ``shift`` from keys ``[start, stop)``, in place.

    A negative shift is added to all other keys instead: the softmax is the same, -inf leaves
    the key frame its own softmax, and a large one costs no bits where the mass goes.
    """
    logits[..., start:stop] -= shift.clamp(min=0)
    if (shift < 0).any():
        others = shift.clamp(max=0)
        logits[..., :start] += others
        logits[..., stop:] += others


def _sum_by_frame(probabilities: Tensor, layout: FrameLayout, *, out: Tensor) -> None:
    """Write (…, rows, N) probabilities summed over the keys of each frame, then of the text, to (…, rows, F+1)."""
    video = probabilities[..., layout.start : layout.stop]
    torch.sum(video.view(*video.shape[:-1], layout.frames, layout.tokens), -1, out=out[..., : layout.frames])
    for text in (probabilities[..., : layout.start], probabilities[..., layout.stop :]):
        if text.shape[-1]:
            out[..., layout.frames] += text.sum(-1)


def _lse_by_frame(logits: Tensor, layout: FrameLayout) -> Tensor:
    """Return the log-sum-exp of (…, rows, N) logits over the keys of each frame, then of the text, (…, rows, F+1)."""
    video = logits[..., layout.start : layout.stop]
    frames = torch.logsumexp(video.view(*video.shape[:-1], layout.frames, layout.tokens), -1)
    text = torch.cat((logits[..., : layout.start], logits[..., layout.stop :]), -1)
    return torch.cat((frames, torch.logsumexp(text, -1, keepdim=True).clamp(min=-HUGE)), -1)


def _head_blocks(problem: Problem, group: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Yield the batch rows and heads of each block, ``group`` of them at a time."""
    batch, heads, *_ = problem.q.shape
    for b in range(0, batch, group[0]):
        for h in range(0, heads, group[1]):
            yield slice(b, b + group[0]), slice(h, h + group[1])


def _row_blocks(layout: FrameLayout, length: int, rows: int, *, video_only: bool) -> Iterator[tuple[int, int]]:
    """Yield runs of at most ``rows`` queries, none of them both text and video."""
    video = (layout.start, layout.stop)
    for start, stop in [video] if video_only else [(0, layout.start), video, (layout.stop, length)]:
        for first in range(start, stop, rows):
            yield first, min(first + rows, stop)
