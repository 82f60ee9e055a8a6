"""The prompt side: a tokenizer of the captions' words, and a small T5 encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import T5Config, T5EncoderModel, T5TokenizerFast

from studies.sprites.config import DenoiserConfig
from studies.sprites.data import BACKGROUNDS, COLOURS, DIRECTIONS, SHAPES, SPEEDS
from studies.sprites.training import seed_torch

_SPECIAL = ("<pad>", "</s>", "<unk>")
_OTHERS = ("a", "an", "moves", "on", "background")


def build_tokenizer(config: DenoiserConfig) -> T5TokenizerFast:
    """Return a T5 tokenizer with one piece for each word of a caption; other words are unknown."""
    words = (*_OTHERS, *COLOURS, *SHAPES, *DIRECTIONS, *SPEEDS, *BACKGROUNDS)
    # One score for all: a sentence is cut at its spaces in only one way.
    pieces = [(piece, 0.0) for piece in _SPECIAL] + [(f"▁{word}", -1.0) for word in words]
    return T5TokenizerFast(vocab=pieces, extra_ids=0, model_max_length=config.text_tokens)


def tokenize(tokenizer: T5TokenizerFast, prompts: Sequence[str], config: DenoiserConfig) -> torch.Tensor:
    """Return the tokens of prompts as the pipelines make them, (prompts, text_tokens), int64."""
    tokens = tokenizer(
        list(prompts), padding="max_length", max_length=config.text_tokens, truncation=True, return_tensors="pt"
    )
    return tokens.input_ids


def build_text_encoder(config: DenoiserConfig, vocabulary: int, seed: int) -> T5EncoderModel:
    """Return a T5 encoder with fresh weights; it is trained with the T2V transformer."""
    seed_torch(seed, 1)
    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary,
            d_model=config.text_width,
            d_kv=config.text_width // 4,
            d_ff=2 * config.text_width,
            num_layers=config.text_layers,
            num_heads=4,
            dropout_rate=0.0,
        )
    )
