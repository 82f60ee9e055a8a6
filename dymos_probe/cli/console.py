"""How commands speak: plain lines, one table, or one JSON document."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer


def say(line: str = "") -> None:
    """Print one line."""
    typer.echo(line)


def counted(number: int, noun: str) -> str:
    """Return ``1 run``, ``2 runs``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def listed(lams: Iterable[float]) -> str:
    """Return ``-1, 0.6, inf``."""
    return ", ".join(f"{lam:g}" for lam in lams)


def print_json(document: Any) -> None:
    """Print one JSON document; infinity, which JSON lacks, as a string."""
    typer.echo(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under columns, aligned, as wide as they are: a pipe must not cut them."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the libraries' own log lines and warnings off the terminal; errors still come as exceptions."""
    names = ("diffusers", "transformers", "huggingface_hub", "distributed")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return value
