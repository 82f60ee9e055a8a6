"""Prompt files of every shape the field uses, read into one list of rows."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dymos_probe.errors import InputError, MissingFileError

VBENCH_CROPS: Final = ("1-1", "8-5", "7-4", "16-9")
"""Width-height ratios VBench-I2V ships its reference images in, one folder under ``crop/`` each."""

_PROMPT_COLUMNS: Final = ("prompt", "prompt_en")
_IMAGE_COLUMNS: Final = ("image", "image_path")
_SUBJECT: Final = "i2v_subject"
_SPACE: Final = re.compile(r"[ \t\n\r,:]*")
_JSON_START: Final = re.compile(r'\s*(\[\s*(["{\[\]]|\Z)|\{\s*(["}]|\Z))')
_COLUMN_NAME: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, kw_only=True)
class PromptRow:
    """One prompt of a prompt file.

    Raises
    ------
    InputError
        When the prompt is blank or holds a character no tokenizer can encode.
    """

    prompt: str
    """The text, stripped of surrounding white space."""
    image: str | None = None
    """Reference image as the file writes it, normally relative to the prompt file; None where it names none."""
    line: int
    """Line of the file the row starts on, counted from 1."""

    def __post_init__(self) -> None:
        """Refuse what would generate a video from nothing or fail in the tokenizer."""
        if not self.prompt.strip():
            raise InputError("the prompt is blank; write one or take the row out")
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in self.prompt):
            raise InputError(f"the prompt {self.prompt!r} holds a NUL or half a surrogate pair, which is no text")


def read_prompts(path: str | Path, *, vbench_crop: str = "1-1") -> tuple[PromptRow, ...]:
    r"""Return the rows of a prompt file, whose format is told from its content.

    ===============================  =========================================================
    content                          read as
    ===============================  =========================================================
    plain text                       one prompt a line (T2V-CompBench), or ``image||prompt``
                                     (DyMoS); blank lines and lines starting with ``#`` are
                                     skipped
    CSV, TSV or ``;``-separated      a header with a ``prompt`` column (VidProM) and optionally
                                     ``image``; other columns are ignored
    JSON                             ``["…"]``, ``[{"prompt": "…"}]`` or ``{"prompts": […]}``
    JSON lines                       one object with a ``prompt`` a line
    VBench-I2V ``full_info.json``    objects with ``prompt_en``, ``dimension`` and
                                     ``image_name``: the rows of ``i2v_subject``, 246 in the
                                     published file
    ===============================  =========================================================

    Parameters
    ----------
    path
        A UTF-8 file, with or without a byte order mark.
    vbench_crop
        Which of `VBENCH_CROPS` the images of a VBench-I2V list are taken from; see `nearest_vbench_crop`.

    Raises
    ------
    MissingFileError
        When there is no such file.
    InputError
        When the file is no text, has no prompts, or one of its rows is wrong; the message names the line.
    """
    if vbench_crop not in VBENCH_CROPS:
        raise InputError(f"VBench-I2V has no crop {vbench_crop!r}; it has {', '.join(VBENCH_CROPS)}")
    file = Path(path)
    text = _read_text(file)
    if file.suffix.lower() in (".json", ".jsonl") or _JSON_START.match(text):
        rows = _json_rows(file, text, vbench_crop)
    elif (delimiter := _delimiter(text)) or file.suffix.lower() in (".csv", ".tsv"):
        rows = _csv_rows(file, text, delimiter or ("\t" if file.suffix.lower() == ".tsv" else ","))
    else:
        rows = _text_rows(file, text)
    found = tuple(rows)
    if not found:
        raise InputError(f"{file} holds no prompt")
    return found


def nearest_vbench_crop(width: int, height: int) -> str:
    """Return which of `VBENCH_CROPS` loses least when it is cropped to `width` × `height` pixels."""

    def ratio(crop: str) -> float:
        across, down = crop.split("-")
        return int(across) / int(down)

    return min(VBENCH_CROPS, key=lambda crop: abs(math.log(ratio(crop) * height / width)))


def _read_text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"there is no prompt file {file}") from None
    except IsADirectoryError:
        raise InputError(f"{file} is a folder; give one prompt file") from None
    except OSError as error:
        raise InputError(f"the prompt file {file} cannot be read: {error.strerror or error}") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{file} is UTF-16; save it as UTF-8")
    if (nul := data.find(b"\0")) >= 0:
        raise InputError(f"{file} is a binary file (a NUL at byte {nul}); give text, CSV or JSON")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{file} is empty")
    return text


def _row(file: Path, line: int, prompt: object, image: object = None) -> PromptRow:
    if not isinstance(prompt, str):
        raise InputError(f"{file}, line {line}: a prompt is text, got {prompt!r}")
    if image is not None and not isinstance(image, str):
        raise InputError(f"{file}, line {line}: an image is a path, got {image!r}")
    try:
        return PromptRow(prompt=prompt.strip(), image=(image or "").strip() or None, line=line)
    except InputError as error:
        raise InputError(f"{file}, line {line}: {error}") from None


def _text_rows(file: Path, text: str) -> Iterator[PromptRow]:
    # Not splitlines(): it also breaks at form feeds and U+2028, which editors do not count as lines.
    for line, raw in enumerate(io.StringIO(text), start=1):
        content = raw.strip()
        if not content or content.startswith("#"):
            continue
        image, bars, prompt = content.partition("||")
        if not bars:
            yield _row(file, line, content)
        elif not image.strip():
            raise InputError(f"{file}, line {line}: no image in front of '||'; write image||prompt or the prompt alone")
        else:
            yield _row(file, line, prompt, image)


def _delimiter(text: str) -> str | None:
    """Return the delimiter of a table, None for plain text.

    A table's first line names a prompt column, or all its lines split into the same
    number of cells (at least two) and those of the first are column names. Sentences
    with commas do neither.
    """
    for delimiter in ",\t;":
        try:
            table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            header = [cell.strip() for cell in next(table)]
            if any(cell.lower() in _PROMPT_COLUMNS for cell in header):
                return delimiter
            if len(header) < 2 or not all(_COLUMN_NAME.fullmatch(cell) for cell in header):
                continue
            widths = {len(cells) for cells in table if cells}
        except (csv.Error, StopIteration):
            continue
        if widths == {len(header)}:
            return delimiter
    return None


def _csv_rows(file: Path, text: str, delimiter: str) -> Iterator[PromptRow]:
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        header = [cell.strip() for cell in next(table)]
        prompt_at = _column(header, _PROMPT_COLUMNS)
        image_at = _column(header, _IMAGE_COLUMNS)
        if prompt_at is None:
            raise InputError(f"{file} has no column 'prompt'; its columns are {', '.join(map(repr, header))}")
        start = table.line_num + 1
        for cells in table:
            line, start = start, table.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{file}, line {line}: {len(cells)} cells where the header has {len(header)}; "
                    f"a prompt with {delimiter!r} in it needs double quotes around it"
                )
            yield _row(file, line, cells[prompt_at], None if image_at is None else cells[image_at])
    except csv.Error as error:
        raise InputError(f"{file}, line {start}: not a table: {error}") from None


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    lowered = [cell.lower() for cell in header]
    return next((lowered.index(name) for name in names if name in lowered), None)


def _json_rows(file: Path, text: str, vbench_crop: str) -> Iterator[PromptRow]:
    entries = _json_entries(file, text)
    # A VBench list mixes test dimensions; those of backgrounds and camera motion are other benchmarks.
    vbench_i2v = all(isinstance(value, dict) and {"dimension", "image_name"} <= value.keys() for _, value in entries)
    if vbench_i2v and entries:
        entries = [(line, value) for line, value in entries if _SUBJECT in value["dimension"]]
        if not entries:
            raise InputError(f"{file} is a VBench-I2V list without an entry of the dimension {_SUBJECT!r}")
    for line, value in entries:
        if isinstance(value, str):
            yield _row(file, line, value)
            continue
        if not isinstance(value, dict):
            raise InputError(f"{file}, line {line}: a prompt is text or an object with 'prompt', got {value!r}")
        prompt_key = next((key for key in _PROMPT_COLUMNS if key in value), None)
        if prompt_key is None:
            raise InputError(f"{file}, line {line}: no field 'prompt'; the fields are {', '.join(map(repr, value))}")
        image = next((value[key] for key in _IMAGE_COLUMNS if key in value), None)
        if vbench_i2v:
            image = f"crop/{vbench_crop}/{value['image_name']}"
        yield _row(file, line, value[prompt_key], image)


def _json_entries(file: Path, text: str) -> list[tuple[int, Any]]:
    """Return (line, value) of every entry of a JSON list, a ``{"prompts": […]}`` or JSON lines."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            return _json_lines(file, text)
        raise InputError(f"{file}, line {error.lineno}: not JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise InputError(f"{file} is JSON nested too deeply to be a list of prompts") from None
    at = len(text) - len(text.lstrip())
    if isinstance(document, dict) and "prompts" in document:
        document = document["prompts"]
        at = {key: offset for key, offset, _ in _members(text, at)}["prompts"]
    elif isinstance(document, dict) and any(key in document for key in _PROMPT_COLUMNS):
        return [(text.count("\n", 0, at) + 1, document)]
    if not isinstance(document, list):
        raise InputError(
            f'{file} is JSON without a list of prompts; write ["…"], [{{"prompt": "…"}}] or {{"prompts": […]}}'
        )
    entries, line, last = [], 1, 0
    for _, offset, value in _members(text, at):
        line += text.count("\n", last, offset)
        last = offset
        entries.append((line, value))
    return entries


def _json_lines(file: Path, text: str) -> list[tuple[int, Any]]:
    entries = []
    for line, raw in enumerate(io.StringIO(text), start=1):
        if not raw.strip():
            continue
        try:
            entries.append((line, json.loads(raw)))
        except json.JSONDecodeError as error:
            raise InputError(f"{file}, line {line}: not JSON: {error.msg} (column {error.colno})") from None
    return entries


def _members(text: str, start: int) -> Iterator[tuple[str | None, int, Any]]:
    """Yield (key, offset, value) of the list or object that opens at `start` of valid JSON."""
    decoder = json.JSONDecoder()
    closing, keyed = ("}", True) if text[start] == "{" else ("]", False)
    at = _skip(text, start + 1)
    while text[at] != closing:
        key = None
        if keyed:
            key, at = decoder.raw_decode(text, at)
            at = _skip(text, at)
        value, end = decoder.raw_decode(text, at)
        yield key, at, value
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
