"""HunyuanVideo 1.0, tiny: joint attention over ``[video, text]`` in dual-stream, then single-stream blocks."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from diffusers import (
    AutoencoderKLHunyuanVideo,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoImageToVideoPipeline,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
)

from dymos_probe.testing.encoders import clip_text_encoder, llama_encoder, llava_encoder
from dymos_probe.testing.image_processors import clip_image_processor
from dymos_probe.testing.settings import Arm, CallSettings
from dymos_probe.testing.tokenizers import clip_tokenizer, llama_tokenizer
from dymos_probe.testing.weights import derive, seeded, sharpen

_TEXT_WIDTH = 16
_POOLED_WIDTH = 16
_CHANNELS = 4
_CONDITION_TYPES = {"hunyuanvideo": "latent_concat", "hunyuanvideo-token-replace": "token_replace"}

# The published templates with every sentence reduced to its markers, one token each; "<s>" comes first.
_HEADER = "<|start_header_id|><|role|><|end_header_id|>"
_T2V_TEMPLATE = {"template": f"{_HEADER}<|eot_id|>{_HEADER}{{}}<|eot_id|>", "crop_start": 8}
_I2V_TEMPLATE = {
    "template": f"{_HEADER}<image><|eot_id|>{_HEADER}{{}}<|eot_id|>{_HEADER}",
    "crop_start": 9,
    "image_emb_start": 4,
    "image_emb_end": 20,
    "image_emb_len": 16,
}


def _settings(dropped: int) -> CallSettings:
    return CallSettings(
        height=32,
        width=48,
        num_frames=9,
        frames=3,
        token_height=2,
        token_width=3,
        guidance_argument="true_cfg_scale",
        i2v_dropped_frames=dropped,
        # guidance_scale is the embedded guidance of the distilled model; above 1 it doubles the true one
        extra=MappingProxyType({"max_sequence_length": 48, "guidance_scale": 1.0, "prompt_template": _T2V_TEMPLATE}),
        i2v_extra=MappingProxyType({"prompt_template": _I2V_TEMPLATE}),
    )


SETTINGS = MappingProxyType({"hunyuanvideo": _settings(4), "hunyuanvideo-token-replace": _settings(0)})


def build(name: str, arm: Arm, seed: int) -> DiffusionPipeline:
    """Build one arm: the image joins as extra channels (``hunyuanvideo``) or as frame 0 (``-token-replace``).

    The I2V text encoder is a Llava whose language half carries the weights of the T2V Llama.
    """
    tokenizer, tokenizer_2 = llama_tokenizer(), clip_tokenizer()
    pad, image_token = (tokenizer.convert_tokens_to_ids(token) for token in ("<pad>", "<image>"))
    transformer = _transformer(None, seed)
    components: dict[str, Any] = {
        "tokenizer": tokenizer,
        "tokenizer_2": tokenizer_2,
        "text_encoder_2": clip_text_encoder(
            len(tokenizer_2), _POOLED_WIDTH, seed, bos=tokenizer_2.bos_token_id, eos=tokenizer_2.eos_token_id
        ),
        "vae": _vae(seed),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=7.0),
    }
    if arm == "t2v":
        return HunyuanVideoPipeline(
            transformer=transformer,
            text_encoder=llama_encoder(len(tokenizer), _TEXT_WIDTH, seed, pad=pad),
            **components,
        )
    return HunyuanVideoImageToVideoPipeline(
        transformer=derive(_transformer(_CONDITION_TYPES[name], seed), transformer),
        text_encoder=llava_encoder(len(tokenizer), _TEXT_WIDTH, seed, pad=pad, image_token=image_token),
        image_processor=clip_image_processor(),
        **components,
    )


def _transformer(condition_type: str | None, seed: int) -> HunyuanVideoTransformer3DModel:
    model = seeded(
        f"hunyuan-video-{condition_type}",
        seed,
        lambda: HunyuanVideoTransformer3DModel(
            in_channels=2 * _CHANNELS + 1 if condition_type == "latent_concat" else _CHANNELS,
            out_channels=_CHANNELS,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=2,
            num_single_layers=1,
            num_refiner_layers=1,
            mlp_ratio=2.0,
            text_embed_dim=_TEXT_WIDTH,
            pooled_projection_dim=_POOLED_WIDTH,
            rope_axes_dim=(4, 6, 6),
            image_condition_type=condition_type,
        ),
    )
    return sharpen(model, 1.7)


def _vae(seed: int) -> AutoencoderKLHunyuanVideo:
    return seeded(
        "hunyuan-video-vae",
        seed,
        lambda: AutoencoderKLHunyuanVideo(
            latent_channels=_CHANNELS,
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            norm_num_groups=2,
            scaling_factor=1.0,
        ),
    )
