"""End to end: whole generations by every method, interleaved, as ratios over the baseline of the same round."""

from __future__ import annotations

import datetime
import gc
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import torch

from dymos_probe.bench.architectures import ARCHITECTURES, architecture
from dymos_probe.bench.machine import device_name, versions
from dymos_probe.bench.methods import Branches, Method, check_names, done, methods
from dymos_probe.bench.random_pipeline import prompt_embeddings, random_pipeline
from dymos_probe.bench.rows import Row, append_rows, check_csv
from dymos_probe.bench.stopwatch import Timed, timed
from dymos_probe.errors import EnvironmentLacksError, InputError, ProbeError
from dymos_probe.families import Generation, denoisers, family_of
from dymos_probe.pairs import Pair, load_pair, load_pipeline
from dymos_probe.pairs.load import placement
from dymos_probe.runs.study import resolve_generation
from dymos_probe.testing.images import reference_image

Run = Timed[tuple[torch.Tensor, str]]
"""Latents (float32, on the CPU) of one generation, and what was done in it."""
Weights = Literal["random", "published"]
Progress = Callable[[int, int], None]

PROMPT: Final = "a red star moves left quickly on a navy background"
"""What is generated from where there is a text encoder."""
WARM_UP_STEPS: Final = 2
"""Steps each method runs before anything is timed: compilation and the choice of kernels happen there."""
_SIZES: Final = ("height", "width", "num_frames", "num_inference_steps", "guidance_scale")
_GIB: Final = 2**30


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One image-to-video pipeline and what it is called with."""

    pipe: Any
    """A diffusers pipeline, on its device."""
    generation: Generation
    """Sizes, steps and guidance."""
    embeddings: Mapping[str, Any] = field(default_factory=dict)
    """Call arguments in place of prompt and negative prompt; none where the pipeline encodes them itself."""

    def arguments(self, steps: int) -> dict[str, Any]:
        """Return the arguments of one call of ``steps`` steps: equal noise each time, latents returned."""
        family, arm = family_of(self.pipe)
        generation = replace(self.generation, num_inference_steps=steps)
        generator = torch.Generator("cpu").manual_seed(0)
        arguments = family.arguments(
            self.pipe,
            arm,
            generation,
            prompt=PROMPT,
            noise=family.draw_noise(self.pipe, generation, generator),
            generator=generator,
            image=reference_image(generation.height, generation.width),
        )
        if self.embeddings:
            arguments = {name: value for name, value in arguments.items() if "prompt" not in name}
        return {**arguments, **self.embeddings, "output_type": "latent"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one method took, round by round."""

    method: Method
    """Which."""
    seconds: tuple[float, ...] = ()
    """Wall time of each round."""
    baseline: tuple[float, ...] = ()
    """Wall time of the baseline in the same rounds."""
    did: str = ""
    """What it did, read off its last run."""
    change: float | None = None
    """Largest difference of its latents from the baseline's, in standard deviations of the latter."""
    peak_bytes: int | None = None
    """Most GPU memory of any round."""
    note: str = ""
    """Why it was not measured."""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Time over the baseline's in the same round."""
        return tuple(own / base for own, base in zip(self.seconds, self.baseline, strict=True))


def bench_generate(
    pair: str | Path | Pair = "sprites",
    *,
    weights: Weights | None = None,
    method: Sequence[str] | None = None,
    branches: Branches = "cond",
    repeats: int = 3,
    layers: int | None = None,
    dtype: str | None = None,
    device: str | None = None,
    csv: Path | None = None,
    progress: Progress | None = None,
    **sizes: Any,
) -> tuple[Row, ...]:
    """Time generations of a pair's image-to-video model by each method, and return a row a method.

    A run is one pipeline call that returns latents: text (or given embeddings), the encoding of the reference image
    and all denoising steps are in it, decoding is not. Each method first runs `WARM_UP_STEPS` steps untimed. A
    method that runs out of memory there is left out and its row says so.

    Parameters
    ----------
    weights
        ``"published"`` loads the model; ``"random"`` makes one of the same architecture. None is `default_weights`.
    method
        Some of `dymos_probe.bench.methods.METHODS`; None takes all that there are for the pair.
    branches
        Which guidance branches ``observe`` and ``fused`` record.
    layers
        Transformer layers of random weights, None for all.
    csv
        File the rows are appended to.
    progress
        Called as ``progress(runs_done, runs)``.
    sizes
        ``height``, ``width``, ``num_frames``, ``num_inference_steps`` and ``guidance_scale`` in place of the pair's.

    Raises
    ------
    InputError
        When a value is wrong or does not fit the model.
    EnvironmentLacksError
        When the device, the weights or memory for the baseline are missing.
    ProbeError
        When a method did not do what it is timed for.
    """
    check_names(method, branches)
    if repeats < 1:
        raise InputError(f"repeats {repeats} must be at least 1")
    if csv is not None:
        check_csv(csv)
    chosen = load_pair(pair, dtype=dtype, device=device)  # type: ignore[arg-type]
    weights = weights or default_weights(chosen)
    workload = _workload(chosen, weights, layers, sizes)
    timed_methods = methods(method, chosen, family_of(workload.pipe)[0].name, branches)
    measured = measure(workload, timed_methods, repeats=repeats, progress=progress)
    rows = tuple(_row(chosen, weights, workload, one) for one in measured)
    if csv is not None:
        append_rows(csv, rows)
    return rows


def default_weights(pair: Pair) -> Weights:
    """Return ``random`` for a preset whose architecture is known, which spares a download, else ``published``."""
    return "random" if pair.preset is not None and pair.preset.name in ARCHITECTURES else "published"


def measure(
    workload: Workload, methods: Sequence[Method], *, repeats: int, progress: Progress | None = None
) -> tuple[Measured, ...]:
    """Return what each method took; the first of ``methods`` is the baseline.

    Every round runs every method once, beginning with the next one, so that a machine that slows down or warms up
    does so for all of them.

    Raises
    ------
    EnvironmentLacksError
        When the baseline itself runs out of memory.
    ProbeError
        When latents are not finite, or a method that should change the video did not.
    """
    steps, total = workload.generation.num_inference_steps, (repeats + 1) * len(methods)
    rounds: list[dict[str, Run]] = []
    notes: dict[str, str] = {}
    finished = 0
    for lap in range(repeats + 1):
        warm_up, first, runs = lap == 0, lap % len(methods), dict[str, Run]()
        for method in (*methods[first:], *methods[:first]):
            if method.name not in notes:
                try:
                    runs[method.name] = _run(workload, method, min(WARM_UP_STEPS, steps) if warm_up else steps)
                except (torch.OutOfMemoryError, MemoryError) as error:
                    if method is methods[0]:
                        raise EnvironmentLacksError(_out_of_memory(workload)) from error
                    notes[method.name] = "out of memory"
                _tidy(workload, method.name in notes)
            finished += 1
            if progress is not None:
                progress(finished, total)
        if not warm_up:
            rounds.append(runs)
            continue
        for method in methods:  # so that a run of hours does not end in a refusal
            if method.name in runs:
                _change(runs[method.name].result[0], runs[methods[0].name].result[0], method)
    baseline = [runs[methods[0].name] for runs in rounds]
    return tuple(
        Measured(method=method, note=notes[method.name])
        if method.name in notes
        else _measured(method, [runs[method.name] for runs in rounds], baseline)
        for method in methods
    )


def _measured(method: Method, runs: Sequence[Run], baseline: Sequence[Run]) -> Measured:
    latents, did = runs[-1].result
    peaks = [run.peak_bytes for run in runs if run.peak_bytes is not None]
    return Measured(
        method=method,
        seconds=tuple(run.seconds for run in runs),
        baseline=tuple(run.seconds for run in baseline),
        did=did,
        change=_change(latents, baseline[-1].result[0], method),
        peak_bytes=max(peaks, default=None),
    )


def _workload(pair: Pair, weights: str, layers: int | None, sizes: Mapping[str, Any]) -> Workload:
    if weights == "random":
        if pair.preset is None:
            raise InputError("random weights are made for presets by name (see `probe pairs`); use --weights published")
        model, (device, dtype) = architecture(pair.preset.name), placement(pair)
        generation = resolve_generation(pair, sizes)
        vae = pair.preset.vae_dtype if pair.dtype is None else None
        pipe = random_pipeline(
            model,
            scheduler=pair.preset.scheduler,
            device=device,
            dtype=dtype,
            vae_dtype=getattr(torch, vae) if vae else None,
            layers=layers,
        )
        embeddings = prompt_embeddings(model, device=device, dtype=dtype)
    elif weights == "published":
        if layers is not None:
            raise InputError(f"layers {layers} leaves layers of a trained model out; it needs --weights random")
        generation, pipe, embeddings = resolve_generation(pair, sizes), load_pipeline(pair, "i2v"), {}
    else:
        raise InputError(f"weights {weights!r} is unknown; choose random or published")
    family_of(pipe)[0].check_size(pipe, generation)
    return Workload(pipe=pipe, generation=generation, embeddings=embeddings)


def _run(workload: Workload, method: Method, steps: int) -> Run:
    arguments = workload.arguments(steps)

    def call() -> tuple[Any, Any]:
        with method.around(workload.pipe) as tap:
            latents = workload.pipe(**arguments).frames
        return latents, tap

    run = timed(call, _device(workload.pipe))
    latents, tap = run.result
    latents = torch.as_tensor(latents).detach().float().cpu()
    if not latents.isfinite().all():
        raise ProbeError(f"the latents of {method.name} are not finite numbers; use --dtype bfloat16 or float32")
    return Timed((latents, done(method, tap, steps)), run.seconds, run.peak_bytes)


def _change(latents: torch.Tensor, reference: torch.Tensor, method: Method) -> float:
    change = float((latents - reference).abs().max() / reference.std())
    if method.changes and change == 0.0:
        raise ProbeError(f"{method.name} left the video as the baseline made it, so its time means nothing")
    return change


def _tidy(workload: Workload, failed: bool) -> None:
    """Collect what a run left, so that the next one does not pay for it; torch keeps its GPU memory, as in use."""
    gc.collect()
    if failed and _device(workload.pipe).type == "cuda":
        torch.cuda.empty_cache()


def _device(pipe: Any) -> torch.device:
    return torch.device(denoisers(pipe)[0].device)


def _out_of_memory(workload: Workload) -> str:
    sizes = workload.generation
    return (
        f"out of memory for {sizes.num_frames} frames of {sizes.width}×{sizes.height} on {_device(workload.pipe)}; "
        "use a GPU with more memory, fewer frames, or --layers N"
    )


def _row(pair: Pair, weights: str, workload: Workload, measured: Measured) -> Row:
    generation, transformer = workload.generation, denoisers(workload.pipe)[0]
    layers = len(family_of(workload.pipe)[0].sites(transformer))
    name = pair.preset.name if pair.preset is not None else str(pair.source("i2v"))
    whole = architecture(name).transformer["num_layers"] if weights == "random" else layers
    dtype = str(transformer.dtype).removeprefix("torch.")
    as_published = pair.preset is not None and (
        dtype == pair.preset.dtype and all(getattr(generation, size) == getattr(pair.preset, size) for size in _SIZES)
    )
    seconds, ratios = measured.seconds, measured.ratios
    return Row(
        date=datetime.date.today().isoformat(),
        device=device_name(_device(workload.pipe)),
        versions=versions(),
        pair=name,
        weights=weights,
        dtype=dtype,
        method=measured.method.name,
        did=measured.did,
        full_size=as_published and layers == whole,
        layers=layers,
        layers_published=whole,
        steps=generation.num_inference_steps,
        height=generation.height,
        width=generation.width,
        num_frames=generation.num_frames,
        guidance_scale=generation.guidance_scale,
        repeats=len(seconds),
        seconds=statistics.median(seconds) if seconds else None,
        seconds_lowest=min(seconds, default=None),
        seconds_highest=max(seconds, default=None),
        ratio=statistics.median(ratios) if ratios else None,
        ratio_lowest=min(ratios, default=None),
        ratio_highest=max(ratios, default=None),
        change=measured.change,
        peak_gib=measured.peak_bytes / _GIB if measured.peak_bytes else None,
        note=measured.note,
    )
