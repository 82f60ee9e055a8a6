"""CogVideoX and CogVideoX 1.5, tiny: joint attention over ``[text, video]``."""

from __future__ import annotations

from types import MappingProxyType

from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXDPMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    DiffusionPipeline,
)

from dymos_probe.testing.encoders import t5_encoder
from dymos_probe.testing.settings import Arm, CallSettings
from dymos_probe.testing.tokenizers import sentencepiece_tokenizer
from dymos_probe.testing.weights import derive, seeded, sharpen

_TEXT_TOKENS = 40
_TEXT_WIDTH = 32
_CHANNELS = 4
_EXTRA = MappingProxyType({"max_sequence_length": _TEXT_TOKENS})

SETTINGS = MappingProxyType(
    {
        "cogvideox": CallSettings(
            height=32, width=48, num_frames=9, frames=3, token_height=2, token_width=3, extra=_EXTRA
        ),
        # 5 latent frames are odd: the pipeline pads to 6, hence 3 token frames, and drops the first on decoding.
        "cogvideox1.5": CallSettings(
            height=32, width=48, num_frames=17, frames=3, token_height=2, token_width=3, extra=_EXTRA
        ),
        "cogvideox1.5-even": CallSettings(
            height=32, width=48, num_frames=24, frames=3, token_height=2, token_width=3, extra=_EXTRA
        ),
    }
)


def build(name: str, arm: Arm, seed: int) -> DiffusionPipeline:
    """Build one arm: version 1.0 with sinusoidal positions and DDIM, 1.5 with rotary positions and DPM."""
    newer = name.startswith("cogvideox1.5")
    transformer = _transformer(newer, "t2v", seed)
    if arm == "i2v":
        transformer = derive(_transformer(newer, "i2v", seed), transformer)
    scheduler = CogVideoXDPMScheduler if newer else CogVideoXDDIMScheduler
    tokenizer = sentencepiece_tokenizer()
    pipeline = CogVideoXPipeline if arm == "t2v" else CogVideoXImageToVideoPipeline
    return pipeline(
        tokenizer=tokenizer,
        text_encoder=t5_encoder(len(tokenizer), _TEXT_WIDTH, seed),
        vae=_vae(seed),
        transformer=transformer,
        scheduler=scheduler(prediction_type="v_prediction", timestep_spacing="trailing", rescale_betas_zero_snr=True),
    )


def _transformer(newer: bool, arm: Arm, seed: int) -> CogVideoXTransformer3DModel:
    model = seeded(
        f"cogvideox-{arm}",
        seed,
        lambda: CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=_CHANNELS * (2 if arm == "i2v" else 1),
            out_channels=_CHANNELS,
            time_embed_dim=16,
            ofs_embed_dim=16 if newer and arm == "i2v" else None,
            text_embed_dim=_TEXT_WIDTH,
            num_layers=2,
            sample_height=4,
            sample_width=6,
            sample_frames=9,
            patch_size=2,
            patch_size_t=2 if newer else None,
            max_text_seq_length=_TEXT_TOKENS,
            use_rotary_positional_embeddings=newer,
            patch_bias=not newer,
        ),
    )
    return sharpen(model, 1.7)


def _vae(seed: int) -> AutoencoderKLCogVideoX:
    return seeded(
        "cogvideox-vae",
        seed,
        lambda: AutoencoderKLCogVideoX(
            block_out_channels=(8, 8, 8, 8),
            latent_channels=_CHANNELS,
            layers_per_block=1,
            norm_num_groups=2,
            sample_height=32,
            sample_width=48,
            scaling_factor=1.0,
        ),
    )
