"""Fine-tunes the I2V denoiser from the T2V one, on clips curated towards little motion or not curated."""

from __future__ import annotations

from pathlib import Path

from studies.sprites.config import Curation, Experiment
from studies.sprites.denoiser import Denoiser, DiffusionLoss, build_scheduler, widen_for_image
from studies.sprites.latents import encode_clips
from studies.sprites.processes import rank, wait_for_all
from studies.sprites.training import train
from studies.sprites.vae import load_vae

_CLIPS = 6


def train_i2v(experiment: Experiment, curation: Curation, vae: Path, t2v: Path, folder: Path, device: str) -> Path:
    """Fine-tune an I2V denoiser and return the folder it is saved in; nothing if it is there.

    The two curations share seed, captions, first frames, steps and noise: the clips' motion
    is the only difference.
    """
    finished = folder / "model"
    if finished.is_dir():
        return finished
    clips = encode_clips(
        experiment,
        load_vae(vae, device),
        folder / "latents",
        count=experiment.i2v.clips,
        seed=(experiment.seed, _CLIPS),
        curation=curation,
        device=device,
    )
    model = widen_for_image(experiment, Denoiser.load(t2v)).to(device)
    # Another stream of batches than the T2V training's.
    loss = DiffusionLoss(
        clips,
        experiment.i2v,
        build_scheduler(experiment.denoiser),
        seed=experiment.seed + 1_000_000,
        image=True,
        device=device,
    )
    trained: Denoiser = train(model, loss, experiment.i2v.optimisation, folder)  # type: ignore[assignment]
    if rank() == 0:
        trained.save(finished)
    wait_for_all()
    return finished
