"""Trains the T2V denoiser on clips that move as their captions say: the text encoder first, then the transformer."""

from __future__ import annotations

from pathlib import Path

from studies.sprites.config import DiffusionConfig, Experiment
from studies.sprites.denoiser import DiffusionLoss, build_denoiser, build_scheduler
from studies.sprites.latents import encode_clips
from studies.sprites.processes import rank, wait_for_all
from studies.sprites.text import train_text_encoder
from studies.sprites.training import train
from studies.sprites.vae import load_vae

_CLIPS = 5
_ANOTHER_STREAM = 2_000_000


def trainings(experiment: Experiment) -> dict[str, DiffusionConfig]:
    """Return the trainings of the transformer by the name of their folder; each goes on from the one before."""
    return {"composition": experiment.t2v, "detail": experiment.detail}


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
    scheduler = build_scheduler(experiment.denoiser)
    for number, (name, config) in enumerate(trainings(experiment).items()):
        seed = experiment.seed + number * _ANOTHER_STREAM
        loss = DiffusionLoss(clips, config, scheduler, seed=seed, image=False, device=device)
        train(model, loss, config.optimisation, folder / name)
    if rank() == 0:
        model.save(finished)
    wait_for_all()
    return finished
