"""``intervene``: more conditions for a recorded study, or one video with no study at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dymos_probe.baselines import changed, published
from dymos_probe.bias import MATCHED, Bias
from dymos_probe.errors import InputError, StudyError
from dymos_probe.families import Arm, family_named
from dymos_probe.pairs import Pair, Preset, load_pair, load_pipeline
from dymos_probe.runs.execute import OnStep, execute
from dymos_probe.runs.fill import Progress, fill, still_missing
from dymos_probe.runs.images import read_image
from dymos_probe.runs.matched import MatchedSchedule, find_matched, is_matched
from dymos_probe.runs.media import write_video
from dymos_probe.runs.plan import I2V, RunRequest, Way, all_runs, ways
from dymos_probe.runs.record import check_seed
from dymos_probe.runs.study import Study, default_fps, open_for_more, resolve_generation
from dymos_probe.store import Sample, open_study, read_config, storage_errors

DEFAULT_STEP_RATIO = 0.2
"""Step ratio of a pair for which none is published: that of Wan 2.2 in Table 3."""


@dataclass(frozen=True, kw_only=True)
class IntervenePlan:
    """What an `intervene` would do."""

    study: Study
    samples: tuple[Sample, ...]
    ways: tuple[Way, ...]
    missing: tuple[RunRequest, ...]
    matched: MatchedSchedule | None = None
    """The table of a matched schedule, which the study keeps."""


def plan_intervene(
    study: str | Path,
    *,
    lam: float | Iterable[float] | None = None,
    method: Literal["dymos", "alg"] = "dymos",
    arm: Arm = "i2v",
    device: str | None = None,
    offload: str | None = None,
    vae_tiling: bool | None = None,
    **settings: Any,
) -> IntervenePlan:
    """Return what :func:`intervene` would do with these arguments, without generating anything."""
    if method not in ("dymos", "alg"):
        raise InputError(f"method {method!r} is unknown; choose dymos or alg")
    if method == "alg" and lam is not None:
        raise InputError(f"lam {lam!r} is no setting of ALG; leave it out, or choose method='dymos'")
    opened = open_for_more(Path(study), device=device, offload=offload, vae_tiling=vae_tiling)
    if not opened.exists:
        raise StudyError(f"the study {study} has no runs yet; run its `probe record` command first")
    ds = open_study(opened.path)
    chosen: tuple[Way, ...]
    matched = None
    if method == "alg":
        chosen = (_alg_way(opened, arm, settings),)
    else:
        lams = (lam,) if isinstance(lam, (int, float)) else tuple(lam or ())
        if not lams:
            raise InputError("no λ is given; give at least one, such as --lam=0.6")
        ratio = resolve_step_ratio(opened.pair, settings.pop("step_ratio", None))
        schedule = str(settings.get("schedule"))
        if is_matched(schedule):
            matched = find_matched(opened.path, ds, schedule, step_ratio=ratio, table=settings.get("matched"))
            settings |= {"schedule": MATCHED, "matched": matched.table}
        chosen = ways(lams, arm=arm, step_ratio=ratio, **settings)
    for way in chosen:
        if way.bias is not None:
            way.bias.check_fits(layers=ds.sizes["layer"], heads=ds.sizes["head"], frames=ds.sizes["query_frame"])
    columns = (ds[name].values for name in ("sample", "prompt", "seed", "image"))
    samples = tuple(
        Sample(id=str(i), prompt=str(p), seed=int(s), image=str(m)) for i, p, s, m in zip(*columns, strict=True)
    )
    missing = still_missing(opened, all_runs(samples, chosen))
    return IntervenePlan(study=opened, samples=samples, ways=chosen, missing=missing, matched=matched)


def intervene(
    study: str | Path,
    *,
    lam: float | Iterable[float] | None = None,
    method: Literal["dymos", "alg"] = "dymos",
    workers: int = 0,
    scheduler: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Path:
    """Add a condition for each λ, or that of ALG, to every sample of ``study`` and return its folder.

    What is complete is kept.

    Parameters
    ----------
    study
        Folder that :func:`record` made.
    lam
        One λ or several, natural-log units; 0 is the untouched model, which a study has already.
    method
        ``dymos``, the bias of Eq. 6, or ``alg``, adaptive low-pass guidance (`dymos_probe.ALG`), which has no λ.
    workers, scheduler, progress
        As for :func:`record`.
    settings
        Of ``dymos``: ``step_ratio`` (default: the preset's, else 0.2), ``arm``, and the fields of `Bias`:
        ``schedule``, ``layers``, ``heads``, ``query_frames``, ``key_frame``, ``branches``. The schedule ``matched``
        is computed from all samples of the study (:func:`dymos_probe.analysis.matched.matched_strengths`) and
        kept there under a name, by which it can be asked for again; λ = 1 is as matched. Of ``alg``: the fields of
        `ALG`, by default as published for the model. Of both: ``device``, ``offload`` and ``vae_tiling`` where
        this machine is another than the study's.

    Raises
    ------
    InputError
        When a value is wrong, names a layer, head or frame the model does not have, or belongs to the other
        method; or when ALG is not published for the model.
    StudyError
        When the folder is no study, or its models have changed.
    """
    plan = plan_intervene(study, lam=lam, method=method, **settings)
    fill_plan(plan, workers=workers, scheduler=scheduler, progress=progress)
    return Path(study)


def fill_plan(
    plan: IntervenePlan, *, workers: int = 0, scheduler: str | None = None, progress: Progress | None = None
) -> tuple[RunRequest, ...]:
    """Make what a plan still misses, and return it."""
    if plan.matched is not None:  # first, so that no condition is there without its table
        plan.matched.keep(plan.study.path)
    return fill(
        plan.study,
        plan.missing,
        samples=plan.samples,
        ways=plan.ways,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )


def intervene_image(
    pair: str | Path | Pair,
    *,
    image: str | Path,
    prompt: str,
    out: str | Path,
    lam: float,
    seed: int = 0,
    step_ratio: float | None = None,
    bias: dict[str, Any] | None = None,
    on_step: OnStep | None = None,
    placed: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Make one video from an image at strength ``lam`` and return its path; nothing is recorded.

    Parameters
    ----------
    bias
        Further fields of `Bias`.
    placed
        ``dtype``, ``device``, ``offload`` and ``vae_tiling`` in place of the pair's own.
    settings
        ``height``, ``width``, ``num_frames``, ``num_inference_steps``, ``guidance_scale``, ``negative_prompt``,
        ``extra``, as for :func:`record`.

    Raises
    ------
    InputError
        When a value is wrong, the image cannot be read, or ``out`` is no new ``.mp4`` file.
    """
    target = Path(out)
    if target.suffix != ".mp4":
        raise InputError(f"out {out} must end in .mp4")
    if target.exists():
        raise InputError(f"{out} exists; give a new file name")
    check_seed(seed)
    picture = read_image(image)
    chosen = load_pair(pair, **(placed or {}))
    effect = Bias(lam=lam, step_ratio=resolve_step_ratio(chosen, step_ratio), **(bias or {}))
    generation = resolve_generation(chosen, settings)
    with storage_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    pipe = load_pipeline(chosen, "i2v")
    made = execute(pipe, generation, prompt=prompt, seed=seed, image=picture, bias=effect, on_step=on_step)
    with storage_errors(target.parent):
        write_video(target, made.frames, fps=default_fps(chosen))
    return target


def _alg_way(study: Study, arm: Arm, settings: dict[str, Any]) -> Way:
    """Return ALG as published for the model, but for ``settings``; the untouched arm where it acts in no step."""
    preset = study.pair.preset
    if preset is not None:
        model = published(preset.family, preset.name)
    else:
        model = published(family_named(str(read_config(study.path)["pair"]["i2v"]["pipeline"]))[0].name)
    alg = changed(model, **settings)
    way = Way(arm=arm, alg=alg)
    return way if alg.active_steps(study.generation.num_inference_steps) else I2V


def resolve_step_ratio(pair: Pair, given: float | None) -> float:
    """Return the step ratio that is given, else the one published for the pair, else `DEFAULT_STEP_RATIO`."""
    return default_step_ratio(pair.preset) if given is None else given


def default_step_ratio(preset: Preset | None) -> float:
    """Return the step ratio published for a pair, else that of Wan 2.2."""
    published = None if preset is None else preset.step_ratio
    return DEFAULT_STEP_RATIO if published is None else published
