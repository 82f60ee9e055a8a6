"""The device side of the fused merge; imported only where Triton is."""

import triton
import triton.language as tl


@triton.jit
def merge(
    table,
    lses,
    out,
    lse_run,
    lse_batch,
    lse_head,
    lse_row,
    out_batch,
    out_head,
    out_row,
    runs,
    heads,
    length,
    DIM: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    ROW_BLOCK: tl.constexpr,
    ALIGNED: tl.constexpr,
):
    """Write the mean of the runs' outputs for ROW_BLOCK query rows of one head.

    A row of ``table`` is the address of one run's output and its strides over B, H and N.
    """
    first = tl.program_id(0) * ROW_BLOCK
    batch = (tl.program_id(1) // heads).to(tl.int64)
    head = (tl.program_id(1) % heads).to(tl.int64)
    in_block = tl.arange(0, ROW_BLOCK)
    channels = tl.arange(0, DIM_BLOCK)
    exists = first + in_block < length
    wanted = exists[:, None]
    if DIM_BLOCK > DIM:
        wanted = wanted & (channels < DIM)[None, :]

    lses += batch * lse_batch + head * lse_head + (first + in_block) * lse_row
    peak = tl.load(lses, mask=exists, other=0.0)
    for run in range(1, runs):
        peak = tl.maximum(peak, tl.load(lses + run * lse_run, mask=exists, other=0.0))

    total = tl.zeros([ROW_BLOCK], tl.float32)
    weighted = tl.zeros([ROW_BLOCK, DIM_BLOCK], tl.float32)
    for run in range(0, runs):
        weight = tl.exp(tl.load(lses + run * lse_run, mask=exists, other=0.0) - peak)
        entry = table + run * 4
        part = tl.load(entry).to(tl.pointer_type(out.dtype.element_ty))
        stride_batch = tl.load(entry + 1)
        stride_head = tl.load(entry + 2)
        stride_row = tl.load(entry + 3)
        at = batch * stride_batch + head * stride_head + first * stride_row
        if ALIGNED:
            # What comes out of memory is not known to be aligned, and loads would go element by element.
            part = tl.multiple_of(part, 16)
            at = tl.multiple_of(at, 8)
            stride_row = tl.multiple_of(stride_row, 8)
        values = tl.load(part + at + in_block[:, None] * stride_row + channels[None, :], mask=wanted, other=0.0)
        total += weight
        weighted += weight[:, None] * values.to(tl.float32)

    mean = weighted / total[:, None]
    out += batch * out_batch + head * out_head + tl.cast(first, tl.int64) * out_row
    tl.store(out + in_block[:, None] * out_row + channels[None, :], mean.to(out.dtype.element_ty), mask=wanted)
