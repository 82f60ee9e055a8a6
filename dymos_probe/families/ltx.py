"""LTX-Video: packed video-only self-attention, guidance as one batch, the image as a clean first frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.pipelines.ltx.pipeline_ltx_image2video import retrieve_latents
from PIL import Image

from dymos_probe.bias import Branch
from dymos_probe.families.base import Arm, Family, Generation, Site, block_sites, one_forward_branches
from dymos_probe.layout import TokenLayout


class LTXVideo(Family):
    """``LTXVideoTransformer3DModel``; latents arrive packed, so the grid is taken from the call."""

    name = "ltx-video"
    pipelines = {"t2v": ("LTXPipeline",), "i2v": ("LTXImageToVideoPipeline",)}  # noqa: RUF012

    def sites(self, transformer: Any) -> tuple[Site, ...]:
        """Return ``transformer_blocks.i.attn1``."""
        return block_sites(transformer, blocks="transformer_blocks", attention="attn1")

    def layout(self, transformer: Any, inputs: Mapping[str, Any]) -> TokenLayout:
        """Return video alone, from the latent sizes given to the forward."""
        patch, patch_t = transformer.config.patch_size, transformer.config.patch_size_t
        return TokenLayout(
            frames=inputs["num_frames"] // patch_t, height=inputs["height"] // patch, width=inputs["width"] // patch
        )

    def branches(self, pipe: Any, *, rows: int, forward: int, guided: bool) -> tuple[Branch, ...]:
        """Return ``[uncond, cond]`` halves of the batch."""
        return one_forward_branches(rows=rows, guided=guided, forward=forward)

    def size_steps(self, pipe: Any) -> tuple[int, int]:
        """Return the VAE's compression times the patch."""
        return (
            pipe.vae_spatial_compression_ratio * pipe.transformer_spatial_patch_size,
            pipe.vae_temporal_compression_ratio,
        )

    def noise_shape(self, pipe: Any, generation: Generation) -> tuple[int, ...]:
        """Return (1, C, F, H, W), before packing."""
        factor = pipe.vae_spatial_compression_ratio
        frames = (generation.num_frames - 1) // pipe.vae_temporal_compression_ratio + 1
        channels = pipe.transformer.config.in_channels
        return 1, channels, frames, generation.height // factor, generation.width // factor

    def latents(self, pipe: Any, arm: Arm, noise: torch.Tensor, image: Image.Image | None) -> torch.Tensor:
        """Return packed noise; for I2V with the image latent as frame 0, since given latents count as conditioned.

        The image latent is the mode of the VAE's posterior, so that it draws nothing from a generator.
        """
        if image is not None:
            factor = pipe.vae_spatial_compression_ratio
            size = {"height": noise.shape[3] * factor, "width": noise.shape[4] * factor}
            pixels = pipe.video_processor.preprocess(image, **size).to(pipe._execution_device, pipe.vae.dtype)
            with torch.no_grad():
                encoded = retrieve_latents(pipe.vae.encode(pixels.unsqueeze(2)), sample_mode="argmax")
            encoded = pipe._normalize_latents(encoded, pipe.vae.latents_mean, pipe.vae.latents_std)
            noise = torch.cat([encoded.to(noise), noise[:, :, 1:]], dim=2)
        packed: torch.Tensor = pipe._pack_latents(
            noise, pipe.transformer_spatial_patch_size, pipe.transformer_temporal_patch_size
        )
        return packed
