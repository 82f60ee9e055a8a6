"""Trains the T2V denoiser on clips that move as their captions say: the text encoder first, then the transformer."""

from __future__ import annotations

from pathlib import Path

from studies.sprites.config import Experiment
from studies.sprites.denoiser import DiffusionLoss, build_denoiser, build_scheduler
from studies.sprites.latents import encode_clips
from studies.sprites.processes import rank, wait_for_all
from studies.sprites.text import train_text_encoder
from studies.sprites.training import train
from studies.sprites.vae import load_vae

_CLIPS = 5


def train_t2v(experiment: Experiment, vae: Path, folder: Path, device: str) -> Path:
    """Train the T2V denoiser and return the folder it is saved in; nothing if it is there."""
    finished = folder / "model"
    if finished.is_dir():
        return finished
    clips = encode_clips(
        experiment,
        load_vae(vae, device),
        folder / "latents",
        count=experiment.t2v.clips,
        seed=(experiment.seed, _CLIPS),
        curation="uncurated",
        device=device,
    )
    model = build_denoiser(experiment, train_text_encoder(experiment, folder / "text", device)).to(device)
    loss = DiffusionLoss(
        clips, experiment.t2v, build_scheduler(experiment.denoiser), seed=experiment.seed, image=False, device=device
    )
    train(model, loss, experiment.t2v.optimisation, folder)
    if rank() == 0:
        model.save(finished)
    wait_for_all()
    return finished
