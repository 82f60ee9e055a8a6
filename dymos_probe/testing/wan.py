"""Wan 2.1, Wan 2.2 A14B and Wan 2.2 TI2V-5B, tiny: video-only self-attention, text by cross-attention."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from diffusers import (
    AutoencoderKLWan,
    DiffusionPipeline,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)

from dymos_probe.testing.encoders import clip_vision_encoder, umt5_encoder
from dymos_probe.testing.image_processors import clip_image_processor
from dymos_probe.testing.settings import Arm, CallSettings
from dymos_probe.testing.tokenizers import sentencepiece_tokenizer
from dymos_probe.testing.weights import amplify, derive, seeded, sharpen

_TEXT_WIDTH = 32
_IMAGE_WIDTH = 16
_CHANNELS = 4
_MASK_CHANNELS = 4

SETTINGS = MappingProxyType(
    {
        "wan2.1": CallSettings(height=32, width=48, num_frames=9, frames=3, token_height=2, token_width=3),
        "wan2.2-a14b": CallSettings(height=32, width=48, num_frames=9, frames=3, token_height=2, token_width=3),
        "wan2.2-ti2v-5b": CallSettings(height=64, width=96, num_frames=9, frames=3, token_height=2, token_width=3),
    }
)


def build(name: str, arm: Arm, seed: int) -> DiffusionPipeline:
    """Build one arm; A14B has two experts, of which the first takes the earlier two of four steps."""
    tokenizer = sentencepiece_tokenizer()
    components: dict[str, Any] = {
        "tokenizer": tokenizer,
        "text_encoder": umt5_encoder(len(tokenizer), _TEXT_WIDTH, seed),
        "vae": _vae(name, seed),
        "scheduler": UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
        ),
        "transformer": _expert(name, arm, seed, "high-noise"),
    }
    if name == "wan2.2-a14b":
        components |= {"transformer_2": _expert(name, arm, seed, "low-noise"), "boundary_ratio": 0.875}
    if name == "wan2.2-ti2v-5b":
        components["expand_timesteps"] = True
    if arm == "t2v":
        return WanPipeline(**components)
    if name == "wan2.1":
        components |= {
            "image_encoder": clip_vision_encoder(_IMAGE_WIDTH, seed),
            "image_processor": clip_image_processor(),
        }
    return WanImageToVideoPipeline(**components)


def _expert(name: str, arm: Arm, seed: int, expert: str) -> WanTransformer3DModel:
    t2v = _transformer(name, "t2v", seed, expert)
    return t2v if arm == "t2v" else derive(_transformer(name, "i2v", seed, expert), t2v, condition_scale=4.0)


def _transformer(name: str, arm: Arm, seed: int, expert: str) -> WanTransformer3DModel:
    sees_image_channels = arm == "i2v" and name != "wan2.2-ti2v-5b"
    sees_image_tokens = arm == "i2v" and name == "wan2.1"
    model = seeded(
        f"wan-{expert}-{arm}",
        seed,
        lambda: WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=2 * _CHANNELS + _MASK_CHANNELS if sees_image_channels else _CHANNELS,
            out_channels=_CHANNELS,
            text_dim=_TEXT_WIDTH,
            freq_dim=16,
            ffn_dim=32,
            num_layers=2,
            image_dim=_IMAGE_WIDTH if sees_image_tokens else None,
            added_kv_proj_dim=32 if sees_image_tokens else None,
            rope_max_seq_len=32,
        ),
    )
    # a prompt is a few of 512 text tokens, the rest padding: without a gain it would hardly be heard
    return amplify(sharpen(model, 1.7), "attn2.to_out", 4.0)


def _vae(name: str, seed: int) -> AutoencoderKLWan:
    sizes: dict[str, Any] = {"scale_factor_spatial": 8}
    if name == "wan2.2-ti2v-5b":
        sizes = {
            "scale_factor_spatial": 16,
            "is_residual": True,
            "patch_size": 2,
            "in_channels": 12,
            "out_channels": 12,
        }
    vae = seeded(
        f"wan-vae-{sizes['scale_factor_spatial']}",
        seed,
        lambda: AutoencoderKLWan(
            base_dim=4,
            z_dim=_CHANNELS,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.0] * _CHANNELS,
            latents_std=[1.0] * _CHANNELS,
            **sizes,
        ),
    )
    # untrained, the encoder gives almost the same latents for every image
    return amplify(vae, "encoder.conv_out", 8.0)
