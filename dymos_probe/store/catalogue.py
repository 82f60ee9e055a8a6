"""The studies below a folder: what each is, how far it is, and which of them cannot be read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dymos_probe.errors import ProbeError
from dymos_probe.store.group import array, open_group, read_array
from dymos_probe.store.schema import COMPLETE, CONDITION, SAMPLE, STORE_FOLDER, STUDY_FILE
from dymos_probe.store.study_file import read_config

_DEEPEST = 4
"""Folders below the one given in which studies are looked for."""


@dataclass(frozen=True, kw_only=True)
class StudyEntry:
    """One study, without its data."""

    name: str
    """Its folder, relative to the one looked through, with forward slashes."""
    path: Path
    broken: str = ""
    """Why it cannot be opened; empty where it can."""
    pair: str = ""
    """Preset, or the models' names."""
    samples: int = 0
    conditions: int = 0
    complete: int = 0
    """Runs that are there, of samples × conditions."""
    changed: datetime | None = None
    """When a run, a condition or a metric was last added, UTC."""

    @property
    def runs(self) -> int:
        """Runs there would be if every sample were under every condition."""
        return self.samples * self.conditions


def catalogue(folder: str | Path) -> list[StudyEntry]:
    """Return every study below ``folder``, the last changed first; a broken one says why and stops no other.

    Hidden folders and the insides of studies are not looked into.
    """
    return in_order(read_entry(folder, path) for path in study_folders(folder))


def in_order(entries: Iterable[StudyEntry]) -> list[StudyEntry]:
    """Return the entries, the last changed first."""
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(entries, key=lambda entry: (entry.changed or oldest, entry.name), reverse=True)


def study_folders(folder: str | Path) -> list[Path]:
    """Return the folder of every study below ``folder``, by a look at names alone."""
    return list(_studies(Path(folder), _DEEPEST))


def stamp(path: str | Path) -> str:
    """Return what changes whenever :func:`read_entry` would: it is read from no file, so that asking costs little."""
    seen = []
    for item in _telling(Path(path)):
        try:
            about = item.stat()
        except OSError:  # gone meanwhile
            continue
        seen.append(f"{item} {about.st_mtime_ns} {about.st_size} {about.st_ino}")
    return hashlib.sha256("\n".join(seen).encode(errors="surrogateescape")).hexdigest()


def size_on_disk(path: str | Path) -> int:
    """Return the bytes of all files of a study."""
    total, folders = 0, [os.fspath(path)]
    while folders:
        try:
            with os.scandir(folders.pop()) as items:
                for item in items:
                    if item.is_dir(follow_symlinks=False):
                        folders.append(item.path)
                    else:
                        total += _size(item)
        except FileNotFoundError:  # a study that is being written, or taken away
            continue
    return total


def _size(item: os.DirEntry[str]) -> int:
    try:
        return item.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # renamed since it was listed
        return 0


def _studies(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / STUDY_FILE).is_file():
        yield folder
        return
    if depth == 0:
        return
    try:
        below = sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))
    except OSError:  # gone meanwhile, or not ours to read
        return
    for item in below:
        yield from _studies(item, depth - 1)


def read_entry(folder: str | Path, path: Path) -> StudyEntry:
    """Return one study of ``folder``."""
    name = path.relative_to(folder).as_posix()
    try:
        pair = _pair(read_config(path))
        group = open_group(path, "r")
        marks = np.asarray(read_array(group, COMPLETE), dtype=bool)
        samples, conditions = array(group, SAMPLE).shape[0], array(group, CONDITION).shape[0]
    except (ProbeError, OSError) as error:
        return StudyEntry(name=name, path=path, broken=" ".join(str(error).split()))
    return StudyEntry(
        name=name,
        path=path,
        pair=pair,
        samples=samples,
        conditions=conditions,
        complete=int(marks.sum()),
        changed=_changed(path),
    )


def _pair(config: dict[str, Any]) -> str:
    pair = config.get("pair")
    if isinstance(pair, dict):
        models = [pair.get(arm) or {} for arm in ("t2v", "i2v")]
        names = [str(model.get("hub_id") or Path(str(model.get("folder", "?"))).name) for model in models]
        return str(pair.get("preset") or " + ".join(names))
    return str(pair or "not made by `probe record`")


def _changed(path: Path) -> datetime:
    times = [os.stat(item).st_mtime for item in _telling(path) if item.exists()]
    return datetime.fromtimestamp(max(times), tz=UTC)


def _telling(path: Path) -> list[Path]:
    """Return the files that tell what a study has; a metric among it is listed in the root of its store."""
    store = path / STORE_FOLDER
    labels = [store / name / "zarr.json" for name in (SAMPLE, CONDITION)]
    # A completed run replaces its chunk of the marks, which touches the chunk's folder.
    return [path / STUDY_FILE, store / "zarr.json", *labels, *sorted((store / COMPLETE).rglob("*"))]
