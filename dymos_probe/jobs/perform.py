"""Makes what one job asks for: its runs, recorded, as a study of one sample."""

from __future__ import annotations

import gc
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.families import Arm
from dymos_probe.jobs.folder import JobFiles
from dymos_probe.jobs.names import PAIRS_FOLDER, inside
from dymos_probe.jobs.offered import lacking_model
from dymos_probe.jobs.preview import Budget
from dymos_probe.jobs.remaining import earlier_pace
from dymos_probe.jobs.reporter import Reporter
from dymos_probe.jobs.request import Request
from dymos_probe.jobs.state import State
from dymos_probe.pairs import PRESETS, Pair, describe, load_pair, load_pipeline
from dymos_probe.pairs.load import placement
from dymos_probe.runs.fill import fill
from dymos_probe.runs.intervene import resolve_step_ratio
from dymos_probe.runs.plan import T2V, Way, all_runs, make_sample, ways
from dymos_probe.runs.study import Study, check_same, default_fps, default_mode, resolve_generation
from dymos_probe.tap import attach, watch_steps


class Models:
    """Keeps the last pipeline loaded for the next run or job of the same model."""

    def __init__(self) -> None:
        """Hold none yet."""
        self._key: Any = None
        self._pipe: Any = None

    def get(self, pair: Pair, arm: Arm) -> Any:
        """Return the pipeline of an arm; another that is held makes room for it first."""
        # What the model is, not only its name: a folder may have changed since.
        known = describe(pair)
        key = (arm, known[arm], known["scheduler"], known["dtype"], known["device"], known["offload"], pair.vae_tiling)
        if key != self._key:
            self.drop()
            self._pipe = load_pipeline(pair, arm)
            self._key = key
        return self._pipe

    def drop(self) -> None:
        """Give back the memory of the pipeline that is held."""
        self._key = self._pipe = None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def recover(self) -> None:
        """Bring an offloaded pipeline whose call was ended half way back to where a call begins."""
        if self._pipe is not None and self._key[5] == "model":
            self._pipe.maybe_free_model_hooks()


def perform(files: JobFiles, *, device: str, models: Models, budget: Budget | None = None) -> State:
    """Make the runs of a job that its result does not have yet, and return how far its reporter saw it.

    Raises
    ------
    ProbeError
        Whatever the request or the machine does not allow; a sentence.
    CancelledError
        When somebody cancelled it.
    """
    request = files.read_request()
    chosen = load_pair(
        _find_pair(files.studies, request.pair),
        device=device,
        offload=request.offload,
        vae_tiling=request.vae_tiling,
    )
    check_weights(chosen, ("t2v", "i2v") if request.with_t2v else ("i2v",))
    generation = resolve_generation(chosen, request.settings)
    study = Study(
        path=files.result,
        pair=chosen,
        generation=generation,
        mode=default_mode(chosen),
        branches="cond",
        fps=default_fps(chosen),
    )
    if study.exists:
        study = check_same(study)
    wanted = _ways(request, chosen)
    image = files.reference.read_bytes() if files.reference.is_file() else None
    sample = make_sample(request.prompt, request.seed, image)
    runs = all_runs([sample], wanted)
    hardware = _hardware(chosen)
    guided = "guided" if generation.guidance_scale > 1 else "unguided"
    workload = (
        f"{request.pair} {generation.width}×{generation.height}×{generation.num_frames} {guided} "
        f"{placement(chosen)[1]} offload {request.offload} on {hardware}"
    )
    reporter = Reporter(
        files,
        runs=len(runs),
        steps=generation.num_inference_steps,
        earlier=earlier_pace(files.studies, workload),
        workload=workload,
        hardware=hardware,
        budget=budget,
    )
    with _watched(models, wanted, reporter, decode=request.offload == "none") as pipelines:
        fill(
            study,
            runs,
            samples=[sample],
            ways=wanted,
            given_images={} if image is None else {sample.id: files.reference},
            progress=reporter,
            pipelines=pipelines,
        )
    return reporter.state


def check_weights(pair: Pair, arms: tuple[Arm, ...]) -> None:
    """Refuse to begin where a model of the hub is not on this machine; a job downloads nothing.

    Raises
    ------
    EnvironmentLacksError
        Naming the model and the command that fetches it.
    """
    for arm in arms:
        if pair.folder(arm) is None:
            why = lacking_model(arm, str(pair.source(arm)), pair.revision(arm))
            if why:
                raise EnvironmentLacksError(why)


def _find_pair(folder: Path, name: str) -> str | Path:
    if name in PRESETS:
        return name
    own = folder / PAIRS_FOLDER
    if own.is_dir() and (own / name).is_dir():
        return inside(own, name, "a pair")
    there = sorted(path.name for path in own.iterdir() if path.is_dir()) if own.is_dir() else []
    raise InputError(f"no pair is called {name!r}; there are {', '.join([*PRESETS, *there])}")


def _ways(request: Request, pair: Pair) -> tuple[Way, ...]:
    """Return T2V where asked for, λ = 0, and λ."""
    biased = ways(
        [0.0, request.lam],
        step_ratio=resolve_step_ratio(pair, request.step_ratio),
        schedule=request.schedule,
        layers=request.layers,
        heads=request.heads,
    )
    return (T2V, *biased) if request.with_t2v else biased


@contextmanager
def _watched(
    models: Models, wanted: tuple[Way, ...], reporter: Reporter, *, decode: bool
) -> Iterator[Callable[[Pair, Arm], Any]]:
    """Yield what loads pipelines whose steps the reporter is told of, each checked against the ways first."""
    with ExitStack() as watches:

        def pipelines(pair: Pair, arm: Arm) -> Any:
            watches.close()  # the arm before
            pipe = models.get(pair, arm)
            for way in wanted:
                if way.arm == arm and way.bias is not None:
                    attach(pipe, record=False, bias=way.bias)  # layers or heads it lacks are refused before any step
            watches.enter_context(watch_steps(pipe, lambda end: reporter.step_end(pipe, end, decode=decode)))
            return pipe

        yield pipelines


def _hardware(pair: Pair) -> str:
    device, _ = placement(pair)
    if device.type == "cuda":
        import torch

        return str(torch.cuda.get_device_name(device))
    return f"{platform.machine()} {device.type.upper()}"
