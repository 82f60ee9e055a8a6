"""Biased attention and frame mass in one pass over the keys, as a Triton kernel.

The keys of a row are taken run by run (text, frame 0, …): inside a run the bias is one number a
row and costs nothing an element, and what a run adds to the row's softmax sum is the mass it
gets. Masses stay in registers and are averaged over the rows of a tile before they are written;
where ``responses`` are wanted, or frames are too many for registers, each row writes the
logarithm of each run's share instead.

Never run on a GPU: proved in Triton's interpreter and by compiling for sm_90 (kernels/NOTES.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dymos_kernels import triton_runtime
from dymos_kernels.checks import Problem
from dymos_kernels.layout import FrameMass
from dymos_kernels.mass import frame_mass
from dymos_kernels.triton_runtime import Launch, power_of_two, strides

LOG2_E = 1.4426950408889634
MOST_COLUMNS = 64
"""Frames, with the text, whose masses a tile holds in registers."""
SMALLEST_DOT = 16
"""Least size of any side of a Triton matrix product."""
NOTHING, ROWS, TILES = range(3)
"""What the kernel records, as in ``triton_attention_kernel``."""


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """How the work is cut: powers of two, at least 16 rows and 16 keys."""

    rows: int
    keys: int
    warps: int = 4
    stages: int = 1


def attend(
    problem: Problem, *, output: bool, mass: bool, blocks: Blocks | None = None
) -> tuple[Tensor | None, FrameMass | None]:
    """Return attention output and frame mass, each where asked for.

    Raises
    ------
    ValueError
        For float64 inputs, and for tensors on a device that Triton cannot run on.
    """
    _check(problem)
    from dymos_kernels import triton_attention_kernel as kernels

    problem = _prepared(problem)
    blocks = blocks or choose_blocks(problem)
    record = NOTHING
    if mass:
        record = ROWS if problem.responses is not None or problem.layout.frames >= MOST_COLUMNS else TILES
    launch = plan(problem, output=output, record=record, blocks=blocks)
    launch(kernels.attention)
    out = launch.arguments["out"]
    assert out is None or isinstance(out, Tensor)
    if record == TILES:
        summed = plan_sum(problem, launch)
        summed(kernels.sum_tiles)
        frame_sums, text_sums = summed.arguments["mass"], summed.arguments["text"]
        assert isinstance(frame_sums, Tensor) and isinstance(text_sums, Tensor)
        return out, FrameMass(frame_sums, text_sums)
    if record == ROWS:
        shares = launch.arguments["shares"]
        assert isinstance(shares, Tensor)
        # The bias is in the shares already.
        return out, frame_mass(replace(problem, bias=None), shares)
    return out, None


def choose_blocks(problem: Problem) -> Blocks:
    """Return the blocks for this dtype, head size and device (kernels/NOTES.md has their registers)."""
    if triton_runtime.interpreted():
        # Its time is a step's, not an element's; small blocks give short sequences several.
        return Blocks(rows=32, keys=16)
    width = max(problem.q.shape[-1], problem.v.shape[-1])
    stages = 3 if not problem.q.is_cuda or torch.cuda.get_device_capability(problem.q.device) >= (9, 0) else 2
    if problem.q.dtype == torch.float32:
        return Blocks(rows=64 if width <= 128 else 32, keys=32, warps=4, stages=2)
    if width <= 128:
        return Blocks(rows=128, keys=64, warps=8, stages=stages)
    return Blocks(rows=64, keys=32, warps=8, stages=2)


def plan(problem: Problem, *, output: bool, record: int, blocks: Blocks) -> Launch:
    """Return the launch for a prepared problem, its results allocated and not yet written."""
    q, k, v, layout, (batch, heads, length, dim) = problem.q, problem.k, problem.v, problem.layout, problem.q.shape
    # Text queries count in no frame mass.
    first_row, stop_row = (0, length) if output else (layout.start, layout.stop)
    tiles = -(-(stop_row - first_row) // blocks.rows)
    columns = power_of_two(layout.frames + 1) if record == TILES else 1
    spanned = min(layout.frames, (blocks.rows - 2) // layout.tokens + 2) if record == TILES else 1
    new = q.new_empty
    out = torch.empty_like(v) if output else None
    tile_mass = new((batch * heads, tiles, spanned, columns), dtype=torch.float32) if record == TILES else None
    video = layout.stop - layout.start
    shares = new((layout.frames + 1, batch, heads, video), dtype=torch.float32) if record == ROWS else None
    bias, mask = problem.bias, problem.key_mask
    bias_strides = (
        [0 if size == 1 else stride for size, stride in zip(bias.shape, bias.stride(), strict=True)]
        if bias is not None
        else [0, 0, 0]
    )
    return Launch(
        grid=(tiles, batch * heads),
        arguments={
            "q": q,
            "k": k,
            "v": v,
            # A bool is a byte that is 0 or 1.
            "key_mask": None if mask is None else mask.view(torch.uint8),
            "bias": bias,
            "out": out,
            "tile_mass": tile_mass,
            "shares": shares,
            "scale": problem.scale * LOG2_E,
            **strides("q", q),
            **strides("k", k),
            **strides("v", v),
            **strides("out", v if out is None else out),
            **dict(zip(("bias_batch", "bias_head", "bias_frame"), bias_strides, strict=True)),
            **dict(zip(("mask_batch", "mask_key"), (0, 0) if mask is None else mask.stride(), strict=True)),
            "heads": heads,
            "length": length,
            "first_row": first_row,
            "stop_row": stop_row,
            "video_start": layout.start,
            "frames": layout.frames,
            "tokens": layout.tokens,
            "key_frame": problem.key_frame,
        },
        constants={
            "DIM": dim,
            "VALUE_DIM": v.shape[-1],
            "DIM_BLOCK": max(SMALLEST_DOT, power_of_two(dim)),
            "VALUE_BLOCK": max(SMALLEST_DOT, power_of_two(v.shape[-1])),
            "ROW_BLOCK": blocks.rows,
            "KEY_BLOCK": blocks.keys,
            "COLUMNS": columns,
            "SPANNED": spanned,
            "RECORD": record,
            "OUTPUT": output,
            "BIASED": bias is not None,
            "MASKED": mask is not None,
            # The interpreter's products of bfloat16 are wrong without saying so (triton-lang/triton#11584).
            "UPCAST": triton_runtime.interpreted() and q.dtype == torch.bfloat16,
        },
        warps=blocks.warps,
        stages=blocks.stages,
    )


def plan_sum(problem: Problem, launch: Launch) -> Launch:
    """Return the launch that adds up the partial masses of ``launch``, its results allocated and not yet written."""
    layout, (batch, heads, *_) = problem.layout, problem.q.shape
    new = problem.q.new_empty
    same = ("tile_mass", "first_row", "video_start", "frames", "tokens")
    return Launch(
        grid=(layout.frames, batch * heads),
        arguments={
            "mass": new((batch, heads, layout.frames, layout.frames), dtype=torch.float32),
            "text": new((batch, heads, layout.frames), dtype=torch.float32),
            "tiles": launch.grid[0],
            **{name: launch.arguments[name] for name in same},
        },
        constants={name: launch.constants[name] for name in ("ROW_BLOCK", "COLUMNS", "SPANNED")},
        warps=1,
    )


def _check(problem: Problem) -> None:
    """Refuse what the kernel cannot compute."""
    if problem.q.dtype == torch.float64:
        raise ValueError(
            "impl 'triton' takes float32, bfloat16 or float16, got float64; use impl='reference' or cast the inputs"
        )
    if not triton_runtime.runs_on(problem.q.device):
        raise ValueError(
            f"impl 'triton' takes CUDA tensors, got {problem.q.device}; "
            "move the inputs, choose another impl, or set TRITON_INTERPRET=1 before Python starts"
        )


def _prepared(problem: Problem) -> Problem:
    """Return the problem with channels next to each other, which vector loads need, and a positive scale."""
    q, scale = problem.q, problem.scale
    if scale <= 0:
        # The kernel scales the maximum of the logits, and a masked logit, -inf, must stay that.
        q, scale = (-q, -scale) if scale < 0 else (torch.zeros_like(q), 1.0)
    q, k, v = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, problem.k, problem.v))
    return replace(problem, q=q, k=k, v=v, scale=scale)
