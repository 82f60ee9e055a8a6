"""What a report is made of: a figure and what is said about it, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import xarray as xr

EARLY = 0.1
"""Fraction of the steps that attention is averaged over, the paper's."""

_COLUMNS_OF_TABLES = (
    "lam",
    "condition",
    "step",
    "layer",
    "head",
    "query_frame",
    "key_frame",
    "frame_distance",
    "step_ratio",
    "schedule",
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One figure and what is said about it."""

    name: str
    """Of its files."""
    group: str
    """Heading above all sections of a kind."""
    heading: str
    how: str
    """What is shown and how to read it; empty where an earlier section of the same kind says it."""
    said: str
    """What it says of this study, with numbers."""
    figure: go.Figure
    data: xr.Dataset | None = None
    """Its numbers, for a table."""
    found: bool = False
    """Whether what it says is one of the study's main findings, for a summary."""


@dataclass(frozen=True)
class LeftOut:
    """A figure that cannot be drawn, and why."""

    name: str
    reason: str


def table(data: xr.Dataset) -> xr.Dataset:
    """Return the numbers of a section without the labels a table has no use for."""
    return data.drop_vars([name for name in data.coords if name not in _COLUMNS_OF_TABLES])
