"""Generates every condition of a prompt through the tap and measures each video; results stay on disk by prompt."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import CogVideoXImageToVideoPipeline, CogVideoXPipeline
from PIL import Image

from dymos_probe.families import Generation
from dymos_probe.metrics.optical_flow import measure_motion
from dymos_probe.metrics.sprites import track_sprite
from dymos_probe.runs.execute import execute
from studies.sprites.assemble import arms
from studies.sprites.classifier import Classifier, read
from studies.sprites.conditions import Condition
from studies.sprites.config import Experiment
from studies.sprites.data import DIRECTIONS, Clip, draw_clips

Frames = npt.NDArray[np.uint8]

_PROMPTS = 9


@dataclass(frozen=True)
class Measured:
    """One prompt under every condition."""

    clip: Clip
    """Its caption, and what the caption says."""
    values: dict[str, dict[str, Any]]
    """Measures by condition."""
    attention: dict[str, npt.NDArray[np.float32]]
    """(step, layer, query frame, key frame) by condition, a mean over heads, of the conditional branch."""
    videos: dict[str, Frames]
    """(frames, height, width, 3) by condition."""


def held_out_clips(experiment: Experiment) -> list[Clip]:
    """Return the clips whose captions are the prompts; no model was trained on their combinations.

    A caption occurs once: the first so many different ones are taken.
    """
    config = experiment.evaluation
    drawn = draw_clips(4 * config.prompts, seed=(config.seed, _PROMPTS), size=experiment.video, split="held-out")
    return list({clip.caption: clip for clip in reversed(drawn)}.values())[::-1][: config.prompts]


def load_pipelines(experiment: Experiment, pair: Path, device: str) -> dict[str, Any]:
    """Return the pipelines of a finished pair by folder name."""
    pipelines = {}
    for name in arms(experiment):
        pipeline = CogVideoXPipeline if name == "t2v" else CogVideoXImageToVideoPipeline
        pipelines[name] = pipeline.from_pretrained(pair / name, dtype=torch.float32).to(device)
        pipelines[name].set_progress_bar_config(disable=True)
    return pipelines


def measure_prompt(
    experiment: Experiment,
    number: int,
    clip: Clip,
    wanted: tuple[Condition, ...],
    pipelines: dict[str, Any],
    classifier: Classifier,
    file: Path,
) -> None:
    """Write the measures of one prompt to ``file`` (JSON) and its arrays beside it (NPZ); the JSON comes last."""
    config, video = experiment.evaluation, experiment.video
    generation = Generation(
        height=video.side,
        width=video.side,
        num_frames=video.frames,
        num_inference_steps=config.steps,
        guidance_scale=config.guidance_scale,
        extra={"max_sequence_length": experiment.denoiser.text_tokens},
    )
    values: dict[str, dict[str, Any]] = {}
    arrays: dict[str, npt.NDArray[Any]] = {}
    reference: Frames | None = None
    for condition in wanted:
        if number >= condition.prompts:
            continue
        outcome = execute(
            pipelines[condition.model],
            generation,
            prompt=clip.caption,
            seed=config.seed + number,
            image=None if condition.model == "t2v" else Image.fromarray(reference),
            bias=condition.bias,
            record=True,
        )
        reference = outcome.frames[0] if reference is None else reference
        values[condition.name] = _video_measures(outcome.frames, clip, reference, classifier, video.fps)
        arrays[f"video/{condition.name}"] = outcome.frames
        arrays[f"attention/{condition.name}"] = outcome.recording.attention[0, 0].mean(axis=2)
    np.savez_compressed(file.with_suffix(".npz"), **arrays)
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps({"caption": clip.caption, "measures": values}, ensure_ascii=False, indent=1))
    os.replace(beside, file)


def load_measured(experiment: Experiment, folder: Path) -> list[Measured]:
    """Return what `measure_prompt` wrote for every prompt that is finished, in order."""
    found = []
    for number, clip in enumerate(held_out_clips(experiment)):
        file = measured_file(folder, number)
        if file.is_file():
            with np.load(file.with_suffix(".npz")) as arrays:
                parts = {kind: _under(arrays, kind) for kind in ("attention", "video")}
            values = json.loads(file.read_text())["measures"]
            found.append(Measured(clip, values, parts["attention"], parts["video"]))
    return found


def measured_file(folder: Path, number: int) -> Path:
    """Return where the measures of a prompt are."""
    return folder / f"prompt-{number:03d}.json"


def _number(value: float) -> float | None:
    """Return None for NaN, which JSON does not know."""
    return None if np.isnan(value) else value


def _under(arrays: Any, kind: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(f"{kind}/"): arrays[name] for name in arrays.files if name.startswith(f"{kind}/")}


def _video_measures(frames: Frames, clip: Clip, reference: Frames, classifier: Classifier, fps: int) -> dict[str, Any]:
    track = track_sprite(frames)
    colour, shape = read(classifier, frames)
    error = np.square(frames[0].astype(float) - reference.astype(float)).mean() / 255**2
    along = {name: track.along(direction) for name, direction in DIRECTIONS.items()}
    return {
        "along": _number(along[clip.direction]),
        "distance": _number(track.distance),
        "lost_frames": track.lost_frames,
        "direction_right": max(along, key=lambda name: along[name]) == clip.direction,
        "colour_right": colour == clip.colour,
        "shape_right": shape == clip.shape,
        "optical_flow": measure_motion(frames, fps=fps).mean,
        "frame_difference": float(np.abs(np.diff(frames.astype(float), axis=0)).mean() / 255),
        "first_frame_psnr": float(-10 * np.log10(max(error, 1e-10))),
    }
