"""Keeps the result of a job: as a new study, or as one more sample of a study made in the same way."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from dymos_probe.errors import InputError, ProbeError, StudyError
from dymos_probe.jobs.folder import JobFiles, files_of
from dymos_probe.jobs.names import PAIRS_FOLDER, inside
from dymos_probe.jobs.queue import state
from dymos_probe.runs.hold import only_writer
from dymos_probe.runs.identity import differences, identity
from dymos_probe.store import (
    Condition,
    Run,
    Sample,
    completed_runs,
    extend_study,
    finish_study,
    is_created,
    open_study,
    read_config,
    storage_errors,
    video_path,
    write_run,
)
from dymos_probe.store.schema import CONDITION, CONDITION_COLUMNS, SAMPLE, SAMPLE_COLUMNS, Variable

_OF_A_RUN = ("attention", "text_mass", "timestep", "sigma", "expert")


def keep(folder: str | Path, id: str, study: str) -> Path:
    """Put the result of a done job into the study called ``study`` and return that study's folder.

    Where there is no such study, the result becomes it. Where there is one, the job's sample and conditions
    join it; runs that it has already stay as they are. The job keeps its own result.

    Raises
    ------
    InputError
        When ``id`` is no job id, there is no such job or it is not done, or ``study`` is no plain name.
    StudyError
        When the folder of that name is no study, or one of another pair or other settings; the message names
        the first that differs.
    EnvironmentLacksError
        When the disk is full.
    """
    files = files_of(folder, id)
    now = state(folder, id)
    if now.status != "done":
        raise InputError(f"job {id} is {now.status}; only the result of a job that is done can be kept")
    if study == PAIRS_FOLDER:
        raise InputError(f"{study!r} is the folder of the pairs; choose another name for a study")
    target = inside(Path(folder), study, "a study")
    with storage_errors(target):
        if target.exists():
            _add(files.result, target)
        else:
            _copy(files, target)
    return target


def compatible(folder: str | Path, id: str) -> tuple[str, ...]:
    """Return the names of the studies that the result of a job can join: those of the same pair and settings.

    Raises
    ------
    InputError
        When ``id`` is no job id, or there is no such job.
    MissingFileError
        When the job has no result.
    """
    wanted = identity(read_config(files_of(folder, id).result))
    return tuple(
        path.name
        for path in sorted(Path(folder).iterdir())
        if path.name != PAIRS_FOLDER and not path.name.startswith(".") and _is_like(path, wanted)
    )


def _is_like(path: Path, wanted: Mapping[str, Any]) -> bool:
    try:
        like = not differences(identity(read_config(path)), wanted)
        return like and inside(path.parent, path.name, "a study") == path and is_created(path)
    except (ProbeError, OSError, KeyError, TypeError):  # no study, not ours to read, or not made by `probe record`
        return False


def _copy(files: JobFiles, target: Path) -> None:
    partial = files.path / f".kept-{target.name}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(files.result, partial, ignore=shutil.ignore_patterns(".*"))
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _add(result: Path, target: Path) -> None:
    stored = read_config(target)
    try:
        found = differences(identity(stored), identity(read_config(result)))
    except (KeyError, TypeError) as error:
        raise StudyError(
            f"the study {target} was not made by `probe record` (it lacks {error}); keep it anew"
        ) from error
    for key, has, wants in found:
        raise StudyError(
            f"the study {target.name} was made with {key} = {has}, this job with {wants}; "
            "keep it under a new name, or submit it again with the study's setting"
        )
    if not is_created(target):
        raise StudyError(f"the study {target.name} has no runs yet; keep the job under a new name")
    ds = open_study(result)
    samples = [Sample(**row) for row in _rows(ds, SAMPLE_COLUMNS)]
    conditions = [Condition(**row) for row in _rows(ds, CONDITION_COLUMNS)]
    with only_writer(target):
        extend_study(target, samples=samples, conditions=conditions)
        there = completed_runs(target)
        for sample, condition in sorted(completed_runs(result) - there):
            _copy_pictures(result, target, next(s for s in samples if s.id == sample), condition)
            run = ds.sel({SAMPLE: sample, CONDITION: condition})
            write_run(target, Run(sample=sample, condition=condition, **{name: run[name].values for name in _OF_A_RUN}))
        finish_study(target)


def _copy_pictures(result: Path, target: Path, sample: Sample, condition: str) -> None:
    pairs = [(video_path(result, sample.id, condition), video_path(target, sample.id, condition))]
    if not (target / sample.image).is_file():
        pairs.append((result / sample.image, target / sample.image))
    for source, to in pairs:
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = to.with_name(f".{to.name}.kept.part")
        shutil.copyfile(source, partial)
        partial.replace(to)


def _rows(ds: xr.Dataset, columns: Mapping[str, Variable]) -> list[dict[str, Any]]:
    """Return the labels along a dim, row by row, as the fields they came from."""
    values = {field: ds[variable.name].values.tolist() for field, variable in columns.items()}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
