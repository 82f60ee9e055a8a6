"""Trains the T2V denoiser, transformer and text encoder together, on clips that move as their captions say."""

from __future__ import annotations

from pathlib import Path

from studies.sprites.config import DiffusionConfig, Experiment
from studies.sprites.denoiser import DiffusionLoss, build_denoiser, build_scheduler
from studies.sprites.latents import encode_clips
from studies.sprites.processes import rank, wait_for_all
from studies.sprites.text import build_tokenizer
from studies.sprites.training import train
from studies.sprites.vae import load_vae

_CLIPS = 5
_ANOTHER_STREAM = 2_000_000


def phases(experiment: Experiment) -> dict[str, DiffusionConfig]:
    """Return the two trainings in order by the name of their folder; the second goes on from the first."""
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
    model = build_denoiser(experiment, len(build_tokenizer(experiment.denoiser))).to(device)
    scheduler = build_scheduler(experiment.denoiser)
    for number, (phase, config) in enumerate(phases(experiment).items()):
        seed = experiment.seed + number * _ANOTHER_STREAM
        loss = DiffusionLoss(clips, config, scheduler, seed=seed, image=False, device=device)
        train(model, loss, config.optimisation, folder / phase)
    if rank() == 0:
        model.save(finished)
    wait_for_all()
    return finished
