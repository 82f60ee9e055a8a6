"""HunyuanVideo 1.5, tiny: joint attention over ``[video, image, byte-level text, text]``, valid tokens first."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from diffusers import (
    AutoencoderKLHunyuanVideo15,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideo15ImageToVideoPipeline,
    HunyuanVideo15Pipeline,
    HunyuanVideo15Transformer3DModel,
)
from diffusers.guiders import ClassifierFreeGuidance

from dymos_probe.testing.encoders import qwen_encoder, siglip_vision_encoder, t5_encoder
from dymos_probe.testing.image_processors import siglip_image_processor
from dymos_probe.testing.settings import Arm, CallSettings
from dymos_probe.testing.tokenizers import byte_tokenizer, qwen_tokenizer
from dymos_probe.testing.weights import amplify, derive, seeded, sharpen

_TEXT_WIDTH = 16
_GLYPH_WIDTH = 16
_IMAGE_WIDTH = 16
_CHANNELS = 4
# The pipelines crop 108 tokens off every encoded prompt: an instance attribute that save_pretrained
# does not keep, so the tokenizer's chat template brings that many tokens instead.
_CROPPED_TOKENS = 108

SETTINGS = MappingProxyType(
    {
        "hunyuanvideo1.5": CallSettings(
            height=32,
            width=48,
            num_frames=9,
            frames=3,
            token_height=2,
            token_width=3,
            guidance_argument=None,
            i2v_takes_size=False,
        )
    }
)


def build(name: str, arm: Arm, seed: int) -> DiffusionPipeline:
    """Build one arm; text lengths are the published 1000 + 256, nearly all of it masked padding."""
    tokenizer, tokenizer_2 = qwen_tokenizer(_CROPPED_TOKENS), byte_tokenizer()
    transformer = _transformer("t2v", seed)
    components: dict[str, Any] = {
        "tokenizer": tokenizer,
        "text_encoder": qwen_encoder(len(tokenizer), _TEXT_WIDTH, seed),
        "tokenizer_2": tokenizer_2,
        "text_encoder_2": t5_encoder(len(tokenizer_2), _GLYPH_WIDTH, seed),
        "vae": _vae(seed),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=5.0),
        "guider": ClassifierFreeGuidance(guidance_scale=SETTINGS[name].guidance_scale),
    }
    if arm == "t2v":
        return HunyuanVideo15Pipeline(transformer=transformer, **components)
    return HunyuanVideo15ImageToVideoPipeline(
        transformer=derive(_transformer("i2v", seed), transformer),
        image_encoder=siglip_vision_encoder(_IMAGE_WIDTH, seed),
        feature_extractor=siglip_image_processor(),
        **components,
    )


def _transformer(arm: Arm, seed: int) -> HunyuanVideo15Transformer3DModel:
    model = seeded(
        f"hunyuan-video15-{arm}",
        seed,
        lambda: HunyuanVideo15Transformer3DModel(
            in_channels=2 * _CHANNELS + 1,
            out_channels=_CHANNELS,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=2,
            num_refiner_layers=1,
            mlp_ratio=2.0,
            text_embed_dim=_TEXT_WIDTH,
            text_embed_2_dim=_GLYPH_WIDTH,
            image_embed_dim=_IMAGE_WIDTH,
            rope_axes_dim=(4, 6, 6),
            target_size=40,  # the I2V size buckets of six patches, 32 x 48 pixels among them
            task_type=arm,
        ),
    )
    # the embedding of the token's kind, added to every text token, would drown what the token says
    return amplify(sharpen(model, 1.7), "context_embedder.proj_in", 6.0)


def _vae(seed: int) -> AutoencoderKLHunyuanVideo15:
    return seeded(
        "hunyuan-video15-vae",
        seed,
        lambda: AutoencoderKLHunyuanVideo15(
            latent_channels=_CHANNELS,
            block_out_channels=(8, 8, 8, 8, 8),
            layers_per_block=1,
            scaling_factor=1.0,
        ),
    )
