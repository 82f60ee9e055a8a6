"""``probe record``: paired T2V and I2V runs into a study."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import counted, listed, print_json, say
from dymos_probe.cli.progress import run_bars
from dymos_probe.errors import InputError

NAME = "record"


def run(
    pair: Annotated[
        str | None,
        typer.Option(help="A preset (see `probe pairs`), or a folder with t2v/ and i2v/ in it. Default: sprites."),
    ] = None,
    t2v: Annotated[
        str | None, typer.Option(help="With --i2v, in place of --pair: folder or hub id of the T2V model.")
    ] = None,
    i2v: Annotated[str | None, typer.Option(help="With --t2v: folder or hub id of the I2V model.")] = None,
    prompt: Annotated[list[str] | None, typer.Option(help="A prompt; may be given more than once.")] = None,
    prompts: Annotated[Path | None, typer.Option(help="A prompt file: text, CSV or JSON.")] = None,
    seed: Annotated[list[str] | None, typer.Option(help="Seed, or several: --seed 0,1,2. Default: 0.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study. Default: runs/PAIR.")] = None,
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
    branches: Annotated[str, typer.Option(help="Guidance branches recorded: cond or both.")] = "cond",
    record_mode: Annotated[
        str | None, typer.Option(help="observe (video untouched; default on a CPU) or fused (fast; default on a GPU).")
    ] = None,
    response: Annotated[
        str | None,
        typer.Option(
            help="λ, or several: --response=-1,0.6,1. Also keep what each would make of the untouched attention, "
            "from the same pass; each takes the room of the attention."
        ),
    ] = None,
    workers: options.Workers = 0,
    scheduler: options.Scheduler = None,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Record paired text-to-video and image-to-video runs into a study.

    For each prompt and seed: the T2V run, its first frame as the reference image, and the I2V run at λ=0
    with the same prompt, noise and settings. The same command again makes only what is missing.
    """
    if (prompt is None) == (prompts is None):
        raise InputError("give either --prompt TEXT (once or more) or --prompts FILE")
    if branches not in ("cond", "both"):
        raise InputError(f"branches {branches!r} is unknown; choose cond or both")
    if record_mode not in (None, "observe", "fused"):
        raise InputError(f"record-mode {record_mode!r} is unknown; choose observe or fused")
    lams = None if response is None else options.numbers(response, "response")
    seeds = options.integers(seed or ["0"], "seed")
    arguments = options.pipeline_arguments(extra)

    from dymos_probe.runs.record import fill_plan, plan_record

    started, made = time.monotonic(), 0
    with run_bars(quiet=json) as bars:
        plan = plan_record(
            chosen_pair(pair, t2v, i2v),
            prompts if prompts is not None else list(prompt or ()),
            out=out or Path("runs") / Path(i2v or pair or options.DEFAULT_PAIR).resolve().name,
            seeds=seeds,
            height=height,
            width=width,
            num_frames=num_frames,
            num_inference_steps=steps,
            guidance_scale=guidance_scale,
            negative_prompt=negative_prompt,
            extra=arguments,
            record_mode=record_mode,  # type: ignore[arg-type]
            response=lams,
            branches=branches,  # type: ignore[arg-type]
            dtype=dtype,  # type: ignore[arg-type]
            device=device,
            offload=offload,  # type: ignore[arg-type]
            vae_tiling=vae_tiling,
        )
        study, total = plan.study, 2 * len(plan.samples)
        if not json:
            sizes = study.generation
            say(
                f"{study.pair.preset.name if study.pair.preset else study.pair.t2v}: {sizes.num_frames} frames of "
                f"{sizes.width}×{sizes.height}, {sizes.num_inference_steps} steps, guidance {sizes.guidance_scale:g}; "
                f"recording mode {study.mode}"
                + (f", response at λ = {listed(study.response)}" if study.response else "")
            )
            there = total - len(plan.missing)
            say(f"{study.path}: {counted(len(plan.samples), 'sample')}, {total} runs, {there} there already")
        if not dry_run:
            made = len(fill_plan(plan, workers=workers, scheduler=scheduler, progress=bars))
    document: dict[str, Any] = {
        "study": str(study.path),
        "samples": len(plan.samples),
        "runs": total,
        "made": made,
        "missing": [[run.sample.id, run.way.id] for run in plan.missing] if dry_run else [],
        "record_mode": study.mode,
        "response": study.response,
        "seconds": round(time.monotonic() - started, 1),
    }
    if json:
        print_json(document)
    elif dry_run:
        for one in plan.missing:
            say(f"would make {one.sample.id} {one.way.id}")
    else:
        say(f"made {counted(made, 'run')} in {document['seconds']} s")
        say(f"next: probe intervene {study.path} --lam=-1,1,2   or   probe info {study.path}")


def chosen_pair(pair: str | None, t2v: str | None, i2v: str | None) -> Any:
    """Return the pair named by ``--pair``, or made of ``--t2v`` and ``--i2v``."""
    if (t2v is None) != (i2v is None) or (t2v and pair):
        raise InputError("--t2v and --i2v make a pair together; give both and no --pair, or --pair alone")
    if t2v is None or i2v is None:
        return pair or options.DEFAULT_PAIR
    from dymos_probe.pairs import Pair

    return Pair(t2v=t2v, i2v=i2v)
