"""Matched tables of a study, a file each, named by content: ``schedules/matched-0b9d3c2f61a8.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dymos_probe.bias import MATCHED, MatchedTable, check_matched_table, matched_name
from dymos_probe.errors import InputError, StudyError
from dymos_probe.store.schema import SCHEDULE_FOLDER
from dymos_probe.store.study_file import as_json, storage_errors, write_atomically


def write_schedule(path: str | Path, table: MatchedTable, about: Mapping[str, Any]) -> Path:
    """Keep a matched table in the study at ``path`` and return its file; what is there under its name is kept.

    Parameters
    ----------
    path
        Folder of a study.
    table
        Strengths λ over layers and query frames, as `Bias.matched` takes them.
    about
        How the table came about, plain JSON values; for readers, and no part of its name.

    Raises
    ------
    StudyError
        When a file of its name holds something else.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path, name = Path(path), matched_name(table)
    file = _file(path, name)
    with storage_errors(path):
        if file.is_file():
            read_schedule(path, name)
            return file
        file.parent.mkdir(exist_ok=True)
        document = {
            "schedule": name,
            "meaning": "strength λ subtracted at λ = 1, nats: a row a layer, a value a query frame",
            "about": as_json(about),
            "table": [list(row) for row in table],
        }
        write_atomically(file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return file


def read_schedule(path: str | Path, name: str) -> MatchedTable:
    """Return the matched table called ``name``, such as ``matched-0b9d3c2f61a8``, of the study at ``path``.

    Raises
    ------
    InputError
        When the study has no such table; the message lists those it has.
    StudyError
        When the file does not hold the table of its name.
    """
    path = Path(path)
    names = schedule_names(path)
    if name not in names:
        raise InputError(
            f"the study {path} has no schedule {name!r}; it has {', '.join(names) or 'none'}, "
            f"and 'matched' computes one from its runs"
        )
    file = _file(path, name)
    try:
        table = tuple(tuple(float(value) for value in row) for row in json.loads(file.read_text("utf-8"))["table"])
        check_matched_table(table)
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{file} holds no matched table ({error}); remove it and match again") from error
    if matched_name(table) != name:
        raise StudyError(f"{file} holds another table, {matched_name(table)}; remove it and match again")
    return table


def schedule_names(path: str | Path) -> list[str]:
    """Return the names of the matched tables of the study at ``path``, in alphabetical order."""
    return sorted(file.stem for file in (Path(path) / SCHEDULE_FOLDER).glob(f"{MATCHED}-*.json"))


def _file(path: Path, name: str) -> Path:
    return path / SCHEDULE_FOLDER / f"{name}.json"
