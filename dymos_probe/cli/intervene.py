"""``probe intervene``: more conditions for a study, or one video from an image."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import counted, print_json, say
from dymos_probe.cli.progress import run_bars
from dymos_probe.cli.record import chosen_pair
from dymos_probe.errors import InputError

NAME = "intervene"

_OF_ALG = (
    "filter",
    "resize_factor",
    "blur_sigma",
    "blur_kernel_size",
    "strength",
    "interval_start",
    "interval_end",
    "linear_start_weight",
    "linear_end_weight",
    "linear_end_time",
    "exp_decay_rate",
)
_OF_DYMOS = ("lam", "step_ratio", "schedule", "layers", "heads", "query_frames", "key_frame", "branches")
_OF_A_STUDY = ("arm", "method", "workers", "scheduler", "dry_run")
_OF_ONE_VIDEO = ("prompt", "out", "pair", "t2v", "i2v", "seed")
_FIXED_BY_A_STUDY = (
    "steps",
    "guidance_scale",
    "height",
    "width",
    "num_frames",
    "negative_prompt",
    "extra",
    "dtype",
)


def run(
    context: typer.Context,
    study: Annotated[Path | None, typer.Argument(help="Folder that `probe record` made.")] = None,
    lam: Annotated[
        str | None, typer.Option(help="λ, or several: --lam=-1,0.6,1. λ>0 frees motion, λ<0 freezes it.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="dymos (λ, Eq. 6), or alg: adaptive low-pass guidance, which has no λ.")
    ] = "dymos",
    step_ratio: options.StepRatio = None,
    schedule: options.Schedule = "uniform",
    layers: options.Layers = None,
    heads: options.Heads = None,
    query_frames: options.QueryFrames = None,
    key_frame: options.KeyFrame = 0,
    branches: options.BiasBranches = "cond",
    arm: Annotated[str, typer.Option(help="i2v, or t2v as a control.")] = "i2v",
    alg_filter: options.AlgFilter = None,
    alg_resize_factor: options.AlgResizeFactor = None,
    alg_blur_sigma: options.AlgBlurSigma = None,
    alg_blur_kernel_size: options.AlgBlurKernelSize = None,
    alg_strength: options.AlgStrength = None,
    alg_interval_start: options.AlgIntervalStart = None,
    alg_interval_end: options.AlgIntervalEnd = None,
    alg_linear_start_weight: options.AlgLinearStartWeight = None,
    alg_linear_end_weight: options.AlgLinearEndWeight = None,
    alg_linear_end_time: options.AlgLinearEndTime = None,
    alg_exp_decay_rate: options.AlgExpDecayRate = None,
    image: Annotated[Path | None, typer.Option(help="Without a study: the reference image of one video.")] = None,
    prompt: Annotated[str | None, typer.Option(help="With --image: the prompt.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --image: the .mp4 file to write.")] = None,
    pair: Annotated[
        str | None, typer.Option(help="With --image: the pair whose I2V model runs. Default: sprites.")
    ] = None,
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
    """Run the I2V model of a study again at other strengths λ or with ALG, or make one video from an image.

    The same command again makes only what is missing.
    """
    if (study is None) == (image is None):
        raise InputError("give either the folder of a study, or --image FILE with --prompt TEXT and --out FILE.mp4")
    if method not in ("dymos", "alg"):
        raise InputError(f"method {method!r} is unknown; choose dymos or alg")
    if method == "alg":
        options.refuse(context, _OF_DYMOS, "cannot be given with --method alg, only with dymos")
    else:
        options.refuse(context, [f"alg_{name}" for name in _OF_ALG], "can only be given with --method alg")
        if lam is None:
            raise InputError("--lam is missing; give one λ or several, such as --lam=-1,0.6,1")
    lams = None if lam is None else options.numbers(lam, "lam")
    bias: dict[str, Any] = {
        "schedule": schedule,
        "layers": options.indices(layers, "layers"),
        "heads": options.indices(heads, "heads"),
        "query_frames": options.indices(query_frames, "query-frames"),
        "key_frame": key_frame,
        "branches": options.branches(branches),
    }
    placed = {"device": device, "offload": offload, "vae_tiling": vae_tiling}
    started = time.monotonic()
    if study is not None:
        options.refuse(context, _OF_ONE_VIDEO, "cannot be given with a study, only with --image")
        options.refuse(context, _FIXED_BY_A_STUDY, "cannot change within a study; record a new one with other settings")
        if arm not in ("t2v", "i2v"):
            raise InputError(f"arm {arm!r} is unknown; choose i2v or t2v")
        if method == "alg":
            # By name out of the signature: eleven values that are passed on or left to their published ones.
            given = {name: context.params[f"alg_{name}"] for name in _OF_ALG}
            given["blur_kernel_size"] = options.kernel_size(alg_blur_kernel_size)
            own = {name: value for name, value in given.items() if value is not None}
        else:
            own = {**bias, "step_ratio": step_ratio}
        settings = {**own, **placed, "method": method, "arm": arm}
        document = _study(study, lams, settings, workers, scheduler, dry_run=dry_run, quiet=json)
    else:
        options.refuse(context, _OF_A_STUDY, "cannot be given with --image, only with a study")
        if image is None or prompt is None or out is None or lams is None or len(lams) != 1:
            raise InputError("--image makes one video: it takes --prompt TEXT, --out FILE.mp4 and a single --lam")
        asked = {
            "image": image,
            "prompt": prompt,
            "out": out,
            "lam": lams[0],
            "seed": seed,
            "step_ratio": step_ratio,
            "bias": bias,
            "placed": {**placed, "dtype": dtype},
            "num_inference_steps": steps,
            "guidance_scale": guidance_scale,
            "height": height,
            "width": width,
            "num_frames": num_frames,
            "negative_prompt": negative_prompt,
            "extra": options.pipeline_arguments(extra),
        }
        document = _video(chosen_pair(pair, t2v, i2v), asked, quiet=json)
    seconds = round(time.monotonic() - started, 1)
    if json:
        print_json({**document, "seconds": seconds})
    elif study is None:
        say(f"wrote {out} at λ={document['lam']:g} in {seconds} s")
    elif not dry_run:
        say(f"made {counted(document['made'], 'run')} in {seconds} s")
        say(f"next: probe info {study}   or   probe report {study}")


def _study(
    study: Path,
    lams: list[float] | None,
    settings: dict[str, Any],
    workers: int,
    scheduler: str | None,
    *,
    dry_run: bool,
    quiet: bool,
) -> dict[str, Any]:
    from dymos_probe.runs.intervene import fill_plan, plan_intervene

    made = 0
    with run_bars(quiet=quiet) as bars:
        plan = plan_intervene(study, lam=lams, **settings)
        total = len(plan.samples) * len(plan.ways)
        if not quiet:
            there = total - len(plan.missing)
            many = f"{counted(len(plan.ways), 'condition')} × {counted(len(plan.samples), 'sample')}"
            say(f"{study}: {many}, {there} there already")
        if not dry_run:
            made = len(fill_plan(plan, workers=workers, scheduler=scheduler, progress=bars))
    missing = plan.missing if dry_run else ()
    for one in () if quiet else missing:
        say(f"would make {one.sample.id} {one.way.id}")
    return {
        "study": str(study),
        "conditions": [way.id for way in plan.ways],
        "runs": total,
        "made": made,
        "missing": [[one.sample.id, one.way.id] for one in missing],
    }


def _video(pair: Any, asked: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    from dymos_probe.runs.intervene import intervene_image

    with run_bars(quiet=quiet) as bars:
        written = intervene_image(pair, on_step=bars.step_of_one if bars else None, **asked)
    return {"video": str(written), "lam": asked["lam"]}
