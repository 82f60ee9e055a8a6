"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Annotated, Any

import typer

from dymos_probe.errors import InputError

DEFAULT_PAIR = "sprites"

_INDEX = re.compile(r"[0-9]{1,4}")  # more digits are a slip of the finger: no model is that deep

Steps = Annotated[int | None, typer.Option("--steps", help="Denoising steps. Default: the pair's.")]
GuidanceScale = Annotated[float | None, typer.Option(help="Scale of classifier-free guidance. Default: the pair's.")]
Height = Annotated[int | None, typer.Option(help="Pixels. Default: the pair's.")]
Width = Annotated[int | None, typer.Option(help="Pixels. Default: the pair's.")]
NumFrames = Annotated[int | None, typer.Option(help="Video frames. Default: the pair's.")]
NegativePrompt = Annotated[str | None, typer.Option(help="Prompt of the unconditional branch.")]
Extra = Annotated[
    str | None, typer.Option(help="More pipeline arguments as JSON, such as '{\"max_sequence_length\": 226}'.")
]
Dtype = Annotated[str | None, typer.Option(help="float32, bfloat16 or float16. Default: the pair's.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Offload = Annotated[str | None, typer.Option(help="none, model or sequential: what waits in main memory.")]
VaeTiling = Annotated[bool | None, typer.Option("--vae-tiling", help="Decode in tiles: less memory.")]
Workers = Annotated[int, typer.Option(min=0, help="Worker processes on this machine; 0 works in this one.")]
Scheduler = Annotated[str | None, typer.Option(help="Address of a dask cluster, tcp://host:port.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be made, make nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
StepRatio = Annotated[
    float | None, typer.Option(help="Fraction of the steps modulated, in [0, 1]. Default: the pair's, else 0.2.")
]
Schedule = Annotated[
    str,
    typer.Option(
        help="φ over query frames: uniform, linear or log; or matched: by layer and frame, so that the reference "
        "mass of the study's T2V runs is met (λ=1 is as matched)."
    ),
]
Layers = Annotated[str | None, typer.Option(help="Layers modulated, such as 0-9,12. Default: all.")]
Heads = Annotated[str | None, typer.Option(help="Heads modulated, such as 0,3. Default: all.")]
QueryFrames = Annotated[str | None, typer.Option(help="Query frames modulated, such as 1-6. Default: all from 1.")]
KeyFrame = Annotated[int, typer.Option(help="Latent frame whose keys are modulated; not 0 is a placebo.")]
BiasBranches = Annotated[str, typer.Option(help="Guidance branches modulated: cond, uncond or both.")]

AlgFilter = Annotated[
    str | None, typer.Option(help="ALG: down_up (resized down and up) or gaussian_blur. Default: down_up.")
]
AlgResizeFactor = Annotated[
    float | None, typer.Option(help="ALG, down_up: how far down, in (0, 1]. Default: published for the model.")
]
AlgBlurSigma = Annotated[float | None, typer.Option(help="ALG, gaussian_blur: sigma in latent pixels.")]
AlgBlurKernelSize = Annotated[
    str | None, typer.Option(help="ALG, gaussian_blur: kernel, 9 latent pixels or 0.05 of the height.")
]
AlgStrength = Annotated[
    str | None, typer.Option(help="ALG over the steps: interval, linear, exponential or none. Default: interval.")
]
AlgIntervalStart = Annotated[
    float | None, typer.Option(help="ALG, interval: fraction of the steps it begins at. Default: 0.")
]
AlgIntervalEnd = Annotated[
    float | None, typer.Option(help="ALG, interval: fraction it ends at. Default: published for the model.")
]
AlgLinearStartWeight = Annotated[float | None, typer.Option(help="ALG, linear: weight at the first step.")]
AlgLinearEndWeight = Annotated[float | None, typer.Option(help="ALG, linear: weight at its end and after.")]
AlgLinearEndTime = Annotated[float | None, typer.Option(help="ALG, linear: fraction of the steps it ends at.")]
AlgExpDecayRate = Annotated[float | None, typer.Option(help="ALG, exponential: r of exp(-r s).")]


def numbers(text: str, name: str) -> list[float]:
    """Return comma-separated numbers; ``inf`` and ``-inf`` are numbers."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{name} {text!r} is not a number or a comma-separated list, such as --{name}=-1,0.6,1"
        ) from None


def integers(texts: list[str], name: str) -> list[int]:
    """Return integers given one by one or comma-separated."""
    try:
        return [int(part) for text in texts for part in text.split(",")]
    except ValueError:
        raise InputError(f"{name} {', '.join(texts)!r} is not an integer or a comma-separated list of them") from None


def indices(text: str | None, name: str) -> tuple[int, ...] | None:
    """Return the indices that a text such as ``0-9,12`` lists; None stays None."""
    if text is None:
        return None
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (_INDEX.fullmatch(first) and _INDEX.fullmatch(last) and int(first) <= int(last)):
            raise InputError(f"{name} {text!r} is not a list of indices such as 0-9,12")
        found.extend(range(int(first), int(last) + 1))
    return tuple(sorted(set(found)))


def branches(text: str) -> tuple[str, ...]:
    """Return the guidance branches that ``cond``, ``uncond`` or ``both`` names."""
    if text not in ("cond", "uncond", "both"):
        raise InputError(f"branches {text!r} is unknown; choose cond, uncond or both")
    return ("cond", "uncond") if text == "both" else (text,)


def kernel_size(text: str | None) -> int | float | None:
    """Return a kernel's side: an int of pixels, or with a decimal point a fraction of the height; None stays None."""
    if text is None:
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise InputError(
            f"alg-blur-kernel-size {text!r} is neither a number of pixels such as 9 nor a fraction such as 0.05"
        ) from None


def pipeline_arguments(text: str | None) -> dict[str, Any] | None:
    """Return the JSON object of ``--extra``."""
    if text is None:
        return None
    try:
        given = json.loads(text)
    except ValueError as error:
        raise InputError(f"extra {text!r} is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise InputError(f"extra {text!r} must be a JSON object, such as '{{\"max_sequence_length\": 226}}'")
    return given


def refuse(context: typer.Context, names: Collection[str], why: str) -> None:
    """Refuse options that were given on the command line and would have no effect.

    Raises
    ------
    InputError
        Naming them and ``why``.
    """
    given = [name for name in names if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    if given:
        raise InputError(f"{', '.join('--' + name.replace('_', '-') for name in given)} {why}")
