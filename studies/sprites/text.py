"""The prompt side: a tokenizer of the captions' words, and a small T5 encoder that reads them before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn
from transformers import T5Config, T5EncoderModel, T5TokenizerFast

from studies.sprites.config import DenoiserConfig, Experiment
from studies.sprites.data import BACKGROUNDS, COLOURS, DIRECTIONS, SHAPES, SPEEDS, draw_clip
from studies.sprites.processes import rank, wait_for_all, world
from studies.sprites.training import Losses, seed_torch, train

WORDS: Final = {
    "colour": tuple(COLOURS),
    "shape": tuple(SHAPES),
    "direction": tuple(DIRECTIONS),
    "speed": tuple(SPEEDS),
    "background": tuple(BACKGROUNDS),
}
"""What a caption says, by the name of the clip's field."""

_SPECIAL = ("<pad>", "</s>", "<unk>")
_OTHERS = ("a", "an", "moves", "on", "background")
_BATCH = 64


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
    """Return a T5 encoder with fresh weights."""
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


def train_text_encoder(experiment: Experiment, folder: Path, device: str) -> Path:
    """Train the text encoder and return the folder it is saved in; nothing if it is there.

    At every one of its tokens it learns to name all that a caption says. A transformer that
    reads a hundred video tokens beside sixteen of text would else find a colour, which changes
    every picture much, thousands of steps before a direction.
    """
    finished = folder / "model"
    if finished.is_dir():
        return finished
    tokenizer = build_tokenizer(experiment.denoiser)
    encoder = build_text_encoder(experiment.denoiser, len(tokenizer), experiment.seed)
    model = _Reader(encoder, experiment.denoiser.text_width).to(device)
    train(model, _Captions(experiment, tokenizer, device), experiment.denoiser.text_optimisation, folder)
    if rank() == 0:
        encoder.save_pretrained(finished)
    wait_for_all()
    return finished


class _Reader(nn.Module):
    """The encoder and a linear reading of each of its tokens."""

    def __init__(self, encoder: T5EncoderModel, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.readings = nn.ModuleDict({name: nn.Linear(width, len(words)) for name, words in WORDS.items()})

    def forward(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return logits (captions, words, tokens) by what is read."""
        read = self.encoder(tokens).last_hidden_state
        return {name: reading(read).mT for name, reading in self.readings.items()}


class _Captions:
    """Cross-entropy of every reading at every token, on captions of training clips."""

    def __init__(self, experiment: Experiment, tokenizer: T5TokenizerFast, device: str) -> None:
        self._experiment, self._tokenizer, self._device = experiment, tokenizer, device

    def __call__(self, model: nn.Module, step: int) -> Losses:
        rng = np.random.default_rng((self._experiment.seed, 10, step))
        clips = [draw_clip(rng, self._experiment.video, "training") for _ in range(_BATCH)][rank() :: world()]
        tokens = tokenize(self._tokenizer, [clip.caption for clip in clips], self._experiment.denoiser)
        logits = model(tokens.to(self._device))
        losses = {}
        for name, words in WORDS.items():
            said = torch.tensor([words.index(getattr(clip, name)) for clip in clips], device=self._device)
            losses[name] = nn.functional.cross_entropy(logits[name], said[:, None].expand(-1, tokens.shape[1]))
        return losses
