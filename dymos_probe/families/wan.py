"""Wan 2.1, Wan 2.2 A14B (two experts) and TI2V-5B: video-only self-attention, guidance as two forwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dymos_probe.bias import Branch
from dymos_probe.families.base import (
    FIRST_FRAME,
    Family,
    Generation,
    Site,
    block_sites,
    denoisers,
    joined_channels,
    two_forward_branches,
)
from dymos_probe.layout import TokenLayout


class Wan(Family):
    """``WanTransformer3DModel``; text (and CLIP image tokens) enter by cross-attention, which is no site."""

    name = "wan"
    pipelines = {"t2v": ("WanPipeline",), "i2v": ("WanImageToVideoPipeline",)}  # noqa: RUF012

    def sites(self, transformer: Any) -> tuple[Site, ...]:
        """Return ``blocks.i.attn1``."""
        return block_sites(transformer, blocks="blocks", attention="attn1")

    def layout(self, transformer: Any, inputs: Mapping[str, Any]) -> TokenLayout:
        """Return video alone, from (B, C, F, H, W) latents."""
        _, _, frames, height, width = inputs["hidden_states"].shape
        patch_t, patch_h, patch_w = transformer.config.patch_size
        return TokenLayout(frames=frames // patch_t, height=height // patch_h, width=width // patch_w)

    def branches(self, pipe: Any, *, rows: int, forward: int, guided: bool) -> tuple[Branch, ...]:
        """Return cond for the first forward of a step, uncond for the second."""
        return two_forward_branches(rows=rows, forward=forward)

    def image_latents(self, transformer: Any) -> tuple[slice, ...]:
        """Return the channels of (B, C, F, H, W) after noise and mask, or frame 0, which TI2V-5B replaces."""
        config = transformer.config
        mask = config.in_channels - 2 * config.out_channels
        return joined_channels(transformer, dim=1, skipped=mask) if mask > 0 else FIRST_FRAME

    def noise_shape(self, pipe: Any, generation: Generation) -> tuple[int, ...]:
        """Return (1, C, F, H, W)."""
        factor = pipe.vae_scale_factor_spatial
        frames = (generation.num_frames - 1) // pipe.vae_scale_factor_temporal + 1
        channels = denoisers(pipe)[0].config.out_channels
        return 1, channels, frames, generation.height // factor, generation.width // factor
