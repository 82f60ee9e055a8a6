"""One tapped attention call: what runs, and what is measured beside it or along with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

import dymos_kernels
from dymos_kernels import FrameLayout, FrameMass
from dymos_probe.bias import Bias, Branch, response_table
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
    responses: torch.Tensor | None
    """λ·φ of the untouched attention, (1 + L, 1, 1, F), as ``response_tables`` makes it; then ``table`` is None."""
    rows: slice | None
    """Batch rows whose Eq. 8 is wanted, or None for no record."""
    fused: bool
    """Whether output and record come from one pass even where nothing is modulated."""
    impl: str
    """Which implementation of ``dymos_kernels`` computes."""


class Measured(NamedTuple):
    """Eq. 8 of the recorded rows of one call."""

    mass: FrameMass
    """(B, heads, F, F) and (B, heads, F)."""
    response: FrameMass | None
    """The same under each λ of the response, (L, B, heads, F, F) and (L, B, heads, F); None where none is wanted."""


def bias_table(
    bias: Bias | None, tick: Tick, branches: Sequence[Branch], *, layer: int, heads: int, frames: int
) -> torch.Tensor | None:
    """Return λ·φ as (rows, heads, F) float32 on the CPU, or None where nothing is modulated."""
    if bias is None or not bias.acts(step=tick.step, steps=tick.steps, layer=layer):
        return None
    table = bias.table(branches=branches, heads=heads, frames=frames, layer=layer)
    return torch.from_numpy(table).float() if table.any() else None


def response_tables(grid: Sequence[float], frames: int) -> torch.Tensor | None:
    """Return λ·φ as (1 + L, 1, 1, F) float32 on the CPU, or None where the grid is empty.

    The zeros that come first make the untouched attention one more point of the same pass.
    """
    return torch.from_numpy(response_table((0.0, *grid), frames)).float() if grid else None


def answer(call: Call, request: Request) -> tuple[torch.Tensor, Measured | None]:
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
    responses = None if request.responses is None else request.responses.to(call.query.device)
    if table is None and rows is not None and not request.fused:
        options["key_mask"] = None if padding.keys is None else padding.keys[rows]
        recorded = call.query[rows].detach(), call.key[rows].detach(), layout
        if responses is None:
            return call.run(), Measured(dymos_kernels.frame_mass(*recorded, **options), None)
        return call.run(), _split(dymos_kernels.frame_response(*recorded, responses, **options))
    given = call.query, call.key, call.value, layout
    options |= {"key_frame": request.key_frame, "key_mask": padding.keys}
    measured = None
    if rows is None:
        assert table is not None
        out = dymos_kernels.biased_attention(*given, table, **options)
    elif responses is None:
        out, whole = dymos_kernels.attention_with_mass(*given, table, **options)
        measured = Measured(FrameMass(whole.mass[rows], whole.text[rows]), None)
    else:
        out, whole = dymos_kernels.attention_with_response(*given, responses, **options)
        measured = _split(FrameMass(whole.mass[:, rows], whole.text[:, rows]))
    if padding.queries is not None:
        # The model's own attention gives zero where a padded query has nothing it may attend.
        out = out.masked_fill(~padding.queries[:, None, :, None], 0.0)
    return out, measured


def _split(under: FrameMass) -> Measured:
    """Return the untouched mass, which is the first of (1 + L, …), and the response."""
    return Measured(FrameMass(under.mass[0], under.text[0]), FrameMass(under.mass[1:], under.text[1:]))
