"""Measures a finished pair through the project's own tap, and writes the numbers and pictures beside the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from studies.sprites.cards import write_cards
from studies.sprites.classifier import Classifier, read, train_classifier
from studies.sprites.conditions import conditions
from studies.sprites.config import Experiment
from studies.sprites.data import draw_clips, render
from studies.sprites.measure import held_out_clips, load_measured, load_pipelines, measure_prompt, measured_file
from studies.sprites.processes import rank, wait_for_all, world
from studies.sprites.strips import lam_strip, reconstructions
from studies.sprites.summary import summarise
from studies.sprites.vae import decode, encode, load_vae, to_model

_CHECKED = 64
_DRAWN = 4
_CHECK_CLIPS = 10


def evaluate(experiment: Experiment, out: Path, pair: Path, device: str) -> None:
    """Measure every prompt that is missing, then write ``evaluation.json``, strips and cards into ``pair``.

    Processes share the prompts.
    """
    folder = out / f"seed-{experiment.seed}" / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    classifier = train_classifier(experiment, out / "classifier", device)
    pipelines = None
    for number, clip in enumerate(held_out_clips(experiment)):
        file = measured_file(folder, number)
        if number % world() != rank() or file.is_file():
            continue
        pipelines = pipelines or load_pipelines(experiment, pair, device)
        measure_prompt(experiment, number, clip, conditions(experiment.evaluation), pipelines, classifier, file)
    wait_for_all()
    if rank() == 0:
        report(experiment, out, pair, classifier)
    wait_for_all()


def report(experiment: Experiment, out: Path, pair: Path, classifier: Classifier) -> None:
    """Write what is measured so far: numbers, pictures and cards."""
    measured = load_measured(experiment, out / f"seed-{experiment.seed}" / "evaluation")
    results = summarise(measured, experiment.evaluation)
    results["instruments"] = _instruments(experiment, out / "vae" / "model", classifier, pair / "strips")
    (pair / "evaluation.json").write_text(json.dumps(results, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    for number, each in enumerate(measured[:_DRAWN]):
        lam_strip(each, experiment.evaluation, pair / "strips" / f"lam-{number}.png")
    write_cards(experiment, out, pair, results)


def _instruments(experiment: Experiment, vae: Path, classifier: Classifier, strips: Path) -> dict[str, Any]:
    """Return how well autoencoder and classifier do on drawn held-out clips, which bounds what a model can reach."""
    clips = draw_clips(
        _CHECKED, seed=(experiment.evaluation.seed, _CHECK_CLIPS), size=experiment.video, split="held-out"
    )
    drawn = np.stack([render(clip, experiment.video).video for clip in clips])
    model = load_vae(vae, "cpu")
    decoded = np.concatenate([decode(model, encode(model, to_model(drawn[n : n + 8]))) for n in range(0, _CHECKED, 8)])
    reconstructions(clips[:_DRAWN], drawn, decoded, strips / "autoencoder.png")
    psnr = -10 * np.log10(np.square(drawn - decoded).mean(axis=(1, 2, 3, 4)))
    results: dict[str, Any] = {"clips": _CHECKED, "autoencoder_psnr": float(psnr.mean())}
    for name, videos in (("drawn", drawn), ("decoded", decoded)):
        readings = [read(classifier, (video * 255).round().astype(np.uint8)) for video in videos]
        results[f"colour_right_{name}"] = float(
            np.mean([c == k.colour for (c, _), k in zip(readings, clips, strict=True)])
        )
        results[f"shape_right_{name}"] = float(
            np.mean([s == k.shape for (_, s), k in zip(readings, clips, strict=True)])
        )
    return results
