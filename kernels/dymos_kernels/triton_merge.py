"""Merge of the outputs of several runs of keys, in one pass over them.

Adding run after run to a running mean would read and write the mean, in float32, once a run.
Here every output is read once and the result written once; a table of addresses spares the
copy that stacking the outputs would be.

Never run on a GPU: proved in Triton's interpreter and by compiling for sm_90 (kernels/NOTES.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dymos_kernels.triton_runtime import Launch, power_of_two, strides

TILE = 4096
"""Elements of the result that a program writes: 32 float32 a thread."""
VECTOR = 8
"""Elements of a 16-byte load of half precision."""


def merge(outputs: Sequence[Tensor], lses: Tensor, *, into: Tensor) -> Tensor:
    """Write the mean of ``outputs`` weighted by the softmax over the runs of ``lses``, and return it.

    Parameters
    ----------
    outputs
        One (B, H, N, ≥ Dv) a run, in the dtype of ``into``, channels next to each other.
    lses
        (runs, B, H, N) float32, natural logarithm, finite; ``-mass.HUGE`` for a run that gets nothing.
    into
        (B, H, N, Dv) float32, bfloat16 or float16, channels next to each other, any other strides.

    Returns
    -------
    Tensor
        ``into``.

    Raises
    ------
    ValueError
        When the tensors do not fit together.
    """
    if len(outputs) != len(lses) or lses.shape[1:] != into.shape[:3]:
        raise ValueError(
            f"merge takes {len(outputs)} log-sum-exps of {tuple(into.shape[:3])}, one an output, "
            f"got {tuple(lses.shape)}"
        )
    for each in (*outputs, into):
        # Addresses are followed unchecked.
        if each.shape[:3] != into.shape[:3] or each.shape[3] < into.shape[3] or each.stride(3) != 1:
            raise ValueError(
                f"outputs must be {tuple(into.shape)} or wider with stride 1 over channels, "
                f"got {tuple(each.shape)} with strides {each.stride()}"
            )
        if each.dtype != into.dtype or each.device != into.device:
            raise ValueError(f"outputs must be {into.dtype} on {into.device}, got {each.dtype} on {each.device}")
    from dymos_kernels import triton_merge_kernel as kernels

    plan(outputs, lses, into=into)(kernels.merge)
    return into


def plan(outputs: Sequence[Tensor], lses: Tensor, *, into: Tensor) -> Launch:
    """Return the launch that merges, for arguments that fit together."""
    _, heads, length, dim = into.shape
    entries = [(each.data_ptr(), *each.stride()[:3]) for each in outputs]
    width = VECTOR * into.element_size()
    rows = max(16, TILE // power_of_two(dim))
    return Launch(
        grid=(-(-length // rows), into.shape[0] * heads),
        arguments={
            "table": _on_device(entries, into.device),
            "lses": lses,
            "out": into,
            "lse_run": lses.stride(0),
            **strides("lse", lses[0]),
            **strides("out", into),
            "runs": len(outputs),
            "heads": heads,
            "length": length,
        },
        constants={
            "DIM": dim,
            "DIM_BLOCK": power_of_two(dim),
            "ROW_BLOCK": rows,
            "ALIGNED": all(
                address % width == 0 and not any(stride % VECTOR for stride in steps) for address, *steps in entries
            ),
        },
        warps=4,
    )


def _on_device(entries: list[tuple[int, ...]], device: torch.device) -> Tensor:
    """Return the entries as an int64 tensor, without waiting for work in flight."""
    table = torch.tensor(entries, dtype=torch.int64)
    return table.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else table
