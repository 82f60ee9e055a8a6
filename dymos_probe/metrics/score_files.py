"""Read scores of videos from files other programs write: CSV, long or wide, and VBench's results.

Every value keeps the place it was read from, so that a wrong one can be named.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from dymos_probe.errors import InputError, MissingFileError

PATH_COLUMNS: Final = ("video", "video_path", "path")
"""Columns of a CSV that name a video by its path, in place of sample and condition."""
DESCRIPTIONS: Final = (*PATH_COLUMNS, "prompt", "reference", "seed")
"""Columns of a CSV that only describe a run."""

_PERCENT: Final[Mapping[str, float]] = MappingProxyType({"imaging_quality": 100.0})
"""Dimensions that VBench writes per video in percent and averages over 100."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One value of one video."""

    where: str
    """Where in the file it is, in words."""
    metric: str
    value: float
    run: tuple[str, str] | None = None
    """(sample, condition), where the file says them."""
    path: str = ""
    """Of the video, where the file says that instead."""


@dataclass(frozen=True, kw_only=True)
class ScoreFile:
    """What a file of scores holds."""

    scores: tuple[Score, ...]
    program: str
    """``VBench``, or empty where the file does not tell."""


def read_scores(file: str | Path) -> ScoreFile:
    """Return the scores of a CSV or of VBench's ``…_eval_results.json``.

    A CSV has a header: ``sample,condition,metric,value``, or ``sample,condition`` and a column a metric, in which an
    empty cell is no value. ``video`` may stand for the two, and columns that only describe a run are passed over.

    Raises
    ------
    MissingFileError
        When there is no such file.
    InputError
        When it is neither, or a line is not as the header says, or a value is no finite number; with its line.
    """
    file = Path(file)
    if not file.is_file():
        raise MissingFileError(f"there is no file of scores {file}")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no text in UTF-8 ({error}); save it so") from None
    scores = _vbench(file, text) if text.lstrip()[:1] in ("{", "[") else _csv(file, text)
    if not scores.scores:
        raise InputError(f"{file} holds no value")
    return scores


def _csv(file: Path, text: str) -> ScoreFile:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(reader, [])]
    by_run = {"sample", "condition"} <= set(header)
    path_column = next((name for name in PATH_COLUMNS if name in header), None)
    described = {*DESCRIPTIONS, "sample", "condition"}
    metrics = [name for name in header if name not in described]
    long = metrics == ["metric", "value"] or metrics == ["value", "metric"]
    if not metrics or not (by_run or path_column) or len(set(header)) < len(header):
        raise InputError(
            f"{file} begins with {','.join(header)!r}; its first line must be sample,condition,metric,value, or "
            "sample,condition (or video) and the names of metrics, each once"
        )
    scores = []
    for cells in reader:
        where = f"line {reader.line_num} of {file}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(f"{where} has {len(cells)} cells; its header has {len(header)}")
        row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        run = (row["sample"], row["condition"]) if by_run else None
        path = "" if by_run or path_column is None else row[path_column]
        for name, value in [(row["metric"], row["value"])] if long else [(name, row[name]) for name in metrics]:
            if value or long:
                scores.append(Score(where=where, metric=name, value=_number(value, name, where), run=run, path=path))
    return ScoreFile(scores=tuple(scores), program="")


def _number(text: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where} has {text!r} as {name}; a value is a finite number")
    return value


def _vbench(file: Path, text: str) -> ScoreFile:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"{file} is no JSON ({error})") from None
    if not isinstance(document, dict):
        raise InputError(f"{file} is no result of VBench: its top must be dimensions, not a list")
    scores = [score for dimension, result in document.items() for score in _dimension(file, dimension, result)]
    return ScoreFile(scores=tuple(scores), program="VBench")


def _dimension(file: Path, dimension: str, result: Any) -> Sequence[Score]:
    name = re.sub(r"\W+", "_", dimension).lower()
    if not (isinstance(result, list) and len(result) == 2 and isinstance(result[1], list)):
        raise InputError(
            f"{dimension} of {file} is no result of VBench; it must be [mean, [{{video_path, video_results}}, …]]"
        )
    scores = []
    for number, video in enumerate(result[1]):
        where = f"{dimension}, video {number} of {file}"
        try:
            path, value = video["video_path"], video["video_results"]
        except (TypeError, KeyError):
            raise InputError(f"{where} lacks video_path or video_results") from None
        # JSON of Python may hold NaN, and booleans are Dynamic Degree's values.
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(f"{where} has {value!r} as video_results; a value is a finite number")
        scores.append(Score(where=where, metric=name, value=float(value) / _PERCENT.get(name, 1.0), path=str(path)))
    return scores
