"""The causal video autoencoder: built, trained on frames, then on moving crops and whole clips, and used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLCogVideoX
from torch import nn

from studies.sprites.config import Experiment, VAEConfig
from studies.sprites.data import Clip, draw_clip, render
from studies.sprites.processes import rank, wait_for_all, world
from studies.sprites.training import Losses, brief_arithmetic, seed_torch, train

_SCALE_CLIPS = 64


def build_vae(config: VAEConfig, side: int) -> AutoencoderKLCogVideoX:
    """Return the autoencoder with fresh weights, decided by the seed of its configuration."""
    levels = len(config.block_out_channels)
    torch.manual_seed(config.seed)
    return AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * levels,
        up_block_types=("CogVideoXUpBlock3D",) * levels,
        block_out_channels=config.block_out_channels,
        latent_channels=config.latent_channels,
        layers_per_block=config.layers_per_block,
        norm_num_groups=config.norm_groups,
        sample_height=side,
        sample_width=side,
        scaling_factor=1.0,
    )


def train_vae(experiment: Experiment, folder: Path, device: str) -> Path:
    """Train the autoencoder, set its scaling factor, and return the folder it is saved in; nothing if it is there."""
    finished = folder / "model"
    if finished.is_dir():
        return finished
    vae = build_vae(experiment.vae, experiment.video.side).to(device)
    train(_Autoencoding(vae), _Batches(experiment, device), experiment.vae.optimisation, folder)
    if rank() == 0:
        vae.register_to_config(scaling_factor=_scaling_factor(vae, experiment, device))
        vae.save_pretrained(finished)
    wait_for_all()
    return finished


def load_vae(folder: Path, device: str) -> AutoencoderKLCogVideoX:
    """Return a saved autoencoder in evaluation mode."""
    return AutoencoderKLCogVideoX.from_pretrained(folder).eval().to(device)


def to_model(videos: np.ndarray) -> torch.Tensor:
    """Return (B, T, H, W, 3) pixels in [0, 1] as the autoencoder takes them: (B, 3, T, H, W) in [−1, 1]."""
    return torch.from_numpy(np.moveaxis(videos, -1, 1)).float() * 2.0 - 1.0


@torch.no_grad()
def encode(vae: AutoencoderKLCogVideoX, videos: torch.Tensor) -> torch.Tensor:
    """Return the latents of (B, 3, T, H, W) as the transformer takes them: (B, F, C, h, w), scaled, posterior means."""
    means = vae.encode(videos).latent_dist.mode()
    return means.permute(0, 2, 1, 3, 4) * vae.config.scaling_factor


@torch.no_grad()
def decode(vae: AutoencoderKLCogVideoX, latents: torch.Tensor) -> np.ndarray:
    """Return the pixels in [0, 1] of scaled latents (B, F, C, h, w): (B, T, H, W, 3)."""
    frames = vae.decode(latents.permute(0, 2, 1, 3, 4) / vae.config.scaling_factor).sample
    return np.moveaxis((frames / 2 + 0.5).clamp(0, 1).cpu().numpy(), 1, -1)


def _scaling_factor(vae: AutoencoderKLCogVideoX, experiment: Experiment, device: str) -> float:
    """Return the factor that gives latents unit variance about the means of their channels.

    The means carry nothing, and a scheduler's noise would drown what varies about them if they
    were counted in.
    """
    clips = _clips(experiment, "scale", 0, _SCALE_CLIPS)
    latents = torch.cat([encode(vae, to_model(render(c, experiment.video).video[None]).to(device)) for c in clips])
    variance = latents.var(dim=(0, 1, 3, 4)).mean() / vae.config.scaling_factor**2
    return round(float(variance.rsqrt()), 4)


class _Autoencoding(nn.Module):
    """Reconstruction and posterior of a batch in one forward, so that gradients can be shared between processes."""

    def __init__(self, vae: AutoencoderKLCogVideoX) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, videos: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return (reconstruction, posterior mean, posterior log-variance)."""
        posterior = self.vae.encode(videos).latent_dist
        return self.vae.decode(posterior.sample()).sample, posterior.mean, posterior.logvar


class _Batches:
    """The loss terms of a step: images alone at first, then the cycle of the configuration."""

    def __init__(self, experiment: Experiment, device: str) -> None:
        self._experiment, self._device = experiment, device

    def __call__(self, model: nn.Module, step: int) -> Losses:
        config = self._experiment.vae
        turn = step - config.image_steps
        kind = "image" if turn < 0 else config.cycle[turn % len(config.cycle)]
        videos, weights = self._draw(kind, step)
        seed_torch(config.seed, step, rank())
        with brief_arithmetic(self._device):
            output, mean, logvar = model(videos)
        return _terms(config, output.float(), videos, weights, mean.float(), logvar.float())

    def _draw(self, kind: str, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        config, size = self._experiment.vae, self._experiment.video
        batch = {"image": config.image_batch, "crop": config.crop_batch, "clip": config.clip_batch}[kind]
        clips = _clips(self._experiment, kind, step, batch)[rank() :: world()]
        rng = np.random.default_rng((config.seed, step, 1))
        offsets = rng.integers(0, size.frames - (1 if kind == "image" else config.clip_frames) + 1, size=batch)
        moves = rng.uniform(-0.3, 0.3, size=(batch, 2)) * config.crop_side
        drawn = []
        for clip, offset, move in zip(clips, offsets[rank() :: world()], moves[rank() :: world()], strict=True):
            frames = slice(offset, offset + (1 if kind == "image" else config.clip_frames))
            window = None
            if kind == "crop":
                corner = clip.path(size.frames)[frames].mean(axis=0) + move - config.crop_side / 2
                left, top = np.clip(corner.round().astype(int), 0, size.side - config.crop_side)
                window = int(left), int(top), config.crop_side
            drawn.append(render(clip, size, frames=frames, window=window))
        videos = to_model(np.stack([d.video for d in drawn])).to(self._device)
        coverage = torch.from_numpy(np.stack([d.coverage for d in drawn])[:, None]).to(self._device)
        near = nn.functional.max_pool3d(coverage, (1, 5, 5), stride=1, padding=(0, 2, 2))
        return videos, 1.0 + config.sprite_weight * near


def _clips(experiment: Experiment, purpose: str, step: int, count: int) -> list[Clip]:
    kinds = ("image", "crop", "clip", "scale")
    rng = np.random.default_rng((experiment.vae.seed, kinds.index(purpose), step))
    # The autoencoder also has to keep still sprites still: a quarter of its clips are curated.
    return [
        draw_clip(rng, experiment.video, "training", curation="curated" if rng.random() < 0.25 else "uncurated")
        for _ in range(count)
    ]


def _terms(config: VAEConfig, output: Any, videos: Any, weights: Any, mean: Any, logvar: Any) -> Losses:
    weights = weights / weights.mean()
    error = output - videos
    edges = [(weights.narrow(d, 1, s - 1) * error.diff(dim=d).abs()).mean() for d, s in enumerate(error.shape) if d > 2]
    divergence = 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).mean()
    return {
        "absolute": (weights * error.abs()).mean(),
        "square": (weights * error.square()).mean(),
        "edges": config.edge_weight * torch.stack(edges).mean(),
        "divergence": config.kl_weight * divergence,
        "means": config.mean_weight * mean.mean(dim=(0, 2, 3, 4)).square().mean(),
    }
