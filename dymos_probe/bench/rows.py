"""One measured line a method, and the CSV file such lines are collected in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from dymos_probe.errors import EnvironmentLacksError, InputError


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method on one pair: what it took, relative to the baseline of the same round, and where."""

    date: str
    """ISO date."""
    device: str
    """Name of the GPU or CPU."""
    versions: str
    """Versions of Python and the libraries."""
    pair: str
    """Name of the preset, or folder."""
    weights: str
    """``random`` or ``published``."""
    dtype: str
    """Type of the transformer's weights."""
    method: str
    """One of `dymos_probe.bench.methods.METHODS`."""
    did: str
    """What the method did in each run."""
    full_size: bool
    """Whether sizes, steps, guidance, type and layers are those the pair is published with."""
    layers: int
    """Self-attention layers of one transformer."""
    layers_published: int
    """Layers it has when it is whole."""
    steps: int
    """Denoising steps."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""
    num_frames: int
    """Video frames."""
    guidance_scale: float
    """Scale of classifier-free guidance."""
    repeats: int
    """Rounds measured; a round runs every method once."""
    seconds: float | None
    """Median wall time of a run without decoding; None where it was not measured."""
    seconds_lowest: float | None
    """Quickest run."""
    seconds_highest: float | None
    """Slowest run."""
    ratio: float | None
    """Median over rounds of time over the baseline's time in the same round."""
    ratio_lowest: float | None
    """Lowest such ratio."""
    ratio_highest: float | None
    """Highest such ratio."""
    change: float | None
    """Largest difference of the latents from the baseline's, in standard deviations of the latter."""
    peak_gib: float | None
    """Most GPU memory held, weights included; None where it is not counted."""
    note: str = ""
    """Why it was not measured."""


COLUMNS = tuple(field.name for field in fields(Row))


def check_csv(path: Path) -> None:
    """Refuse, before anything is measured, a file that rows could not be appended to.

    Raises
    ------
    InputError
        When it holds other columns.
    EnvironmentLacksError
        When it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", newline="") as file:
            file.seek(0)
            header = next(csv.reader(file), None)
    except OSError as error:
        raise EnvironmentLacksError(
            f"{path} cannot be written: {error.strerror or error}; name another file"
        ) from error
    if header is not None and tuple(header) != COLUMNS:
        raise InputError(f"{path} holds other columns than this benchmark's; name another file")


def append_rows(path: Path, rows: Iterable[Row]) -> None:
    """Append rows to a CSV file, with a header where it is empty.

    Raises
    ------
    InputError
        When the file holds other columns.
    EnvironmentLacksError
        When it cannot be written.
    """
    check_csv(path)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        if file.tell() == 0:
            writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as text, none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def as_text(row: Row) -> Mapping[str, str]:
    """Return a row as the CSV file has it."""
    return {name: "" if value is None else str(value) for name, value in asdict(row).items()}
