"""LTX-Video, tiny: packed video-only self-attention, text by masked cross-attention."""

from __future__ import annotations

from types import MappingProxyType

from diffusers import (
    AutoencoderKLLTXVideo,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    LTXImageToVideoPipeline,
    LTXPipeline,
    LTXVideoTransformer3DModel,
)

from dymos_probe.testing.encoders import t5_encoder
from dymos_probe.testing.settings import Arm, CallSettings
from dymos_probe.testing.tokenizers import sentencepiece_tokenizer
from dymos_probe.testing.weights import seeded, sharpen

_TEXT_WIDTH = 32
_CHANNELS = 8

SETTINGS = MappingProxyType(
    {"ltx-video": CallSettings(height=64, width=96, num_frames=17, frames=3, token_height=2, token_width=3)}
)


def build(name: str, arm: Arm, seed: int) -> DiffusionPipeline:
    """Build one arm; both have the same transformer, as the published model serves both tasks."""
    tokenizer = sentencepiece_tokenizer()
    pipeline = LTXPipeline if arm == "t2v" else LTXImageToVideoPipeline
    return pipeline(
        tokenizer=tokenizer,
        text_encoder=t5_encoder(len(tokenizer), _TEXT_WIDTH, seed),
        vae=_vae(seed),
        transformer=_transformer(seed),
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True,
            base_shift=0.95,
            max_shift=2.05,
            base_image_seq_len=1024,
            max_image_seq_len=4096,
            shift_terminal=0.1,
        ),
    )


def _transformer(seed: int) -> LTXVideoTransformer3DModel:
    model = seeded(
        "ltx",
        seed,
        lambda: LTXVideoTransformer3DModel(
            in_channels=_CHANNELS,
            out_channels=_CHANNELS,
            num_attention_heads=2,
            attention_head_dim=16,
            cross_attention_dim=32,
            num_layers=2,
            caption_channels=_TEXT_WIDTH,
        ),
    )
    return sharpen(model, 1.7)


def _vae(seed: int) -> AutoencoderKLLTXVideo:
    return seeded(
        "ltx-vae",
        seed,
        lambda: AutoencoderKLLTXVideo(
            latent_channels=_CHANNELS,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
        ),
    )
