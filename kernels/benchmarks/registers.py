"""Print what each Triton kernel takes of an H100 or H200, as CSV; compiles for sm_90 and needs no GPU.

A kernel that spills registers, or that lost the tensor cores' instructions, is slow on every shape:
that much of its speed is known before it runs.

    python kernels/benchmarks/registers.py
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from typing import Any

import torch

from dymos_kernels import FrameLayout, triton_attention, triton_merge
from dymos_kernels.checks import Problem
from dymos_kernels.triton_runtime import Launch

POINTERS = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.float16: "*fp16"}
POINTERS |= {torch.uint8: "*u8", torch.int64: "*i64"}
LAYOUT = FrameLayout(frames=13, tokens=1350, start=226)
"""CogVideoX-5B: 480 x 720, 49 frames."""
LONG = FrameLayout(frames=33, tokens=1350)
"""As many latent frames as the longest videos of the published models have: twice the masses in registers."""
ONES = FrameLayout(frames=1, tokens=1, start=1)
"""Triton compiles an argument of 1 in, with types of its own: a layout in which all are."""
MODES = {
    "plain": {"record": triton_attention.NOTHING, "biased": False},
    "bias": {"record": triton_attention.NOTHING, "biased": True},
    "bias+mass": {"record": triton_attention.TILES, "biased": True},
    "row shares": {"record": triton_attention.ROWS, "biased": False},
    "bias+mass, masked text": {"record": triton_attention.TILES, "biased": True, "masked": True},
    "mass only": {"record": triton_attention.TILES, "biased": True, "output": False},
    "bias+mass, 33 frames": {"record": triton_attention.TILES, "biased": True, "layout": LONG},
    "bias+mass, sizes 1": {"record": triton_attention.TILES, "biased": True, "masked": True, "layout": ONES},
    "row shares, sizes 1": {"record": triton_attention.ROWS, "biased": True, "masked": True, "layout": ONES},
}


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """One compiled kernel."""

    kernel: str
    dtype: str
    head_size: int
    mode: str
    blocks: str
    registers: int
    spilled_bytes: int
    shared_bytes: int
    wgmma: int
    """Instructions, as written, that multiply on the tensor cores."""
    wide_loads: int
    """Loads of 16 bytes a thread, as written."""


def main() -> None:
    """Print the table."""
    print(",".join(field.name for field in fields(Footprint)))
    with tempfile.TemporaryDirectory() as cache:
        # Only a compiler that runs says what it allocates.
        os.environ |= {"TRITON_CACHE_DIR": cache, "TRITON_ALWAYS_COMPILE": "1", "TRITON_DUMP_PTXAS_LOG": "1"}
        os.environ.pop("TRITON_INTERPRET", None)
        for footprint in footprints():
            print(",".join(f'"{value}"' if "," in str(value) else str(value) for value in astuple(footprint)))


def footprints() -> Iterator[Footprint]:
    """Yield the footprint of every kernel at the sizes of the published models."""
    from dymos_kernels import triton_attention_kernel, triton_merge_kernel

    for dtype in (torch.bfloat16, torch.float16):
        for head_size in (64, 128):
            for mode, options in MODES.items():
                problem, launch = _attention(dtype, head_size, **options)
                yield _footprint(triton_attention_kernel.attention, launch, dtype, head_size, mode)
                if options["record"] == triton_attention.TILES:
                    launch = triton_attention.plan_sum(problem, launch)
                    yield _footprint(triton_attention_kernel.sum_tiles, launch, dtype, head_size, mode)
            yield _footprint(triton_merge_kernel.merge, _merge(dtype, head_size), dtype, head_size, "14 runs")


def _attention(
    dtype: torch.dtype,
    head_size: int,
    *,
    record: int,
    biased: bool,
    masked: bool = False,
    output: bool = True,
    layout: FrameLayout = LAYOUT,
) -> tuple[Problem, Launch]:
    """Return a problem of CogVideoX-5B's size with this head size, on tensors without memory, and its launch."""
    batch, heads, length = (1, 1, layout.stop + 1) if layout is ONES else (2, 48, layout.stop)
    q, k, v = (torch.empty(batch, heads, length, head_size, dtype=dtype, device="meta") for _ in range(3))
    problem = Problem(
        q=q,
        k=k,
        v=v,
        layout=layout,
        bias=torch.empty(1, 1, layout.frames, device="meta") if biased else None,
        responses=None,
        key_frame=0,
        key_mask=torch.empty(batch, length, dtype=torch.bool, device="meta") if masked else None,
        scale=head_size**-0.5,
    )
    blocks = triton_attention.choose_blocks(problem)
    return problem, triton_attention.plan(problem, output=output, record=record, blocks=blocks)


def _merge(dtype: torch.dtype, head_size: int) -> Launch:
    """Return the launch that merges the runs of a recording."""
    out = torch.empty(2, 48, LAYOUT.stop, head_size, dtype=dtype, device="meta")
    runs = LAYOUT.frames + 1
    lses = torch.empty(runs, 2, 48, LAYOUT.stop, device="meta")
    return triton_merge.plan([out] * runs, lses, into=out)


def _footprint(kernel: Any, launch: Launch, dtype: torch.dtype, head_size: int, mode: str) -> Footprint:
    """Return what ``launch`` compiles to."""
    import triton
    from triton.backends.compiler import GPUTarget

    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        compiled = triton.compile(_source(kernel, launch), target=GPUTarget("cuda", 90, 32), options=launch.options)
    registers = re.search(r"Used (\d+) registers", log.getvalue())
    spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", log.getvalue())
    if registers is None or spills is None:
        raise RuntimeError(f"ptxas did not say what it allocated:\n{log.getvalue()}")
    rows, keys = launch.constants["ROW_BLOCK"], launch.constants.get("KEY_BLOCK")
    return Footprint(
        kernel=kernel.__name__,
        dtype=str(dtype).removeprefix("torch."),
        head_size=head_size,
        mode=mode,
        blocks=f"{rows}{f'x{keys}' if keys else ''}, {launch.warps} warps, {launch.stages} stages",
        registers=int(registers[1]),
        spilled_bytes=int(spills[1]) + int(spills[2]),
        shared_bytes=compiled.metadata.shared,
        wgmma=compiled.asm["ptx"].count("wgmma.mma_async"),
        wide_loads=len(re.findall(r"ld\.global\S*\.v4\.b32|ld\.global\S*\.v2\.b64", compiled.asm["ptx"])),
    )


def _source(kernel: Any, launch: Launch) -> Any:
    """Return the kernel with the argument types that a launch with these arguments would have."""
    from triton.compiler import ASTSource

    signature, constants, attributes = {}, dict(launch.constants), {}
    for position, name in enumerate(kernel.arg_names):
        value = launch.arguments.get(name)
        if name in constants or value is None or (isinstance(value, int) and value == 1):
            # Triton compiles an argument of 1 in, as it does what is absent.
            constants.setdefault(name, value)
            signature[name] = "constexpr"
            continue
        if isinstance(value, torch.Tensor):
            signature[name] = POINTERS[value.dtype]
        else:
            signature[name] = "fp32" if isinstance(value, float) else "i32" if value < 2**31 else "i64"
        if isinstance(value, torch.Tensor) or (isinstance(value, int) and value % 16 == 0):
            attributes[(position,)] = [["tt.divisibility", 16]]
    return ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=attributes)


if __name__ == "__main__":
    main()
