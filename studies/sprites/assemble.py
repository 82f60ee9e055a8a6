"""Writes the trained models as diffusers pipeline folders that load without this project."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch
from diffusers import CogVideoXImageToVideoPipeline, CogVideoXPipeline

from studies.sprites.config import Experiment
from studies.sprites.denoiser import Denoiser, build_scheduler
from studies.sprites.processes import rank, wait_for_all
from studies.sprites.text import build_tokenizer
from studies.sprites.vae import load_vae


def arms(experiment: Experiment) -> tuple[str, ...]:
    """Return the folders of the pair."""
    return ("t2v", *experiment.evaluation.models)


def assemble(experiment: Experiment, vae: Path, denoisers: Path, pair: Path) -> None:
    """Write the pipelines under ``pair``, half precision, safetensors.

    Each folder is whole: pipeline folders cannot point into each other, and a wheel keeps no
    links, so the small autoencoder and text encoder are stored once in each.

    Parameters
    ----------
    vae
        Folder of the trained autoencoder.
    denoisers
        Folder with ``t2v/model`` and the ``model`` of each I2V model.
    """
    if rank() == 0:
        for arm in arms(experiment):
            if not (pair / arm).is_dir():
                _write(experiment, vae, denoisers / arm / "model", pair / arm)
    wait_for_all()


def _write(experiment: Experiment, vae: Path, denoiser: Path, folder: Path) -> None:
    models = Denoiser.load(denoiser)
    pipeline = CogVideoXPipeline if folder.name == "t2v" else CogVideoXImageToVideoPipeline
    built = pipeline(
        tokenizer=build_tokenizer(experiment.denoiser),
        # transformers loads a text encoder in the type it is stored in and diffusers the rest in
        # float32: stored in half precision it would not fit the transformer it feeds.
        text_encoder=models.text_encoder,
        vae=load_vae(vae, "cpu").to(torch.float16),
        transformer=models.transformer.to(torch.float16),
        scheduler=build_scheduler(experiment.denoiser),
    )
    beside = folder.with_name(f".{folder.name}")
    shutil.rmtree(beside, ignore_errors=True)
    built.save_pretrained(beside)
    os.replace(beside, folder)
