"""The transformer and its text encoder as one trainable module, and the loss both arms are trained by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import CogVideoXDPMScheduler, CogVideoXTransformer3DModel
from torch import nn
from transformers import T5EncoderModel

from studies.sprites.config import DenoiserConfig, DiffusionConfig, Experiment
from studies.sprites.latents import EncodedClips
from studies.sprites.processes import rank, world
from studies.sprites.training import Losses, brief_arithmetic, seed_torch

VAE_SPACE, VAE_TIME = 4, 4


class Denoiser(nn.Module):
    """Text encoder and transformer; ``forward`` is what is differentiated."""

    def __init__(self, text_encoder: T5EncoderModel, transformer: CogVideoXTransformer3DModel) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.transformer = transformer

    def forward(self, tokens: torch.Tensor, latents: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Return the predicted clean latents (B, F, C, h, w)."""
        text = self.text_encoder(tokens).last_hidden_state
        return self.transformer(latents, text, timesteps, return_dict=False)[0]

    def save(self, folder: Path) -> None:
        """Write both models under ``folder``."""
        self.text_encoder.save_pretrained(folder / "text_encoder")
        self.transformer.save_pretrained(folder / "transformer")

    @classmethod
    def load(cls, folder: Path) -> Denoiser:
        """Return what `save` wrote."""
        return cls(
            T5EncoderModel.from_pretrained(folder / "text_encoder"),
            CogVideoXTransformer3DModel.from_pretrained(folder / "transformer"),
        )


def build_denoiser(experiment: Experiment, text_encoder: Path) -> Denoiser:
    """Return the T2V denoiser: a trained text encoder, frozen, and a transformer that the experiment's seed decides."""
    reads = T5EncoderModel.from_pretrained(text_encoder).requires_grad_(False)
    seed_torch(experiment.seed, 2)
    return Denoiser(reads, _transformer(experiment, channels=1))


def widen_for_image(experiment: Experiment, t2v: Denoiser) -> Denoiser:
    """Return an I2V denoiser that starts as ``t2v``: its input has the image's channels too, with zero weights.

    Its text encoder is frozen too, so both arms read prompts alike.
    """
    i2v = _transformer(experiment, channels=2)
    weights = dict(t2v.transformer.state_dict())
    narrow = weights["patch_embed.proj.weight"]
    weights["patch_embed.proj.weight"] = torch.cat([narrow, torch.zeros_like(narrow)], dim=1)
    i2v.load_state_dict(weights)
    return Denoiser(t2v.text_encoder.requires_grad_(False), i2v)


def build_scheduler(config: DenoiserConfig) -> CogVideoXDPMScheduler:
    """Return the scheduler of both arms: zero terminal SNR, trailing steps, the model predicting clean latents.

    A token has a third as many numbers as the model is wide: predicting velocity would spend that
    width on carrying its noise to the output. The sampler is CogVideoX's own stochastic one: what it
    adds anew in every step lets later steps mend an outline that earlier ones got wrong.
    """
    return CogVideoXDPMScheduler(
        prediction_type="sample",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
        clip_sample=False,
        snr_shift_scale=config.snr_shift,
    )


class DiffusionLoss:
    """Squared error of the clean latents over their noise variance, the velocity's error but for the least noise.

    ``step`` decides the batch of encoded clips, its timesteps and its noise.
    """

    def __init__(
        self,
        clips: EncodedClips,
        config: DiffusionConfig,
        scheduler: CogVideoXDPMScheduler,
        *,
        seed: int,
        image: bool,
        device: str,
    ) -> None:
        self._clips, self._config, self._scheduler = clips, config, scheduler
        self._seed, self._image, self._device = seed, image, device

    def __call__(self, model: nn.Module, step: int) -> Losses:
        """Return the loss term of this process's part of the batch of ``step``."""
        config = self._config
        # Every process draws the whole batch and takes its part: their number does not change the batch.
        mine = slice(rank(), None, world())
        rng = np.random.default_rng((self._seed, 3, step))
        chosen = rng.integers(0, len(self._clips), config.batch)
        composing = step < config.composition
        upper = rng.random(config.batch) < config.high_noise_share * composing
        given = rng.random(config.batch) < config.first_frame_share * composing
        lowest = np.where(upper, config.high_noise_from, 0)
        timesteps = torch.from_numpy(rng.integers(lowest, 1000))[mine].to(self._device)
        empty = torch.from_numpy(rng.random(config.batch) < config.prompt_dropout)[mine]
        seed_torch(self._seed, 4, step)
        batch = self._clips.batch(chosen)
        noise = torch.randn(batch.latents.shape)[mine].to(self._device)
        clean = batch.latents[mine].to(self._device)
        tokens = torch.where(empty[:, None], self._clips.empty, batch.tokens[mine]).to(self._device)
        noisy = self._scheduler.add_noise(clean, noise, timesteps)
        without_noise = torch.from_numpy(given)[mine, None, None, None].to(self._device)
        noisy[:, 0] = torch.where(without_noise, clean[:, 0], noisy[:, 0])
        if self._image:
            reference = torch.zeros_like(clean)
            reference[:, 0] = batch.images[mine].to(self._device)
            noisy_input = torch.cat([noisy, reference], dim=2)
        else:
            noisy_input = noisy
        variance = 1.0 - self._scheduler.alphas_cumprod.to(self._device)[timesteps]
        with brief_arithmetic(self._device):
            predicted = model(tokens, noisy_input, timesteps)
        error = (predicted.float() - clean).square().mean(dim=(1, 2, 3, 4))
        return {"velocity": (error / variance.clamp_min(config.least_noise)).mean()}


def _transformer(experiment: Experiment, *, channels: int) -> CogVideoXTransformer3DModel:
    config, video, latent = experiment.denoiser, experiment.video, experiment.vae.latent_channels
    return CogVideoXTransformer3DModel(
        num_attention_heads=config.heads,
        attention_head_dim=config.head_width,
        in_channels=latent * channels,
        out_channels=latent,
        time_embed_dim=config.time_width,
        text_embed_dim=config.text_width,
        num_layers=config.layers,
        sample_height=video.side // VAE_SPACE,
        sample_width=video.side // VAE_SPACE,
        sample_frames=video.frames,
        patch_size=config.patch,
        max_text_seq_length=config.text_tokens,
        spatial_interpolation_scale=1.0,
    )
