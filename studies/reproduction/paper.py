"""What the paper prints: numbers with their place in it, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dymos_probe.pairs import preset
from studies.reproduction.numbers import table

NOT_RECOVERED: Final = "its plotted values are not in the paper's text, so only its sentences can be compared"

MEASURES: Final = ("Dynamic Degree (VBench)", "Dynamic Degree (VideoScore)", "Video Quality", "ViCLIP", "VisionReward")
"""Columns of Tables 1, 2 and 6, in this order; the first is per cent of videos."""
_AS_PRINTED: Final = (".1f", ".2f", ".1f", ".4f", ".3f")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of Table 1, 2 or 6."""

    place: str
    """Table, and the cells that name the row."""
    values: tuple[float, float, float, float, float]
    """By `MEASURES`, as printed."""

    def value(self, measure: str) -> float:
        """Return one cell."""
        return self.values[MEASURES.index(measure)]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """λ and step ratio of a backbone, Table 3, last three rows."""

    lam: float
    step_ratio: float


TABLE_3: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        "wan2.2-a14b": Operation(lam=0.6, step_ratio=0.2),
        "wan2.1-14b": Operation(lam=1.0, step_ratio=0.25),
        "hunyuanvideo-1.5": Operation(lam=1.0, step_ratio=0.2),
        "cogvideox-5b": Operation(lam=0.8, step_ratio=0.24),
    }
)
"""By preset. That the second row is the strength and the third the fraction of the steps is inferred: the symbols of
the table are lost in its text."""

UNPUBLISHED_LAM: Final = 1.0
"""λ of a pair the paper does not run: the largest of Table 3, chosen before any study was run."""


def operation(pair: str) -> Operation:
    """Return λ and step ratio of a pair: the preset's, which are the paper's where it runs the pair."""
    known = preset(pair)
    return Operation(
        lam=UNPUBLISHED_LAM if known.lam is None else known.lam,
        step_ratio=TABLE_3["wan2.2-a14b"].step_ratio if known.step_ratio is None else known.step_ratio,
    )


def printed(rows: Mapping[str, Row], first: str) -> str:
    """Return rows of the paper as a Markdown table."""
    return table((first, *MEASURES), [(name, *map(format, row.values, _AS_PRINTED)) for name, row in rows.items()])
