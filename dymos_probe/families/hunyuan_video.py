"""HunyuanVideo 1.0 (``latent_concat`` and ``token_replace``): video first, then text, in dual and single blocks."""

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
    joined_channels,
    two_forward_branches,
)
from dymos_probe.layout import TokenLayout


class HunyuanVideo(Family):
    """``HunyuanVideoTransformer3DModel``; guidance is distilled unless ``true_cfg_scale`` is above 1."""

    name = "hunyuanvideo"
    pipelines = {"t2v": ("HunyuanVideoPipeline",), "i2v": ("HunyuanVideoImageToVideoPipeline",)}  # noqa: RUF012

    def sites(self, transformer: Any) -> tuple[Site, ...]:
        """Return ``transformer_blocks.i.attn`` (dual), then ``single_transformer_blocks.j.attn``."""
        return block_sites(transformer, blocks="transformer_blocks", attention="attn") + block_sites(
            transformer, blocks="single_transformer_blocks", attention="attn"
        )

    def layout(self, transformer: Any, inputs: Mapping[str, Any]) -> TokenLayout:
        """Return video then text, from (B, C, F, H, W) latents."""
        _, _, frames, height, width = inputs["hidden_states"].shape
        config = transformer.config
        return TokenLayout(
            frames=frames // config.patch_size_t,
            height=height // config.patch_size,
            width=width // config.patch_size,
            text_after=inputs["encoder_hidden_states"].shape[1],
        )

    def branches(self, pipe: Any, *, rows: int, forward: int, guided: bool) -> tuple[Branch, ...]:
        """Return cond for the first forward of a step, uncond for the second."""
        return two_forward_branches(rows=rows, forward=forward)

    def image_latents(self, transformer: Any) -> tuple[slice, ...]:
        """Return the channels of (B, C, F, H, W) between noise and mask, or frame 0 of ``token_replace``."""
        replaced = transformer.config.image_condition_type == "token_replace"
        return FIRST_FRAME if replaced else joined_channels(transformer, dim=1)

    def noise_shape(self, pipe: Any, generation: Generation) -> tuple[int, ...]:
        """Return (1, C, F, H, W)."""
        factor = pipe.vae_scale_factor_spatial
        frames = (generation.num_frames - 1) // pipe.vae_scale_factor_temporal + 1
        channels = pipe.transformer.config.out_channels
        return 1, channels, frames, generation.height // factor, generation.width // factor
