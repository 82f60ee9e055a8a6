"""One tapped attention call: what runs, and what is measured beside it or along with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

import dymos_kernels
from dymos_kernels import FrameLayout, FrameMass
from dymos_probe.bias import Bias, Branch
from dymos_probe.layout import TokenLayout
from dymos_probe.tap.clock import Tick
from dymos_probe.tap.masks import read_padding
from dymos_probe.tap.seam import Call


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is wanted of one attention call."""

    layout: TokenLayout
    """Where text and frames are in the sequence."""
    table: torch.Tensor | None
    """λ·φ, (B, heads, F) on any device, or None where nothing is modulated."""
    key_frame: int
    """Latent frame whose keys are modulated."""
    rows: slice | None
    """Batch rows whose Eq. 8 is wanted, or None for no record."""
    fused: bool
    """Whether output and record come from one pass even where nothing is modulated."""
    impl: str
    """Which implementation of ``dymos_kernels`` computes."""


def bias_table(
    bias: Bias | None, tick: Tick, branches: Sequence[Branch], *, layer: int, heads: int, frames: int
) -> torch.Tensor | None:
    """Return λ·φ as (rows, heads, F) float32 on the CPU, or None where nothing is modulated."""
    if bias is None or not bias.acts(step=tick.step, steps=tick.steps, layer=layer):
        return None
    table = bias.table(branches=branches, heads=heads, frames=frames)
    return torch.from_numpy(table).float() if table.any() else None


def answer(call: Call, request: Request) -> tuple[torch.Tensor, FrameMass | None]:
    """Return the attention output (B, heads, N, D) and the frame mass of the rows asked for.

    Where nothing is modulated and ``fused`` is off, the output is bit for bit the model's own.

    Raises
    ------
    TapError
        When the call's mask is anything but padding.
    """
    rows, table = request.rows, None if request.table is None else request.table.to(call.query.device)
    if table is None and rows is None:
        return call.run(), None
    batch, _, length, _ = call.query.shape
    layout = FrameLayout(
        frames=request.layout.frames, tokens=request.layout.tokens_per_frame, start=request.layout.text_before
    )
    padding = read_padding(call.mask, batch=batch, length=length, video_start=layout.start)
    options: dict[str, Any] = {"scale": call.scale, "impl": request.impl}
    if table is None and rows is not None and not request.fused:
        keys = None if padding.keys is None else padding.keys[rows]
        queries, of = call.query[rows].detach(), call.key[rows].detach()
        return call.run(), dymos_kernels.frame_mass(queries, of, layout, key_mask=keys, **options)
    given = call.query, call.key, call.value, layout
    options |= {"key_frame": request.key_frame, "key_mask": padding.keys}
    mass = None
    if rows is not None:
        out, whole = dymos_kernels.attention_with_mass(*given, table, **options)
        mass = FrameMass(whole.mass[rows], whole.text[rows])
    else:
        assert table is not None
        out = dymos_kernels.biased_attention(*given, table, **options)
    if padding.queries is not None:
        # The model's own attention gives zero where a padded query has nothing it may attend.
        out = out.masked_fill(~padding.queries[:, None, :, None], 0.0)
    return out, mass
