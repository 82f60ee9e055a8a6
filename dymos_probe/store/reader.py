"""Open a study as one lazy, labelled dataset; opening reads metadata and labels, nothing else."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from zarr.errors import ZarrUserWarning

from dymos_probe.errors import CorruptStoreError, StudyError
from dymos_probe.store.group import array, dims_of, is_consolidated, open_group, read_array
from dymos_probe.store.schema import (
    ATTENTION_MEAN,
    COMPLETE,
    COMPLETE_VARIABLE,
    CONDITION,
    EARLY_VARIABLES,
    HEAD,
    LAYER,
    METHOD,
    METRIC_PREFIX,
    RESPONSE_AXIS,
    RESPONSE_VARIABLES,
    RUN_VARIABLES,
    SAMPLE,
    SCHEMA_NAME,
    SCHEMA_VERSION,
    STEP,
    STORE_FOLDER,
    TILT_AXIS,
    TILTED_VARIABLES,
    UNTOUCHED,
    VARIABLES,
    Variable,
)
from dymos_probe.store.study_file import read_config

_OF_UNTOUCHED = (*RESPONSE_VARIABLES, *TILTED_VARIABLES)
"""What only runs of untouched models have, in studies that keep it."""

_BLOCK_BYTES = 8 * 2**20
"""Steps of a run, or whole small runs, are gathered into dask blocks of about this size: few tasks, little memory."""


@dataclass(frozen=True)
class RunArray:
    """An array of the store that says which run is damaged, for dask to slice.

    A missing file reads as the fill value in Zarr. In a run marked complete that is damage too,
    and is refused here instead of becoming NaN in somebody's mean.
    """

    study: Path
    name: str
    values: zarr.Array[Any] = field(repr=False)
    complete: zarr.Array[Any] | npt.NDArray[np.bool_] | None = field(repr=False)
    """Marks of the runs; None where a fill value is an ordinary value."""
    conditions: npt.NDArray[np.bool_] | None = field(default=None, repr=False, compare=False)
    """Which conditions have this variable, (condition,); None for all."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stored array."""
        return self.values.shape

    @property
    def ndim(self) -> int:
        """Number of dims."""
        return self.values.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored array."""
        return np.dtype(self.values.dtype)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """Return a part of the array.

        Raises
        ------
        CorruptStoreError
            When a chunk of a completed run is missing, truncated or fails its checksum.
        """
        try:
            block = np.asarray(self.values[key])
        except (OSError, MemoryError):
            raise
        except Exception as error:  # the codecs raise whatever they trip over: ValueError, RuntimeError, IndexError …
            raise self._damage(key, str(error)) from error
        if self.complete is not None and self._is_fill(block).any():
            runs = key[:2] if isinstance(key, tuple) else (key,)
            marks = np.asarray(self.complete[runs])
            if self.conditions is not None:
                marks = marks & self.conditions[runs[1] if len(runs) > 1 else slice(None)]
            unwritten = self._is_fill(block).reshape(*marks.shape, -1).any(axis=-1)
            if (marks & unwritten).any():
                raise self._damage(key, "a chunk is missing")
        return block

    def _is_fill(self, block: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        return np.asarray(np.isnan(block) if block.dtype.kind == "f" else block == self.values.fill_value)

    def _damage(self, key: Any, reason: str) -> CorruptStoreError:
        """Return the error of the first damaged run of what was read: a block may be of many."""
        runs = key[:2] if isinstance(key, tuple) else (key,)
        ranges = [range(size)[part] for size, part in zip(self.shape, runs, strict=False) if isinstance(part, slice)]
        if len(ranges) == 2 and len(ranges[0]) * len(ranges[1]) > 1:
            for sample, condition in product(*ranges):
                try:
                    self[(slice(sample, sample + 1), slice(condition, condition + 1), *key[2:])]
                except CorruptStoreError as error:
                    return error
        return CorruptStoreError(self._message(key, reason))

    def _message(self, key: Any, reason: str) -> str:
        runs: tuple[Any, ...] = (
            (*key[:2], slice(None), slice(None))[:2] if isinstance(key, tuple) else (key, slice(None))
        )
        group = open_group(self.study, "r")
        labels = [
            np.atleast_1d(read_array(group, dim)[part]).tolist()
            for dim, part in zip((SAMPLE, CONDITION), runs, strict=True)
        ]
        shown = [f"{names[0]!r}" + (f" … {names[-1]!r}" if len(names) > 1 else "") for names in labels if len(names)]
        return (
            f"{self.name} of run {' under '.join(shown)} in the study {self.study} is damaged on disk "
            f"({reason}); forget_run drops a damaged run so that it is recorded again"
        )


def open_study(path: str | Path, *, check: bool = True, in_memory: int = 0) -> xr.Dataset:
    """Return the study at ``path`` as a lazy dataset, with the ``.probe`` accessor registered.

    Variables are dask arrays; labels of the dims are in memory. A study still being written opens
    too: from its last consolidation or, where it has none, array by array; ``attrs["metadata"]``
    says which. Runs that are not there yet are NaN, and ``complete`` says which are.

    Parameters
    ----------
    path
        Folder of the study.
    check
        Whether to refuse a dataset that lacks a variable or dim of the schema.
    in_memory
        Bytes. Where ``attention_mean`` fits in so many, it and the marks of complete runs are read now, in one go:
        for who will ask often. What is completed later is not there then, and has no mark.

    Raises
    ------
    MissingFileError
        When there is no folder at ``path``.
    StudyError
        When the folder is no study, or of another schema version.
    CorruptStoreError
        Now, when labels or what is read now are damaged; when data is computed, where a chunk is missing,
        truncated or fails its checksum.
    """
    # By name at run time: what the store returns answers ds.probe, yet the store knows no analysis.
    importlib.import_module("dymos_probe.analysis.accessor")
    path = Path(path)
    read_config(path)
    while True:
        before = _metadata(path)
        try:
            return _open(path, open_group(path, "r"), check=check, in_memory=in_memory)
        except ValueError:
            # Its parts do not fit one another when the study grew in between; then it is another one now.
            if _metadata(path) == before:
                raise


def _metadata(path: Path) -> bytes | None:
    """Return the root metadata as it is on disk: NaN fill values make the parsed one unequal to itself."""
    file = path / STORE_FOLDER / "zarr.json"
    return file.read_bytes() if file.is_file() else None


def _open(path: Path, group: zarr.Group, *, check: bool, in_memory: int) -> xr.Dataset:
    consolidated = is_consolidated(group)
    ds = _open_dataset(path, consolidated=consolidated)
    if check:
        _check_schema(path, ds)
    labels = [name for name, variable in ds.variables.items() if set(variable.dims) <= {SAMPLE, CONDITION}]
    labels = [name for name in labels if name in ds.coords] + ["layer_name", "branch"]
    ds = ds.assign_coords({name: (ds[name].dims, read_array(group, str(name)), ds[name].attrs) for name in labels})
    now = _read_now(path, group) if ds[ATTENTION_MEAN].nbytes <= in_memory else {}
    given = {
        name: (ds[name].dims, now[name] if name in now else _lazy(path, group, name), ds[name].attrs)
        for name in _lazy_names(ds)
    }
    ds = ds.assign_coords({n: v for n, v in given.items() if n in ds.coords}).assign(
        {n: v for n, v in given.items() if n not in ds.coords}
    )
    # So that a dataset cut to some layers or heads is not taken for what this is a mean over.
    ds[ATTENTION_MEAN].attrs.update(layers=ds.sizes[LAYER], heads=ds.sizes[HEAD])
    ds.attrs["metadata"] = "consolidated" if consolidated else "read array by array, the study is being created"
    return ds


def _read_now(path: Path, group: zarr.Group) -> dict[str, npt.NDArray[Any]]:
    """Return the means and the marks; the marks are read first, so that no run has one and is not there."""
    marks = read_array(group, COMPLETE)
    whole = RunArray(path, ATTENTION_MEAN, array(group, ATTENTION_MEAN), marks)
    values = whole[tuple(slice(0, length) for length in whole.shape)]
    return {COMPLETE: marks, ATTENTION_MEAN: values}


def verify_study(path: str | Path) -> list[tuple[str, str]]:
    """Return (sample, condition) of every run marked complete whose data is damaged, after reading all of it.

    Raises
    ------
    StudyError
        When the folder is no study.
    CorruptStoreError
        When the labels themselves are damaged.
    """
    path = Path(path)
    group = open_group(path, "r")
    samples, conditions = read_array(group, SAMPLE), read_array(group, CONDITION)
    marks = RunArray(path, COMPLETE, array(group, COMPLETE), None)
    checked = (*RUN_VARIABLES, *(each for each in (*EARLY_VARIABLES, *_OF_UNTOUCHED) if each.name in group))
    arrays = [(variable, _run_array(path, group, variable.name)) for variable in checked]
    steps = array(group, STEP).shape[0]
    damaged = []
    for s, sample in enumerate(samples):
        for c, condition in enumerate(conditions):
            run = (slice(s, s + 1), slice(c, c + 1))
            try:
                if not marks[run].item():
                    continue
                for variable, member in arrays:
                    for piece in _pieces(variable, run, steps):
                        member[piece]
            except CorruptStoreError:
                damaged.append((str(sample), str(condition)))
    return damaged


def _pieces(variable: Variable, run: tuple[slice, slice], steps: int) -> Iterator[tuple[slice, ...]]:
    """Yield what to read of a run one after the other: a shard may be larger than memory, a step of it is not."""
    if not variable.sharded:
        yield run
        return
    between = (slice(None),) * (variable.dims.index(STEP) - len(run))
    for step in range(steps):
        yield (*run, *between, slice(step, step + 1))


def _open_dataset(path: Path, *, consolidated: bool) -> xr.Dataset:
    try:
        with warnings.catch_warnings():
            # Files that another process is about to rename, listed where nothing is consolidated yet.
            warnings.filterwarnings("ignore", message="Object at .* is not recognized", category=ZarrUserWarning)
            ds: xr.Dataset = xr.open_zarr(
                path / STORE_FOLDER, consolidated=consolidated, chunks=None, mask_and_scale=False, decode_times=False
            )
    except (ValueError, KeyError) as error:
        raise CorruptStoreError(f"the labels of the study {path} cannot be read ({error})") from error
    return ds


def _check_schema(path: Path, ds: xr.Dataset) -> None:
    schema = ds.attrs.get("schema")
    if schema != {"name": SCHEMA_NAME, "version": SCHEMA_VERSION}:
        raise StudyError(
            f"the dataset of {path} has schema {schema}; this version reads {SCHEMA_NAME} {SCHEMA_VERSION}"
        )
    expected = [*VARIABLES]
    for together in ((RESPONSE_AXIS, *RESPONSE_VARIABLES), (TILT_AXIS, *TILTED_VARIABLES), EARLY_VARIABLES):
        if any(variable.name in ds.variables for variable in together):
            expected += together
    for variable in expected:
        if variable.name not in ds.variables:
            raise StudyError(f"the study {path} lacks the variable {variable.name}")
        if ds[variable.name].dims != variable.dims:
            raise StudyError(
                f"the study {path} has {variable.name} over {ds[variable.name].dims}; the schema says {variable.dims}"
            )


def _lazy_names(ds: xr.Dataset) -> list[str]:
    ours = [variable.name for variable in (*RUN_VARIABLES, *EARLY_VARIABLES, *_OF_UNTOUCHED, COMPLETE_VARIABLE)]
    return [name for name in map(str, ds.variables) if name in ours or name.startswith(METRIC_PREFIX)]


def _run_array(path: Path, group: zarr.Group, name: str) -> RunArray:
    # Of a metric, a missing file only says that nobody measured it.
    of_untouched = any(variable.name == name for variable in _OF_UNTOUCHED)
    checked = of_untouched or any(variable.name == name for variable in (*RUN_VARIABLES, *EARLY_VARIABLES))
    conditions = read_array(group, METHOD) == UNTOUCHED if of_untouched else None
    return RunArray(path, name, array(group, name), array(group, COMPLETE) if checked else None, conditions)


def _lazy(path: Path, group: zarr.Group, name: str) -> dask.array.Array:
    member = _run_array(path, group, name)
    lazy: dask.array.Array = dask.array.from_array(  # type: ignore[no-untyped-call]
        member,
        chunks=_blocks(member.values),
        name=False,
        meta=np.empty((0,) * member.ndim, dtype=member.dtype),
    )
    return lazy


def _blocks(member: zarr.Array[Any]) -> tuple[int, ...]:
    sizes = list(member.chunks)
    one = int(np.prod(sizes)) * member.dtype.itemsize
    if member.shards is not None:
        step = dims_of(member).index(STEP)
        sizes[step] = max(1, _BLOCK_BYTES // one)
    elif len(sizes) == 2:  # a value a run
        sizes = list(member.shape)
    else:
        sizes[dims_of(member).index(SAMPLE)] = max(1, _BLOCK_BYTES // one)
    return tuple(min(size, length) if length else size for size, length in zip(sizes, member.shape, strict=True))
