"""HunyuanVideo-1.5: video first, then image, byte-level and language tokens; guidance by a guider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dymos_probe.bias import Branch
from dymos_probe.errors import InputError, TapError
from dymos_probe.families.base import (
    Arm,
    Family,
    Generation,
    Site,
    block_sites,
    joined_channels,
    two_forward_branches,
)
from dymos_probe.layout import TokenLayout


class HunyuanVideo15(Family):
    """``HunyuanVideo15Transformer3DModel``; padded tokens are masked as keys and as queries."""

    name = "hunyuanvideo-1.5"
    pipelines = {"t2v": ("HunyuanVideo15Pipeline",), "i2v": ("HunyuanVideo15ImageToVideoPipeline",)}  # noqa: RUF012

    def sites(self, transformer: Any) -> tuple[Site, ...]:
        """Return ``transformer_blocks.i.attn``, joint over video and text."""
        return block_sites(transformer, blocks="transformer_blocks", attention="attn")

    def layout(self, transformer: Any, inputs: Mapping[str, Any]) -> TokenLayout:
        """Return video, then every conditioning token, from (B, C, F, H, W) latents."""
        _, _, frames, height, width = inputs["hidden_states"].shape
        config = transformer.config
        streams = ("encoder_hidden_states", "encoder_hidden_states_2", "image_embeds")
        return TokenLayout(
            frames=frames // config.patch_size_t,
            height=height // config.patch_size,
            width=width // config.patch_size,
            text_after=sum(inputs[stream].shape[1] for stream in streams),
        )

    def branches(self, pipe: Any, *, rows: int, forward: int, guided: bool) -> tuple[Branch, ...]:
        """Return cond for the first forward of a step, uncond for the second."""
        return two_forward_branches(rows=rows, forward=forward)

    def image_latents(self, transformer: Any) -> tuple[slice, ...]:
        """Return the channels of (B, C, F, H, W) between noise and mask."""
        return joined_channels(transformer, dim=1)

    def guided(self, pipe: Any) -> bool:
        """Return whether the guider makes two forwards; other guiders than plain guidance are refused."""
        guider = type(pipe.guider).__name__
        if guider != "ClassifierFreeGuidance":
            raise TapError(f"guider {guider} has branches the tap cannot label; use diffusers' ClassifierFreeGuidance")
        return bool(pipe.guider.num_conditions > 1)

    def noise_shape(self, pipe: Any, generation: Generation) -> tuple[int, ...]:
        """Return (1, C, F, H, W)."""
        factor = pipe.vae_scale_factor_spatial
        frames = (generation.num_frames - 1) // pipe.vae_scale_factor_temporal + 1
        return 1, pipe.num_channels_latents, frames, generation.height // factor, generation.width // factor

    def guidance(self, pipe: Any, scale: float) -> dict[str, Any]:
        """Set the scale on the guider; the call takes none."""
        pipe.guider = pipe.guider.new(guidance_scale=scale)
        return {}

    def frame_size(self, pipe: Any, arm: Arm, generation: Generation) -> dict[str, Any]:
        """Return the size for T2V; I2V takes it from the image alone."""
        return {} if arm == "i2v" else super().frame_size(pipe, arm, generation)

    def defaults(self, pipe: Any) -> dict[str, Any]:
        """Return the call's defaults, with the size of the default aspect ratio and the guider's own scale."""
        width, height = getattr(pipe, "default_aspect_ratio", (16, 9))  # the I2V pipeline has none: the image decides
        height, width = pipe.video_processor.calculate_default_height_width(height, width, pipe.target_size)
        return super().defaults(pipe) | {
            "height": height,
            "width": width,
            "guidance_scale": pipe.guider.guidance_scale,
        }

    def check_size(self, pipe: Any, generation: Generation) -> None:
        """Refuse a size the I2V arm would not keep, because it crops the image to one of its buckets."""
        super().check_size(pipe, generation)
        given = generation.height, generation.width
        kept = tuple(pipe.video_processor.calculate_default_height_width(*given, pipe.target_size))
        if kept != given:
            raise InputError(
                f"height×width {given[0]}×{given[1]} does not fit {self.name}: its image-to-video arm would make "
                f"{kept[0]}×{kept[1]}; nearest is {kept[0]}×{kept[1]}"
            )
