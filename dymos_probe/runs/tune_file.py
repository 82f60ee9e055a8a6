"""``tune.json``: what tunings of a study found, the newest last; none is overwritten."""

from __future__ import annotations

import json
import math
from dataclasses import is_dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xarray as xr

from dymos_probe.errors import StudyError
from dymos_probe.runs.tuning import Tuning
from dymos_probe.store import storage_errors
from dymos_probe.store.study_file import write_atomically

TUNE_FILE = "tune.json"
TUNE_VERSION = 1
"""Of the file's form."""


def keep_tuning(tuning: Tuning) -> Path:
    """Add a tuning to the study's ``tune.json`` and return the file; one that says what the last said is not added.

    Raises
    ------
    StudyError
        When the file holds something else.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    file = tuning.study / TUNE_FILE
    results = read_tunings(tuning.study)
    document = tuning_document(tuning)
    # What a call happened to make says nothing about the pair: going on after all is made adds nothing.
    if not results or _lasting(results[-1]) != _lasting(document):
        about = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "dymos_probe": _version()}
        with storage_errors(tuning.study):
            content = {"version": TUNE_VERSION, "results": [*results, about | document]}
            write_atomically(file, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return file


def read_tunings(study: str | Path) -> list[dict[str, Any]]:
    """Return the tunings kept in a study, the newest last; none gives [].

    Raises
    ------
    StudyError
        When its ``tune.json`` is damaged or of another version.
    """
    file = Path(study) / TUNE_FILE
    if not file.is_file():
        return []
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        found, results = content["version"], list(content["results"])
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{file} holds no tunings ({error}); move it away and tune again") from error
    if found != TUNE_VERSION:
        raise StudyError(f"{file} has version {found}; this program reads {TUNE_VERSION}, move it away and tune again")
    return results


def tuning_document(tuning: Tuning) -> dict[str, Any]:
    """Return a tuning as plain JSON values; infinity as the text ``inf``."""
    plain = {field: value for field, value in vars(tuning).items() if field != "study"}
    document: dict[str, Any] = _plain(plain)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, xr.DataArray):  # d(λ)
        return [[_plain(float(lam)), _plain(float(d))] for lam, d in zip(value["lam"], value, strict=True)]
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in vars(value).items()}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    return value


def _lasting(document: dict[str, Any]) -> dict[str, Any]:
    passing = ("date", "dymos_probe", "made", "tried", "first")
    return {key: value for key, value in document.items() if key not in passing}


def _version() -> str:
    try:
        return version("dymos-probe")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"
