"""Write a study: one process coordinates (create, extend, finish), many fill runs of their own.

A run owns its shards and chunks outright, so workers never touch the same file. LocalStore
writes a file under another name and renames it, so what a killed process leaves is a run whose
``complete`` is still false, and a ``.partial`` file that the next attempt at that run removes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from dymos_probe.errors import InputError, StudyError
from dymos_probe.store.group import (
    array,
    consolidate,
    create_variable,
    dims_of,
    is_consolidated,
    open_group,
    read_array,
    run_position,
)
from dymos_probe.store.schema import (
    ATTENTION,
    ATTENTION_EARLY,
    ATTENTION_RESPONSE,
    ATTENTION_TILTED,
    AXIS_VARIABLES,
    BRANCH,
    COMPLETE,
    CONDITION,
    CONDITION_COLUMNS,
    EARLY_VARIABLES,
    LAM_RESPONSE,
    METHOD,
    METRIC_PREFIX,
    RESPONSE_AXIS,
    RESPONSE_VARIABLES,
    RUN_VARIABLES,
    SAMPLE,
    SAMPLE_COLUMNS,
    SCHEMA_NAME,
    SCHEMA_VERSION,
    STEPS,
    STORE_FOLDER,
    STUDY_FILE,
    TEXT_MASS,
    TILT,
    TILT_AXIS,
    TILTED_VARIABLES,
    UNTOUCHED,
    VARIABLES,
    AttentionShape,
    Condition,
    Run,
    Sample,
    Variable,
)
from dymos_probe.store.study_file import (
    as_json,
    check_config,
    check_shape,
    exclusive,
    storage_errors,
    write_study_file,
)
from dymos_probe.store.summaries import summaries


def create_study(path: str | Path, *, config: Mapping[str, Any], shape: AttentionShape) -> None:
    """Create the study at ``path``, without samples or conditions; a study of the same configuration is kept.

    ``config`` is kept in study.json; its keys ``pair`` and ``versions``, where it has them, become
    attributes of the dataset.

    Raises
    ------
    StudyError
        When the folder holds something else, or a study of another configuration or shape.
    InputError
        When ``config`` is not plain JSON values.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    plain = as_json(config)
    with storage_errors(path):
        if path.exists() and not path.is_dir():
            raise StudyError(f"{path} is a file; give a new folder or the folder of a study")
        path.mkdir(parents=True, exist_ok=True)
        with exclusive(path):
            if (path / STUDY_FILE).is_file():
                check_config(path, plain)
                check_shape(path, shape)
            else:
                # Hidden files are locks, leftovers of a killed process, or of the desktop: nobody's data.
                foreign = sorted(item.name for item in path.iterdir() if not item.name.startswith("."))
                if foreign:
                    raise StudyError(
                        f"{path} is no study and is not empty (it has {foreign[0]}); give a new folder or a study"
                    )
                write_study_file(path, plain, shape)
            _create_store(path, plain, shape)


def is_created(path: str | Path) -> bool:
    """Return whether a study is at ``path`` and its creation was not cut off half way.

    Raises
    ------
    CorruptStoreError
        When its metadata is damaged.
    """
    folder = Path(path) / STORE_FOLDER
    has_file = (Path(path) / STUDY_FILE).is_file() and (folder / "zarr.json").is_file()
    return has_file and is_consolidated(open_group(Path(path), "r"))


def extend_study(path: str | Path, *, samples: Sequence[Sample] = (), conditions: Sequence[Condition] = ()) -> None:
    """Add the samples and conditions the study does not have yet; for the one process that coordinates.

    Raises
    ------
    StudyError
        When an id is there already with other content.
    InputError
        When an id is given twice.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    with storage_errors(path), exclusive(_existing(path)):
        group = open_group(path, "r+")
        tables = (
            (SAMPLE, SAMPLE_COLUMNS, [asdict(sample) for sample in samples]),
            (CONDITION, CONDITION_COLUMNS, [asdict(condition) for condition in conditions]),
        )
        added = {dim: _new_rows(path, group, dim, columns, rows) for dim, columns, rows in tables}
        if not any(added.values()):
            return
        sizes = {dim: array(group, dim).shape[0] + len(rows) for dim, rows in added.items()}
        for _, member in group.arrays():
            grown = tuple(sizes.get(dim, length) for dim, length in zip(dims_of(member), member.shape, strict=True))
            if grown != member.shape:
                member.resize(grown)
        for dim, columns, _ in tables:
            _write_rows(group, columns, added[dim], sizes[dim])
        consolidate(group)


def write_run(path: str | Path, run: Run) -> None:
    """Write one run into the part of the store that is its own; ``complete`` comes last.

    A run that is there already is taken back first, so a process killed here never leaves a mixture.

    Raises
    ------
    StudyError
        When the study has no such sample or condition.
    InputError
        When an array has another shape or dtype than the study's, or holds NaN or infinity, or when a response
        is given that the study does not keep of this condition, or not given that it keeps.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    with storage_errors(path):
        group = open_group(path, "r+")
        at = run_position(path, group, run.sample, run.condition)
        untouched = read_array(group, METHOD)[at[1]].item() == UNTOUCHED
        values = _run_values(group, run, untouched=untouched)
        array(group, COMPLETE)[at] = False
        for name, value in values.items():
            member = array(group, name)
            _sweep_partials(path, name, at)
            member[at] = value[None, None]
        array(group, COMPLETE)[at] = True


def forget_run(path: str | Path, sample: str, condition: str) -> None:
    """Mark one run as not there, so that the next attempt writes it again, and drop its metrics.

    Raises
    ------
    StudyError
        When the study has no such sample or condition.
    """
    path = Path(path)
    with storage_errors(path):
        group = open_group(path, "r+")
        place = run_position(path, group, sample, condition)
        array(group, COMPLETE)[place] = False
        # What the next attempt makes has to be measured again.
        for name in group.array_keys():
            if name.startswith(METRIC_PREFIX):
                array(group, name)[place] = np.nan


def finish_study(path: str | Path) -> None:
    """Consolidate the metadata of a study that is done for now; it can still be extended.

    Raises
    ------
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    with storage_errors(path), exclusive(_existing(path)):
        consolidate(open_group(path, "r+"))


def completed_runs(path: str | Path) -> frozenset[tuple[str, str]]:
    """Return (sample, condition) of every run that is there, whole.

    Raises
    ------
    StudyError
        When the folder is no study.
    CorruptStoreError
        When the labels or the marks are damaged.
    """
    group = open_group(Path(path), "r")
    samples, conditions = read_array(group, SAMPLE), read_array(group, CONDITION)
    marks = read_array(group, COMPLETE)
    return frozenset((str(samples[s]), str(conditions[c])) for s, c in np.argwhere(marks))


def _existing(path: Path) -> Path:
    open_group(path, "r")
    return path


def _create_store(path: Path, config: Mapping[str, Any], shape: AttentionShape) -> None:
    if is_created(path):
        return
    folder = path / STORE_FOLDER
    # Nothing was recorded before the first consolidation, so a half-made store is made anew.
    sizes = {SAMPLE: 0, CONDITION: 0, **shape.sizes}
    attributes = {
        "schema": {"name": SCHEMA_NAME, "version": SCHEMA_VERSION},
        "pair": config.get("pair", ""),
        "versions": config.get("versions", {}),
        # The CF way to say which variables are labels; xarray reads it.
        "coordinates": " ".join(variable.name for variable in VARIABLES if variable.coordinate),
    }
    group = zarr.create_group(folder, zarr_format=3, attributes=attributes, overwrite=True)
    create = [*VARIABLES]
    create += (RESPONSE_AXIS, *RESPONSE_VARIABLES) if shape.response else ()
    create += (TILT_AXIS, *TILTED_VARIABLES) if shape.tilts else ()
    for variable in create:
        create_variable(group, variable, sizes)
    for variable in EARLY_VARIABLES if shape.early else ():
        create_variable(group, variable, sizes, attrs={STEPS: shape.early})
    if shape.response:
        _fill(group, LAM_RESPONSE, 0, shape.response)
    if shape.tilts:
        _fill(group, TILT, 0, shape.tilts)
    text = {BRANCH: shape.branches, "layer_name": shape.layers}
    for variable in AXIS_VARIABLES:
        size = sizes[variable.dims[0]]
        _fill(group, variable.name, 0, text.get(variable.name) or range(size))
    consolidate(group)


def _fill(group: zarr.Group, name: str, start: int, values: Sequence[object]) -> None:
    member = array(group, name)
    dtype = np.dtypes.StringDType() if member.dtype.kind in "TO" else member.dtype
    # A member of a group that was opened consolidated still has its old length: reopen its own metadata.
    zarr.open_array(member.store_path, mode="r+")[start : start + len(values)] = np.array(values, dtype=dtype)


def _new_rows(
    path: Path, group: zarr.Group, dim: str, columns: Mapping[str, Variable], rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    stored = {field: read_array(group, variable.name) for field, variable in columns.items()}
    position = {str(label): index for index, label in enumerate(stored["id"])}
    new: dict[str, dict[str, Any]] = {}
    for row in rows:
        label = row["id"]
        if label in new:
            raise InputError(f"{dim} {label!r} is given twice; ids must be distinct")
        if label not in position:
            new[label] = row
            continue
        for field, value in row.items():
            has = stored[field][position[label]].item()
            if has != value and not (has != has and value != value):  # NaN: the method has no such number
                raise StudyError(
                    f"the study {path} has {dim} {label!r} with {field} = {has!r}, now {value!r} is asked; "
                    "give the other one an id of its own"
                )
    return list(new.values())


def _write_rows(group: zarr.Group, columns: Mapping[str, Variable], rows: Sequence[dict[str, Any]], size: int) -> None:
    for field, variable in columns.items() if rows else ():
        _fill(group, variable.name, size - len(rows), [row[field] for row in rows])


def _response_variables(group: zarr.Group, run: Run, *, untouched: bool) -> tuple[Variable, ...]:
    """Return the variables of the response that ``run`` must have: a missing one could not be told from damage."""
    kept = untouched and ATTENTION_RESPONSE in group
    for variable in RESPONSE_VARIABLES:
        given = getattr(run, variable.name) is not None
        if given != kept:
            here = f"{variable.name} of sample {run.sample!r} under {run.condition!r}"
            if given:
                why = "the condition modulates the model" if not untouched else "the study was made without a response"
                raise InputError(f"{here} is given, but {why}; leave it out")
            raise InputError(f"{here} is missing; this study keeps the response of every untouched run")
    return RESPONSE_VARIABLES if kept else ()


def _run_values(group: zarr.Group, run: Run, *, untouched: bool) -> dict[str, npt.NDArray[Any]]:
    values: dict[str, npt.NDArray[Any]] = {}
    for variable in (*RUN_VARIABLES, *_response_variables(group, run, untouched=untouched)):
        given = getattr(run, variable.name, None)
        if given is None:  # derived below, once what it is derived from is known to be right
            continue
        value = np.asarray(given)
        expected = array(group, variable.name).shape[2:]
        where = f"{variable.name} of sample {run.sample!r} under {run.condition!r}"
        if value.shape != expected:
            raise InputError(
                f"{where} has shape {value.shape}; the study's is {expected} ({', '.join(variable.dims[2:])})"
            )
        if variable.dtype is np.float32 and value.dtype != np.float32:
            raise InputError(f"{where} is {value.dtype}; the store keeps float32")
        if not np.isfinite(value).all():
            raise InputError(f"{where} holds {np.count_nonzero(~np.isfinite(value))} values that are NaN or infinite")
        values[variable.name] = value.astype(variable.dtype, copy=False)
    tilts = read_array(group, TILT) if untouched and ATTENTION_TILTED in group else None
    early = array(group, ATTENTION_EARLY).attrs[STEPS] if ATTENTION_EARLY in group else 0
    return values | summaries(values[ATTENTION], values[TEXT_MASS], tilts=tilts, early=int(str(early)))


def _sweep_partials(path: Path, name: str, at: tuple[slice, slice]) -> None:
    own = path / STORE_FOLDER / name / "c" / str(at[0].start) / str(at[1].start)
    for leftover in own.rglob("*.partial"):
        leftover.unlink(missing_ok=True)
