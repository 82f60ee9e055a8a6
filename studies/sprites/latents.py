"""Training clips drawn and encoded once, kept on disk in blocks so that a killed run goes on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKLCogVideoX
from safetensors.torch import load_file, save_file

from studies.sprites.config import Curation, Experiment
from studies.sprites.data import draw_clips, render
from studies.sprites.processes import rank, wait_for_all, world
from studies.sprites.text import build_tokenizer, tokenize
from studies.sprites.vae import encode, to_model

BLOCK = 160
"""Clips a file."""

_BATCH = 8


@dataclass(frozen=True)
class Batch:
    """Some encoded clips, float32."""

    latents: torch.Tensor
    """(B, F, C, h, w), scaled."""
    images: torch.Tensor
    """First frame encoded alone, as the I2V pipeline encodes it, sampled: (B, C, h, w), scaled."""
    tokens: torch.Tensor
    """(B, text_tokens)."""


class EncodedClips:
    """All encoded clips of one training set."""

    def __init__(self, blocks: list[Path], empty: torch.Tensor) -> None:
        parts = [load_file(block) for block in blocks]
        self._all = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        self.empty = empty
        """Tokens of the empty prompt, (1, text_tokens)."""

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._all["tokens"])

    def batch(self, chosen: npt.NDArray[np.int64]) -> Batch:
        """Return the clips at these indices; images are sampled from torch's own generator."""
        index = torch.from_numpy(chosen)
        mean, std = self._all["image_mean"][index].float(), self._all["image_std"][index].float()
        return Batch(
            self._all["latents"][index].float(), mean + std * torch.randn(mean.shape), self._all["tokens"][index]
        )


@torch.no_grad()
def encode_clips(
    experiment: Experiment,
    vae: AutoencoderKLCogVideoX,
    folder: Path,
    *,
    count: int,
    seed: tuple[int, ...],
    curation: Curation,
    device: str,
) -> EncodedClips:
    """Return ``count`` training clips, encoding those that ``folder`` lacks; processes share the work."""
    blocks = [folder / f"{first:06d}.safetensors" for first in range(0, count, BLOCK)]
    clips = draw_clips(count, seed=seed, size=experiment.video, split="training", curation=curation)
    tokenizer = build_tokenizer(experiment.denoiser)
    folder.mkdir(parents=True, exist_ok=True)
    for number, block in enumerate(blocks):
        if number % world() != rank() or block.is_file():
            continue
        chosen = clips[number * BLOCK : (number + 1) * BLOCK]
        parts = []
        for first in range(0, len(chosen), _BATCH):
            drawn = [render(clip, experiment.video).video for clip in chosen[first : first + _BATCH]]
            videos = to_model(np.stack(drawn)).to(device)
            image = vae.encode(videos[:, :, :1]).latent_dist
            scale = vae.config.scaling_factor
            parts.append((encode(vae, videos), image.mean[:, :, 0] * scale, image.std[:, :, 0] * scale))
        latents, mean, std = (torch.cat(each).half().cpu() for each in zip(*parts, strict=True))
        tokens = tokenize(tokenizer, [clip.caption for clip in chosen], experiment.denoiser)
        beside = block.with_suffix(".new")
        save_file({"latents": latents, "image_mean": mean, "image_std": std, "tokens": tokens}, beside)
        os.replace(beside, block)
    wait_for_all()
    return EncodedClips(blocks, tokenize(tokenizer, [""], experiment.denoiser))
