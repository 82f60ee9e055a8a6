"""The image-to-video models Table 5 times, as their published configurations: what a random-weight copy is built from.

Only values that differ from diffusers' defaults, or that a reader would look for, are written out. Text encoders
are not part of a copy: their outputs are given, in the published shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from dymos_probe.errors import InputError


@dataclass(frozen=True, kw_only=True)
class TextStream:
    """Prompt embeddings a pipeline call takes in place of a prompt."""

    argument: str
    """Name of the call argument; its unconditional twin is ``negative_<argument>``."""
    tokens: int
    """Length the prompt is padded to."""
    width: int
    """Features of a token."""
    valid: int
    """Tokens that are no padding, for a prompt of a sentence or two."""
    mask: str | None = None
    """Name of the argument that says which tokens are valid; None where padding is zeros."""


@dataclass(frozen=True, kw_only=True)
class ImageTokens:
    """What the image encoder of a pipeline returns."""

    tokens: int
    """Tokens of one image."""
    width: int
    """Features of a token."""
    processor: str
    """Component of the pipeline that prepares the image for the encoder."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One published image-to-video pipeline."""

    pipeline: str
    """diffusers class of the pipeline."""
    transformer_class: str
    """diffusers class of the transformer."""
    transformer: Mapping[str, Any]
    """Its configuration."""
    parameters: int
    """Learnt numbers of one transformer, without the buffers that some checkpoints store."""
    counted_in: str
    """Where that number is published."""
    experts: int = 1
    """Transformers of this size: 2 where an expert takes the earlier and another the later steps."""
    vae_class: str
    """diffusers class of the VAE; its encoder makes the latents of the reference image."""
    vae: Mapping[str, Any] = field(default_factory=dict)
    """Its configuration."""
    scheduler: Mapping[str, Any]
    """Configuration of the scheduler that the preset names."""
    text: tuple[TextStream, ...]
    """Prompt embeddings, in the order of the call."""
    image: ImageTokens | None = None
    """Image embeddings; None where the image enters by its latents alone."""
    guider: str | None = None
    """diffusers class that guides; None where the pipeline does it itself."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Further configuration of the pipeline."""
    absent: tuple[str, ...] = ("tokenizer", "text_encoder")
    """Components a copy does without."""
    sources: tuple[str, ...]
    """The files these values are published in."""


_HUB: Final = "https://huggingface.co"
_SCRIPTS: Final = "https://github.com/huggingface/diffusers/blob/main/scripts"
_WAN_TEXT: Final = (TextStream(argument="prompt_embeds", tokens=512, width=4096, valid=64),)
_WAN_SCHEDULER: Final = {
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "num_train_timesteps": 1000,
    "flow_shift": 3.0,
}
_WAN_I2V: Final = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 40,
    "attention_head_dim": 128,
    "in_channels": 36,
    "out_channels": 16,
    "text_dim": 4096,
    "freq_dim": 256,
    "ffn_dim": 13824,
    "num_layers": 40,
    "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads",
    "eps": 1e-6,
}

ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "wan2.2-a14b": Architecture(
            pipeline="WanImageToVideoPipeline",
            transformer_class="WanTransformer3DModel",
            transformer=_WAN_I2V,
            parameters=14_288_901_184,
            counted_in=f"{_HUB}/Wan-AI/Wan2.2-I2V-A14B, high_noise_model: 14.3B in 1095 tensors",
            experts=2,
            vae_class="AutoencoderKLWan",
            scheduler=_WAN_SCHEDULER,
            text=_WAN_TEXT,
            config={"boundary_ratio": 0.9},
            sources=(
                f"{_HUB}/Wan-AI/Wan2.2-I2V-A14B-Diffusers/blob/main/transformer/config.json",
                f"{_HUB}/Wan-AI/Wan2.2-I2V-A14B-Diffusers/blob/main/transformer_2/config.json",
                f"{_HUB}/Wan-AI/Wan2.2-I2V-A14B-Diffusers/blob/main/vae/config.json",
                f"{_HUB}/Wan-AI/Wan2.2-I2V-A14B-Diffusers/blob/main/model_index.json",
                f"{_SCRIPTS}/convert_wan_to_diffusers.py",
            ),
        ),
        "wan2.1-14b": Architecture(
            pipeline="WanImageToVideoPipeline",
            transformer_class="WanTransformer3DModel",
            transformer={**_WAN_I2V, "image_dim": 1280, "added_kv_proj_dim": 5120},
            parameters=16_394_878_784,
            # 14B without the layers that read image tokens.
            counted_in=f"{_HUB}/Comfy-Org/Wan_2.1_ComfyUI_repackaged, wan2.1_i2v_480p_14B_bf16: 32.8 GB at 2 bytes",
            vae_class="AutoencoderKLWan",
            scheduler=_WAN_SCHEDULER,
            text=_WAN_TEXT,
            image=ImageTokens(tokens=257, width=1280, processor="image_processor"),
            sources=(
                f"{_HUB}/Wan-AI/Wan2.1-I2V-14B-480P-Diffusers/blob/main/transformer/config.json",
                f"{_HUB}/Wan-AI/Wan2.1-I2V-14B-480P-Diffusers/blob/main/vae/config.json",
                f"{_HUB}/Wan-AI/Wan2.1-I2V-14B-480P-Diffusers/blob/main/image_encoder/config.json",
                f"{_SCRIPTS}/convert_wan_to_diffusers.py",
            ),
        ),
        "hunyuanvideo-1.5": Architecture(
            pipeline="HunyuanVideo15ImageToVideoPipeline",
            transformer_class="HunyuanVideo15Transformer3DModel",
            transformer={
                "in_channels": 65,
                "out_channels": 32,
                "num_attention_heads": 16,
                "attention_head_dim": 128,
                "num_layers": 54,
                "num_refiner_layers": 2,
                "mlp_ratio": 4.0,
                "patch_size": 1,
                "patch_size_t": 1,
                "qk_norm": "rms_norm",
                "text_embed_dim": 3584,
                "text_embed_2_dim": 1472,
                "image_embed_dim": 1152,
                "rope_theta": 256.0,
                "rope_axes_dim": (16, 56, 56),
                "target_size": 640,
                "task_type": "i2v",
                "use_meanflow": False,
            },
            parameters=8_326_608_160,
            counted_in=f"{_HUB}/tencent/HunyuanVideo-1.5: 8.3B; the T2V model has the same layers",
            vae_class="AutoencoderKLHunyuanVideo15",
            scheduler={"shift": 5.0},
            text=(
                TextStream(argument="prompt_embeds", tokens=1000, width=3584, valid=64, mask="prompt_embeds_mask"),
                # Only text to be drawn into the picture is a glyph; a common prompt has none.
                TextStream(argument="prompt_embeds_2", tokens=256, width=1472, valid=0, mask="prompt_embeds_mask_2"),
            ),
            image=ImageTokens(tokens=729, width=1152, processor="feature_extractor"),
            guider="ClassifierFreeGuidance",
            absent=("tokenizer", "text_encoder", "tokenizer_2", "text_encoder_2"),
            sources=(
                f"{_HUB}/hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_i2v/blob/main/transformer/config.json",
                f"{_HUB}/hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_i2v/blob/main/vae/config.json",
                f"{_SCRIPTS}/convert_hunyuan_video1_5_to_diffusers.py",
            ),
        ),
        "cogvideox-5b": Architecture(
            pipeline="CogVideoXImageToVideoPipeline",
            transformer_class="CogVideoXTransformer3DModel",
            transformer={
                "num_attention_heads": 48,
                "attention_head_dim": 64,
                "in_channels": 32,
                "out_channels": 16,
                "time_embed_dim": 512,
                "text_embed_dim": 4096,
                "num_layers": 42,
                "sample_width": 90,
                "sample_height": 60,
                "sample_frames": 49,
                "patch_size": 2,
                "temporal_compression_ratio": 4,
                "max_text_seq_length": 226,
                "spatial_interpolation_scale": 1.875,
                "temporal_interpolation_scale": 1.0,
                "use_rotary_positional_embeddings": True,
                "use_learned_positional_embeddings": True,
            },
            # The T2V model's 5,570,283,072, and a patch embedding that reads 16 channels more: 16 · 2 · 2 · 3072.
            parameters=5_570_479_680,
            counted_in=f"{_HUB}/zai-org/CogVideoX-5b: 5.57B; the I2V model reads 16 channels more",
            vae_class="AutoencoderKLCogVideoX",
            vae={"scaling_factor": 0.7},
            scheduler={
                "beta_start": 0.00085,
                "beta_end": 0.012,
                "beta_schedule": "scaled_linear",
                "snr_shift_scale": 1.0,
                "prediction_type": "v_prediction",
                "rescale_betas_zero_snr": True,
                "timestep_spacing": "trailing",
                "clip_sample": False,
                "set_alpha_to_one": True,
            },
            text=(TextStream(argument="prompt_embeds", tokens=226, width=4096, valid=64),),
            sources=(
                f"{_HUB}/zai-org/CogVideoX-5b-I2V/blob/main/transformer/config.json",
                f"{_HUB}/zai-org/CogVideoX-5b-I2V/blob/main/vae/config.json",
                f"{_HUB}/zai-org/CogVideoX-5b-I2V/blob/main/scheduler/scheduler_config.json",
                f"{_SCRIPTS}/convert_cogvideox_to_diffusers.py",
            ),
        ),
    }
)
"""By the name of the preset whose I2V model it is, in the order of Table 5."""


def architecture(pair: str) -> Architecture:
    """Return the architecture of the I2V model of a preset.

    Raises
    ------
    InputError
        When its configuration is not kept here; the message lists those that are.
    """
    if pair not in ARCHITECTURES:
        raise InputError(
            f"random weights are made for {', '.join(ARCHITECTURES)}, not for {pair!r}; use --weights published"
        )
    return ARCHITECTURES[pair]
