"""The Zarr group of a study: created, opened, labelled, consolidated.

The consolidated metadata in the group's own zarr.json is what a study *is*: it is replaced in
one atomic write after the arrays behind it have grown, so a reader or a worker sees the old
study or the new one, and a coordinator that is killed half way leaves the old one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.errors import GroupNotFoundError

from dymos_probe.errors import CorruptStoreError, MissingFileError, StudyError
from dymos_probe.store.schema import CONDITION, SAMPLE, STORE_FOLDER, STUDY_FILE, Variable


def open_group(path: Path, mode: Literal["r", "r+"]) -> zarr.Group:
    """Return the group of the study at ``path`` as its consolidated metadata describes it.

    Raises
    ------
    MissingFileError
        When there is no folder at ``path``.
    StudyError
        When the folder is no study.
    """
    if not path.exists():
        raise MissingFileError(f"there is no study at {path}; `probe record --out {path}` makes one")
    if not (path / STUDY_FILE).is_file():
        raise StudyError(f"{path} is no study: it has no {STUDY_FILE}; give a folder that `probe record` made")
    try:
        return zarr.open_group(path / STORE_FOLDER, mode=mode, zarr_format=3)
    except (GroupNotFoundError, FileNotFoundError) as error:
        raise StudyError(
            f"the study {path} has no {STORE_FOLDER}; run the command that made it again to create it"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptStoreError(f"the metadata of the study {path} cannot be read ({error})") from error


def is_consolidated(group: zarr.Group) -> bool:
    """Return whether the group was opened from consolidated metadata."""
    return group.metadata.consolidated_metadata is not None


def consolidate(group: zarr.Group) -> None:
    """Make the group's arrays, as they are now, what readers and workers see; one atomic write."""
    with warnings.catch_warnings():
        # Other Zarr implementations may ignore it; they then read array by array, which is right too.
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        zarr.consolidate_metadata(group.store)


def create_variable(
    group: zarr.Group,
    variable: Variable,
    sizes: Mapping[str, int],
    *,
    attrs: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> zarr.Array[Any]:
    """Create the empty array of ``variable``, every chunk of it with a crc32c checksum."""
    return group.create_array(
        variable.name,
        shape=tuple(sizes[dim] for dim in variable.dims),
        chunks=variable.chunks(sizes),
        shards=variable.extent(sizes) if variable.sharded else None,
        dtype=variable.dtype,
        fill_value=variable.fill,
        compressors=(ZstdCodec(level=1), Crc32cCodec()),
        dimension_names=variable.dims,
        attributes={**variable.attrs, **(attrs or {})},
        overwrite=overwrite,
    )


def array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """Return one array of the group.

    Raises
    ------
    StudyError
        When the study has no such variable.
    """
    found = group.get(name)
    if not isinstance(found, zarr.Array):
        raise StudyError(f"the study at {group.store_path} has no variable {name}; it is damaged or of another schema")
    return found


def dims_of(member: zarr.Array[Any]) -> tuple[str, ...]:
    """Return the names of an array's dims."""
    names = member.metadata.to_dict().get("dimension_names") or ()
    return tuple(str(name) for name in names)  # type: ignore[union-attr]


def read_array(group: zarr.Group, name: str) -> npt.NDArray[Any]:
    """Return a whole small array; text as fixed-width unicode.

    Raises
    ------
    CorruptStoreError
        When a chunk of it is truncated or fails its checksum.
    """
    member = array(group, name)
    try:
        values = np.asarray(member[...])
    except (OSError, MemoryError):
        raise
    except Exception as error:  # the codecs raise whatever they trip over: ValueError, RuntimeError, IndexError …
        raise CorruptStoreError(f"{name} of the study at {group.store_path} is damaged on disk ({error})") from error
    return np.asarray(values.tolist(), dtype=str) if values.dtype.kind in "TO" else values


def run_position(path: Path, group: zarr.Group, sample: str, condition: str) -> tuple[slice, slice]:
    """Return where a run lies along sample and condition.

    Raises
    ------
    StudyError
        When the study has no such sample or condition.
    """
    found = []
    for dim, label in ((SAMPLE, sample), (CONDITION, condition)):
        labels = read_array(group, dim).tolist()
        if label not in labels:
            known = ", ".join(labels[:8]) or "none yet"
            raise StudyError(f"the study {path} has no {dim} {label!r}; it has {known}; extend_study adds one")
        found.append(labels.index(label))
    return slice(found[0], found[0] + 1), slice(found[1], found[1] + 1)
