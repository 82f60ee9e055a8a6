"""``results.json``: every number of a page, what it was made with, and when."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from dymos_probe.errors import StudyError

FILE = "results.json"
_DIGITS = 6
"""Significant digits kept: beyond them sums differ from machine to machine."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """What one study found."""

    study: str
    """Its name."""
    configuration: Mapping[str, Any]
    """What it was run with."""
    found: Mapping[str, Any]
    """The numbers."""
    made: Mapping[str, Any]
    """Date, machine and versions."""


def configuration_values(configuration: Any) -> dict[str, Any]:
    """Return a configuration as JSON values."""
    assert is_dataclass(configuration) and not isinstance(configuration, type)
    values: dict[str, Any] = json.loads(json.dumps(asdict(configuration)))
    return values


def rounded(value: Any) -> Any:
    """Return JSON values with every float at six significant digits.

    Raises
    ------
    ValueError
        When one is NaN or infinite, which a page could not say.
    """
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        if value - value != 0.0:
            raise ValueError(f"{value} is no number a result can hold")
        return float(f"{value:.{_DIGITS}g}")
    return value


def write_results(folder: Path, results: Results) -> Results:
    """Write ``results.json`` and return what it holds; where only date and machine would change, it stays as it is."""
    before = read_results(folder) if (folder / FILE).is_file() else None
    new = Results(
        study=results.study,
        configuration=results.configuration,
        found=rounded(results.found),
        made=results.made,
    )
    if before is not None and (before.configuration, before.found) == (new.configuration, new.found):
        return before
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(new), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
    return read_results(folder)


def read_results(folder: Path) -> Results:
    """Return the results in ``folder``.

    Raises
    ------
    StudyError
        When they are not there or were not written by this project.
    """
    file = folder / FILE
    try:
        return Results(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StudyError(f"there is no {file}; run `python -m studies {folder.name}`") from None
    except (TypeError, ValueError) as error:
        raise StudyError(f"{file} is not what a study wrote ({error}); delete it and run the study again") from error


def today() -> str:
    """Return the date, ISO."""
    return datetime.date.today().isoformat()
