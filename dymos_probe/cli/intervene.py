"""``probe intervene``: more conditions for a study, or one video from an image."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import print_json, say
from dymos_probe.cli.progress import run_bars
from dymos_probe.cli.record import chosen_pair
from dymos_probe.errors import InputError

NAME = "intervene"


def run(
    study: Annotated[Path | None, typer.Argument(help="Folder that `probe record` made.")] = None,
    lam: Annotated[str, typer.Option(help="λ, or several: --lam=-1,0.6,1. λ>0 frees motion, λ<0 freezes it.")] = ...,  # type: ignore[assignment]
    step_ratio: options.StepRatio = None,
    schedule: options.Schedule = "uniform",
    layers: options.Layers = None,
    heads: options.Heads = None,
    query_frames: options.QueryFrames = None,
    key_frame: options.KeyFrame = 0,
    branches: options.BiasBranches = "cond",
    arm: Annotated[str, typer.Option(help="i2v, or t2v as a control.")] = "i2v",
    image: Annotated[Path | None, typer.Option(help="Without a study: the reference image of one video.")] = None,
    prompt: Annotated[str | None, typer.Option(help="With --image: the prompt.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --image: the .mp4 file to write.")] = None,
    pair: Annotated[str, typer.Option(help="With --image: the pair whose I2V model runs.")] = "tiny-cogvideox",
    t2v: Annotated[str | None, typer.Option(help="With --image and --i2v: folder or hub id of the T2V model.")] = None,
    i2v: Annotated[str | None, typer.Option(help="With --image and --t2v: folder or hub id of the I2V model.")] = None,
    seed: Annotated[int, typer.Option(help="With --image: the seed.")] = 0,
    steps: options.Steps = None,
    guidance_scale: options.GuidanceScale = None,
    height: options.Height = None,
    width: options.Width = None,
    num_frames: options.NumFrames = None,
    negative_prompt: options.NegativePrompt = None,
    extra: options.Extra = None,
    dtype: options.Dtype = None,
    device: options.Device = None,
    offload: options.Offload = None,
    vae_tiling: options.VaeTiling = None,
    workers: options.Workers = 0,
    scheduler: options.Scheduler = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Run the I2V model of a study again at other strengths λ, or make one video from an image.

    The same command again makes only what is missing.
    """
    lams = options.numbers(lam, "lam")
    if arm not in ("t2v", "i2v"):
        raise InputError(f"arm {arm!r} is unknown; choose i2v or t2v")
    bias: dict[str, Any] = {
        "schedule": schedule,
        "layers": options.indices(layers, "layers"),
        "heads": options.indices(heads, "heads"),
        "query_frames": options.indices(query_frames, "query-frames"),
        "key_frame": key_frame,
        "branches": options.branches(branches),
    }
    placed = {"device": device, "offload": offload, "vae_tiling": vae_tiling}
    generation = {
        "num_inference_steps": steps,
        "guidance_scale": guidance_scale,
        "height": height,
        "width": width,
        "num_frames": num_frames,
        "negative_prompt": negative_prompt,
        "extra": options.pipeline_arguments(extra),
    }
    if (study is None) == (image is None):
        raise InputError("give either the folder of a study, or --image FILE with --prompt TEXT and --out FILE.mp4")
    if study is not None:
        fixed = [
            f"--{name.replace('_', '-')}" for name, value in {**generation, "dtype": dtype}.items() if value is not None
        ]
        if fixed:
            raise InputError(f"{', '.join(fixed)} cannot change within a study; record a new one with other settings")
        _study(study, lams, {**bias, "step_ratio": step_ratio, "arm": arm, **placed}, workers, scheduler, dry_run, json)
        return
    if (
        image is None
        or prompt is None
        or out is None
        or len(lams) != 1
        or arm != "i2v"
        or dry_run
        or workers
        or scheduler
    ):
        raise InputError(
            "--image makes one video: it takes --prompt TEXT, --out FILE.mp4 and one --lam, and no study options"
        )
    _image(
        chosen_pair(pair, t2v, i2v),
        image,
        prompt,
        out,
        lams[0],
        seed,
        step_ratio,
        bias,
        {**placed, "dtype": dtype},
        generation,
        json,
    )


def _study(
    study: Path,
    lams: list[float],
    settings: dict[str, Any],
    workers: int,
    scheduler: str | None,
    dry_run: bool,
    json: bool,
) -> None:
    from dymos_probe.runs.intervene import fill_plan, plan_intervene

    started = time.monotonic()
    with run_bars(quiet=json) as bars:
        plan = plan_intervene(study, lam=lams, **settings)
        total = len(plan.samples) * len(plan.ways)
        if not json:
            there = total - len(plan.missing)
            say(f"{study}: {len(plan.ways)} conditions × {len(plan.samples)} samples, {there} there already")
        if not dry_run:
            fill_plan(plan, workers=workers, scheduler=scheduler, progress=bars)
    document = {
        "study": str(study),
        "conditions": [way.id for way in plan.ways],
        "runs": total,
        "made": 0 if dry_run else len(plan.missing),
        "missing": [[run.sample.id, run.way.id] for run in plan.missing] if dry_run else [],
        "seconds": round(time.monotonic() - started, 1),
    }
    if json:
        print_json(document)
    elif dry_run:
        for one in plan.missing:
            say(f"would make {one.sample.id} {one.way.id}")
    else:
        say(f"made {document['made']} runs in {document['seconds']} s")
        say(f"next: probe info {study}   or   probe report {study}")


def _image(
    pair: Any,
    image: Path,
    prompt: str,
    out: Path,
    lam: float,
    seed: int,
    step_ratio: float | None,
    bias: dict[str, Any],
    placed: dict[str, Any],
    generation: dict[str, Any],
    json: bool,
) -> None:
    from dymos_probe.runs.intervene import intervene_image

    started = time.monotonic()
    with run_bars(quiet=json):
        written = intervene_image(
            pair,
            image=image,
            prompt=prompt,
            out=out,
            lam=lam,
            seed=seed,
            step_ratio=step_ratio,
            bias=bias,
            placed=placed,
            **generation,
        )
    seconds = round(time.monotonic() - started, 1)
    if json:
        print_json({"video": str(written), "lam": lam, "seconds": seconds})
    else:
        say(f"wrote {written} at λ={lam:g} in {seconds} s")
