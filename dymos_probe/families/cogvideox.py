"""CogVideoX 1.0 and 1.5: text first in one joint sequence, guidance as one batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image

from dymos_probe.bias import Branch
from dymos_probe.errors import InputError
from dymos_probe.families.base import (
    Arm,
    Family,
    Generation,
    Site,
    block_sites,
    joined_channels,
    one_forward_branches,
)
from dymos_probe.layout import TokenLayout


class CogVideoX(Family):
    """``CogVideoXTransformer3DModel``; 1.5 adds temporal patches of ``patch_size_t`` latent frames."""

    name = "cogvideox"
    pipelines = {"t2v": ("CogVideoXPipeline",), "i2v": ("CogVideoXImageToVideoPipeline",)}  # noqa: RUF012

    def sites(self, transformer: Any) -> tuple[Site, ...]:
        """Return ``transformer_blocks.i.attn1``, joint over text and video."""
        return block_sites(transformer, blocks="transformer_blocks", attention="attn1")

    def layout(self, transformer: Any, inputs: Mapping[str, Any]) -> TokenLayout:
        """Return text then video, from (B, F, C, H, W) latents."""
        _, frames, _, height, width = inputs["hidden_states"].shape
        patch, patch_t = transformer.config.patch_size, transformer.config.patch_size_t or 1
        return TokenLayout(
            frames=-(-frames // patch_t),
            height=height // patch,
            width=width // patch,
            text_before=inputs["encoder_hidden_states"].shape[1],
        )

    def branches(self, pipe: Any, *, rows: int, forward: int, guided: bool) -> tuple[Branch, ...]:
        """Return ``[uncond, cond]`` halves of the batch."""
        return one_forward_branches(rows=rows, guided=guided, forward=forward)

    def image_latents(self, transformer: Any) -> tuple[slice, ...]:
        """Return the channels joined to the noise of (B, F, C, H, W): the image at its frame, zeros elsewhere."""
        return joined_channels(transformer, dim=2)

    def latent_frames(self, latents: torch.Tensor) -> torch.Tensor:
        """Return frames from (B, F, C, H, W)."""
        return latents[0]

    def size_steps(self, pipe: Any) -> tuple[int, int]:
        """Return the base's sides and 8 frames: the VAE decodes latents by twos, so 13 frames would come out as 16."""
        pixels, frames = super().size_steps(pipe)
        return pixels, 2 * frames

    def noise_shape(self, pipe: Any, generation: Generation) -> tuple[int, ...]:
        """Return (1, F, C, H, W); an odd latent count is padded up to whole temporal patches."""
        config, factor = pipe.transformer.config, pipe.vae_scale_factor_spatial
        frames = (generation.num_frames - 1) // pipe.vae_scale_factor_temporal + 1
        frames += -frames % (config.patch_size_t or 1)
        return 1, frames, config.out_channels, generation.height // factor, generation.width // factor

    def latents(self, pipe: Any, arm: Arm, noise: torch.Tensor, image: Image.Image | None) -> torch.Tensor:
        """Return the noise in the transformer's dtype, which this pipeline does not cast itself."""
        return noise.to(pipe.transformer.dtype)

    def defaults(self, pipe: Any) -> dict[str, Any]:
        """Return the call's defaults, with the sizes that the transformer was trained on."""
        config, factor = pipe.transformer.config, pipe.vae_scale_factor_spatial
        return super().defaults(pipe) | {
            "height": config.sample_height * factor,
            "width": config.sample_width * factor,
            "num_frames": (config.sample_frames - 1) // pipe.vae_scale_factor_temporal * pipe.vae_scale_factor_temporal
            + 1,
        }

    def check_size(self, pipe: Any, generation: Generation) -> None:
        """Refuse other sizes than the trained one where positions are learned."""
        super().check_size(pipe, generation)
        config = pipe.transformer.config
        if config.use_learned_positional_embeddings:
            fixed = self.defaults(pipe)
            for name in ("height", "width"):
                if getattr(generation, name) != fixed[name]:
                    raise InputError(
                        f"{name} {getattr(generation, name)} does not fit this model: its learned positions fix it; "
                        f"nearest is {fixed[name]}"
                    )
