"""The model cards of the pair: data, recipe, device, time, seeds, figures and limits, filled from what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from studies.sprites.assemble import arms
from studies.sprites.config import DiffusionConfig, Experiment
from studies.sprites.data import BACKGROUNDS, COLOURS, DIRECTIONS, SHAPES, SPEEDS, combinations
from studies.sprites.seeds import load_evaluations, seeds_section
from studies.sprites.train_t2v import trainings

_TEMPLATE: Final = Path(__file__).with_name("card.md")

_TITLES: Final = {
    "t2v": "sprites, text to video",
    "i2v": "sprites, image to video",
    "i2v-uncurated": "sprites, image to video, uncurated",
}

_MOTION: Final = {
    "t2v": (
        "## Motion\n\nThis model was trained on clips that move as their captions say. Both I2V models were "
        "fine-tuned from it and are compared with it."
    ),
    "i2v": (
        "## Where its stillness comes from\n\nFrom the data, on purpose. It was fine-tuned from the T2V model on "
        "clips curated towards little motion, as published I2V training sets are: the captions unchanged, half of "
        "the sprites not moving at all, the others at a share of the captioned speed drawn evenly between 0 and 1. "
        "`i2v-uncurated` is the same fine-tuning on the same captions, first frames, steps and noise, with clips "
        "that move as captioned."
    ),
    "i2v-uncurated": (
        "## What it is for\n\nThe negative control. It was fine-tuned as `i2v` was, on the same captions, first "
        "frames, steps and noise, but with clips that move as captioned. What it shares with `i2v`, in its "
        "attention or in its answer to λ, stillness did not cause."
    ),
}


def write_cards(experiment: Experiment, out: Path, pair: Path, results: dict[str, Any]) -> None:
    """Write ``README.md`` into each folder of the pair.

    Parameters
    ----------
    out
        Folder of the study, for what each training took.
    results
        What `studies.sprites.summary.summarise` returned, with ``instruments``.
    """
    for arm in arms(experiment):
        (pair / arm / "README.md").write_text(
            _TEMPLATE.read_text().format(
                **_identity(arm),
                **_facts(experiment),
                **_recipe(arm, experiment, out),
                **_figures(arm, results),
                seeds=seeds_section(load_evaluations(out)),
            )
        )


def _identity(arm: str) -> dict[str, Any]:
    text = arm == "t2v"
    return {
        "title": _TITLES[arm],
        "task": "text-to-video" if text else "image-to-video",
        "pipeline": "CogVideoXPipeline" if text else "CogVideoXImageToVideoPipeline",
        "image": "" if text else "    image=image,\n",
        "motion": _MOTION[arm],
    }


def _facts(experiment: Experiment) -> dict[str, Any]:
    held_out = len(combinations("held-out"))
    return {
        "side": experiment.video.side,
        "frames": experiment.video.frames,
        "fps": experiment.video.fps,
        "text_tokens": experiment.denoiser.text_tokens,
        "colours": ", ".join(COLOURS),
        "colour_count": len(COLOURS),
        "shapes": ", ".join(SHAPES),
        "shape_count": len(SHAPES),
        "directions": ", ".join(DIRECTIONS),
        "direction_count": len(DIRECTIONS),
        "speeds": ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in SPEEDS.items()),
        "backgrounds": ", ".join(BACKGROUNDS),
        "held_out": held_out,
        "combinations": held_out + len(combinations("training")),
    }


def _recipe(arm: str, experiment: Experiment, out: Path) -> dict[str, Any]:
    vae, denoiser, folder = experiment.vae, experiment.denoiser, out / f"seed-{experiment.seed}"
    steps = trainings(experiment) if arm == "t2v" else {"": experiment.i2v}
    config = next(iter(steps.values()))
    return {
        "vae_channels": vae.block_out_channels,
        "latent_channels": vae.latent_channels,
        "vae_seed": vae.seed,
        "vae_training": _took(out / "vae"),
        "layers": denoiser.layers,
        "heads": denoiser.heads,
        "head_width": denoiser.head_width,
        "patch": denoiser.patch,
        "text_layers": denoiser.text_layers,
        "text_training": _took(folder / "t2v" / "text"),
        "snr_shift": denoiser.snr_shift,
        "clips": config.clips,
        "batch": config.batch,
        "ema_decay": config.optimisation.ema_decay,
        "prompt_dropout": config.prompt_dropout,
        "seed": experiment.seed,
        "trainings": " Then ".join(_training(each, folder / arm / name) for name, each in steps.items()),
    }


def _training(config: DiffusionConfig, folder: Path) -> str:
    """Return a sentence on one training."""
    special = [f"{config.high_noise_share:.0%} of the timesteps from {config.high_noise_from} up"]
    if config.first_frame_share:
        special.append(f"the first latent frame of {config.first_frame_share:.0%} of the clips left without noise")
    first = f"in the first {config.composition} steps {' and '.join(special)}, then " if config.composition else ""
    rate = f"learning rate {config.optimisation.learning_rate:g} falling as a cosine"
    return f"{rate}, {first}all timesteps alike: {_took(folder)}"


def _took(folder: Path) -> str:
    """Return what a training took, as a sentence's end."""
    facts = json.loads((folder / "training.json").read_text())
    processes = "one process" if facts["processes"] == 1 else f"{facts['processes']} processes"
    return (
        f"{facts['steps']} steps in {facts['minutes']:g} minutes, {processes} of one thread, {facts['device']}, "
        f"torch {facts['torch']}, {facts['finished']}."
    )


def _figures(arm: str, results: dict[str, Any]) -> dict[str, Any]:
    settings, instruments = results["settings"], results["instruments"]
    return {
        "prompts": settings["prompts"],
        "control_prompts": settings["control_prompts"],
        "steps": settings["steps"],
        "guidance": settings["guidance_scale"],
        "step_ratio": settings["step_ratio"],
        "early_steps": settings["early_steps"],
        "colour_drawn": instruments["colour_right_drawn"],
        "shape_drawn": instruments["shape_right_drawn"],
        "colour_decoded": instruments["colour_right_decoded"],
        "shape_decoded": instruments["shape_right_decoded"],
        "table": _table(results["conditions"]),
        "findings": _findings("i2v" if arm == "t2v" else arm, results),
    }


def _table(conditions: dict[str, Any]) -> str:
    head = (
        "| condition | n | along | lost | flow | colour | shape | first-frame PSNR | column 0 | d |",
        "|---|---|---|---|---|---|---|---|---|---|",
    )
    return "\n".join((*head, *(_row(name, row) for name, row in conditions.items())))


def _row(name: str, row: dict[str, Any]) -> str:
    along = _pixels(row["along"])
    if row["along_standard_error"] is not None:
        along += f" ± {row['along_standard_error']:.1f}"
    t2v = name == "t2v"
    cells = (
        name,
        row["prompts"],
        along,
        row["lost"],
        f"{row['optical_flow']:.2f}",
        _share(row["colour_right"]),
        _share(row["shape_right"]),
        "" if t2v else f"{row['first_frame_psnr']:.1f}",
        f"{row['dominance']:.3f}",
        "" if t2v else f"{row['distance_to_t2v_attention']:.4f}",
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _findings(model: str, results: dict[str, Any]) -> str:
    attention, least, captions = results["attention"][model], results["least_distance"][model], results["captions"]
    excess = attention["excess_by_step"]
    speeds = ", ".join(
        f"{speed} {_pixels(value)} (drawn {captions['drawn_by_speed'][speed]:.1f})"
        for speed, value in captions["along_by_speed"].items()
    )
    against = results["motion_against_t2v"]
    over_lam = [name for name in against if name.startswith(f"{model} λ=") and against[name]["along"]["pairs"]]
    nearest = max(over_lam, key=lambda name: against[name]["along"]["mean"], default=f"{model} λ=0")
    lines = [
        f"Attention of `{model}` to the reference frame is {attention['ratio']:.1f} times that of T2V, and above it in "
        f"{attention['prompts_with_excess']:.0%} of the prompts; the excess is {excess[0]:.3f} in the first step and "
        f"{excess[-1]:.3f} in the last.",
        f"Displacement, T2V → `{model}` at λ = 0: {_pair(results['motion_against_t2v'][f'{model} λ=0']['distance'])}.",
        *(
            f"Along the caption, `{model}`, λ from {gap}: {_pair(values)}."
            for gap, values in results["motion_over_lam"][model]["gaps"].items()
        ),
        f"Along the caption, T2V → {nearest}, where it comes nearest: {_pair(against[nearest]['along'])}.",
        f"d(λ) of `{model}` is least at λ = {least['lam']:g}; along there {_pixels(least['along_there'])} px, T2V "
        f"{_pixels(least['along_t2v'])}.",
        *(f"Control, {name}: {_pair(values)}." for name, values in results["controls_against_untouched"].items()),
        f"T2V moves in the captioned direction in {_share(captions['direction_right'])} of the prompts; along by "
        f"speed, pixels: {speeds}.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _pair(values: dict[str, Any]) -> str:
    if values["mean"] is None or values["standard_error"] is None:
        return f"too few tracked pairs ({values['pairs']})"
    return (
        f"{values['second']:.1f} → {values['first']:.1f} px, paired difference {values['mean']:+.2f} ± "
        f"{values['standard_error']:.2f} ({values['pairs']} pairs)"
    )


def _pixels(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
