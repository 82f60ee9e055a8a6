"""``record``: paired T2V and I2V runs into a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dymos_probe.bias import response_grid
from dymos_probe.errors import InputError, StudyError
from dymos_probe.pairs import Offload, Pair, load_pair
from dymos_probe.pairs.preset import Dtype
from dymos_probe.runs.fill import Progress, fill, still_missing
from dymos_probe.runs.images import locate_image, read_image
from dymos_probe.runs.plan import I2V, T2V, RunRequest, all_runs, make_sample
from dymos_probe.runs.prompts import PromptRow, nearest_vbench_crop, read_prompts
from dymos_probe.runs.study import (
    RecordedBranches,
    Study,
    check_same,
    default_fps,
    default_mode,
    resolve_generation,
)
from dymos_probe.store import Sample, storage_errors
from dymos_probe.store.schema import STUDY_FILE
from dymos_probe.tap import RecordMode

_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class RecordPlan:
    """What a `record` would do."""

    study: Study
    """The study, its settings resolved."""
    samples: tuple[Sample, ...]
    """All samples asked for."""
    images: Mapping[str, Path]
    """The user's own reference images by sample id."""
    missing: tuple[RunRequest, ...]
    """The runs not there yet, in the order they are made."""


def plan_record(
    pair: str | Path | Pair,
    prompts: str | Path | Iterable[str],
    *,
    out: str | Path,
    seeds: Sequence[int] = (0,),
    height: int | None = None,
    width: int | None = None,
    num_frames: int | None = None,
    num_inference_steps: int | None = None,
    guidance_scale: float | None = None,
    negative_prompt: str | None = None,
    extra: Mapping[str, Any] | None = None,
    record_mode: RecordMode | None = None,
    response: Iterable[float] | None = None,
    branches: RecordedBranches = "cond",
    dtype: Dtype | None = None,
    device: str | None = None,
    offload: Offload | None = None,
    vae_tiling: bool | None = None,
) -> RecordPlan:
    """Return what :func:`record` would do with these arguments, without generating anything."""
    out = Path(out)
    _check_folder(out)
    grid = () if response is None else response_grid(response)
    texts = prompts if isinstance(prompts, (str, Path)) else tuple(prompts)
    _rows(texts)  # so that a wrong file is told before a model is loaded
    chosen = load_pair(pair, dtype=dtype, device=device, offload=offload, vae_tiling=vae_tiling)
    given = {
        "height": height,
        "width": width,
        "num_frames": num_frames,
        "num_inference_steps": num_inference_steps,
        "guidance_scale": guidance_scale,
        "negative_prompt": negative_prompt,
        "extra": extra,
    }
    generation = resolve_generation(chosen, given)
    # A size below 1 is refused later by the family, which knows the nearest that fits.
    size = max(generation.width, 1), max(generation.height, 1)
    rows = _rows(texts, vbench_crop=nearest_vbench_crop(*size))
    samples, images = _samples(rows, Path(texts) if isinstance(texts, (str, Path)) else Path(), seeds)
    study = Study(
        path=out,
        pair=chosen,
        generation=generation,
        mode=record_mode or default_mode(chosen),
        branches=branches,
        fps=default_fps(chosen),
        response=grid,
    )
    if (out / STUDY_FILE).is_file():
        study = check_same(study)
    missing = still_missing(study, all_runs(samples, (T2V, I2V)))
    return RecordPlan(study=study, samples=samples, images=images, missing=missing)


def record(
    pair: str | Path | Pair,
    prompts: str | Path | Iterable[str],
    *,
    out: str | Path,
    workers: int = 0,
    scheduler: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Path:
    """Record paired runs into the study ``out`` and return its folder; what is complete there is kept.

    For each prompt and seed: the T2V run, its first frame as the reference image, and the I2V run at λ = 0
    with the same prompt, noise and settings (Appendix B), both with Eq. 8 at every step, layer and head.

    Parameters
    ----------
    pair
        Name of a preset, folder with ``t2v`` and ``i2v`` in it, or a `Pair`.
    prompts
        A prompt file (a path), or the prompts themselves; a prompt file may name a reference image.
    out
        Folder of the study, new or recorded before with the same settings.
    workers, scheduler
        Worker processes on this machine, or the address of a dask cluster; 0 and None work in this process.
    progress
        Who is told how far the work is.
    settings
        ``seeds``, ``height``, ``width``, ``num_frames``, ``num_inference_steps``, ``guidance_scale``,
        ``negative_prompt``, ``extra`` (more pipeline arguments), ``record_mode`` (``"observe"``: the default on
        a CPU, ``"fused"``: on a GPU), ``response`` (strengths λ: the untouched runs also keep what each of
        them would make of their attention on the same queries and keys, as ``attention_response``; each λ
        takes the room of ``attention``), ``branches``, ``dtype``, ``device``, ``offload``, ``vae_tiling``;
        None takes the preset's, else the pipeline's own, and no response.

    Raises
    ------
    InputError
        When a value is wrong or the family cannot take it.
    StudyError
        When ``out`` is something else, or a study of another pair or configuration.
    EnvironmentLacksError
        When weights, memory, disk or a GPU are lacking.
    """
    plan = plan_record(pair, prompts, out=out, **settings)
    fill_plan(plan, workers=workers, scheduler=scheduler, progress=progress)
    return plan.study.path


def fill_plan(
    plan: RecordPlan, *, workers: int = 0, scheduler: str | None = None, progress: Progress | None = None
) -> tuple[RunRequest, ...]:
    """Make what a plan still misses, and return it."""
    return fill(
        plan.study,
        plan.missing,
        samples=plan.samples,
        ways=(T2V, I2V),
        given_images=plan.images,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )


def check_seed(seed: int) -> None:
    """Refuse a seed that torch or the store cannot hold.

    Raises
    ------
    InputError
        Naming the seed and the range.
    """
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"seed {seed} must be between 0 and {_LARGEST_SEED}")


def _check_folder(out: Path) -> None:
    with storage_errors(out):
        if not out.exists():
            return
        if not out.is_dir():
            raise StudyError(f"{out} is a file; give a new folder or the folder of a study")
        names = sorted(item.name for item in out.iterdir())
    if STUDY_FILE not in names and (found := [name for name in names if not name.startswith(".")]):
        raise StudyError(f"{out} is no study and is not empty (it has {found[0]}); give a new folder or a study")


def _rows(prompts: str | Path | tuple[str, ...], **how: str) -> tuple[PromptRow, ...]:
    if isinstance(prompts, (str, Path)):
        return read_prompts(prompts, **how)
    if not prompts:
        raise InputError("no prompt is given; give at least one")
    return tuple(PromptRow(prompt=prompt, line=line) for line, prompt in enumerate(prompts, start=1))


def _samples(
    rows: tuple[PromptRow, ...], source: Path, seeds: Sequence[int]
) -> tuple[tuple[Sample, ...], dict[str, Path]]:
    if not seeds:
        raise InputError("no seed is given; give at least one")
    for seed in seeds:
        check_seed(seed)
    samples: dict[str, Sample] = {}
    images: dict[str, Path] = {}
    for row in rows:
        image = None if row.image is None else locate_image(row.image, source)
        if image is not None:
            read_image(image)
        content = None if image is None else image.read_bytes()
        for seed in seeds:
            sample = make_sample(row.prompt, seed, content)
            samples[sample.id] = sample
            if image is not None:
                images[sample.id] = image
    return tuple(samples.values()), images
