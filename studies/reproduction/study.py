"""The one shape of a study: a configuration, what it measures, what it draws, what its page says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import xarray as xr

from studies.reproduction.results import Results
from studies.reproduction.setting import Setting
from studies.reproduction.sweep import Sweep
from studies.reproduction.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What every study is configured by; each adds its own fields."""

    pair: str
    """Preset of the two models."""
    prompts: str
    """What the prompts are, in words."""
    seeds: tuple[int, ...]
    """Of the initial noise."""
    early: float = 0.1
    """Fraction of the steps over which attention is averaged (Appendix B)."""

    @property
    def needs(self) -> Mapping[str, tuple[Sweep, ...]]:
        """Conditions beside both untouched arms, by pair."""
        return {self.pair: ()}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The runs of one pair."""

    path: Path
    """Folder of the study."""
    ds: xr.Dataset
    """It, opened."""


Runs = Mapping[str, Recorded]
"""The runs of each pair a study needs, by pair."""


Found = Mapping[str, Any]
"""The numbers of a study, as `Results` holds them."""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """One study of the paper's figures and tables."""

    name: str
    """Of its folder."""
    title: str
    """What it is about, in a line."""
    paper: str
    """Where in the paper."""
    configuration: Callable[[Setting], Configuration]
    """Returns the configuration."""
    measure: Callable[[Runs, Any], dict[str, Any]]
    """Returns every number of the page, as JSON values, from the runs and the configuration."""
    draw: Callable[[Runs, Any, Found], dict[str, go.Figure]]
    """Returns the pictures of the page from runs, configuration and numbers, by file name without its ending."""
    verdicts: Callable[[Results], list[Verdict]]
    """Returns what the paper says and whether these numbers say it too."""
    body: Callable[[Results], list[str]]
    """Returns the page's own parts, Markdown, in order: tables, pictures, what to read them with."""
    records: bool = True
    """Whether it stands on recorded runs."""
