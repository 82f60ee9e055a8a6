"""Text and image encoders of a few thousand weights."""

from __future__ import annotations

from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaModel,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Qwen2_5_VLTextConfig,
    Qwen2_5_VLTextModel,
    SiglipVisionConfig,
    SiglipVisionModel,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

from dymos_probe.testing.weights import amplify, seeded

IMAGE_SIZE = 32
"""Pixels a side of the square image that the image encoders read."""

_T5_SIZES = {"d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0}
_DECODER_SIZES = {
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
}
_ENCODER_SIZES = {
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "initializer_range": 0.2,
}


def t5_encoder(vocabulary: int, width: int, seed: int) -> T5EncoderModel:
    """Return a T5 encoder whose hidden states have ``width`` channels."""
    config = T5Config(vocab_size=vocabulary, d_model=width, **_T5_SIZES)
    return seeded("t5", seed, lambda: T5EncoderModel(config))


def umt5_encoder(vocabulary: int, width: int, seed: int) -> UMT5EncoderModel:
    """Return a UMT5 encoder whose hidden states have ``width`` channels."""
    config = UMT5Config(vocab_size=vocabulary, d_model=width, **_T5_SIZES)
    return seeded("umt5", seed, lambda: UMT5EncoderModel(config))


def qwen_encoder(vocabulary: int, width: int, seed: int) -> Qwen2_5_VLTextModel:
    """Return the text part of a Qwen 2.5 VL model; pipelines read the third hidden state from the end."""
    config = Qwen2_5_VLTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        bos_token_id=None,
        eos_token_id=None,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
        **_DECODER_SIZES,
    )
    return amplify(seeded("qwen", seed, lambda: Qwen2_5_VLTextModel(config)), "embed_tokens", 5.0)


def llama_encoder(vocabulary: int, width: int, seed: int, *, pad: int) -> LlamaModel:
    """Return a Llama model whose hidden states have ``width`` channels."""
    config = _llama_config(vocabulary, width, pad)
    return amplify(seeded("llama", seed, lambda: LlamaModel(config)), "embed_tokens", 5.0)


def llava_encoder(
    vocabulary: int, width: int, seed: int, *, pad: int, image_token: int
) -> LlavaForConditionalGeneration:
    """Return a Llava model over 16 image tokens, its language half weight for weight :func:`llama_encoder`."""
    config = LlavaConfig(
        text_config=_llama_config(vocabulary, width, pad),
        vision_config=_clip_vision_config(16, patch=8),
        image_token_index=image_token,
        pad_token_id=pad,
        vision_feature_layer=-2,
    )
    model = seeded("llava", seed, lambda: LlavaForConditionalGeneration(config))
    model.model.language_model.load_state_dict(llama_encoder(vocabulary, width, seed, pad=pad).state_dict())
    return model


def clip_text_encoder(vocabulary: int, width: int, seed: int, *, bos: int, eos: int) -> CLIPTextModel:
    """Return a CLIP text model with a pooled output of ``width`` channels."""
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        max_position_embeddings=77,
        bos_token_id=bos,
        eos_token_id=eos,
        pad_token_id=eos,
        **_ENCODER_SIZES,
    )
    return seeded("clip-text", seed, lambda: CLIPTextModel(config))


def clip_vision_encoder(width: int, seed: int) -> CLIPVisionModel:
    """Return a CLIP vision model of 5 tokens."""
    return seeded("clip-vision", seed, lambda: CLIPVisionModel(_clip_vision_config(width, patch=16)))


def siglip_vision_encoder(width: int, seed: int) -> SiglipVisionModel:
    """Return a SigLIP vision model of 4 tokens."""
    config = SiglipVisionConfig(hidden_size=width, image_size=IMAGE_SIZE, patch_size=16, **_ENCODER_SIZES)
    return seeded("siglip-vision", seed, lambda: SiglipVisionModel(config))


def _clip_vision_config(width: int, *, patch: int) -> CLIPVisionConfig:
    return CLIPVisionConfig(hidden_size=width, image_size=IMAGE_SIZE, patch_size=patch, **_ENCODER_SIZES)


def _llama_config(vocabulary: int, width: int, pad: int) -> LlamaConfig:
    return LlamaConfig(vocab_size=vocabulary, hidden_size=width, pad_token_id=pad, **_DECODER_SIZES)
