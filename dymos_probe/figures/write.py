"""Figures as files: HTML that needs no network, PNG where a browser can draw it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import plotly.graph_objects as go
import plotly.io

from dymos_probe.errors import EnvironmentLacksError


def write_html(fig: go.Figure, path: str | Path) -> None:
    """Write ``fig`` as one HTML page that holds plotly.js and opens without a network."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    fig.write_html(path, include_plotlyjs=True, full_html=True, config={"displaylogo": False, "responsive": True})


def write_png(fig: go.Figure, path: str | Path, *, scale: float = 2.0) -> None:
    """Write ``fig`` as PNG, ``scale`` pixels for each of its own.

    Raises
    ------
    EnvironmentLacksError
        When kaleido or the Chrome or Chromium it draws with is not there.
    """
    write_pngs({Path(path): fig}, scale=scale)


def write_pngs(figures: Mapping[Path, go.Figure], *, scale: float = 2.0) -> None:
    """Write several figures as PNG, by file, with one start of the browser.

    Raises
    ------
    EnvironmentLacksError
        When kaleido or the Chrome or Chromium it draws with is not there; nothing is written then.
    """
    if importlib.util.find_spec("kaleido") is None:
        raise EnvironmentLacksError("a PNG needs kaleido: `pip install kaleido`; HTML needs nothing")

    for path in figures:
        path.parent.mkdir(parents=True, exist_ok=True)
    figs = list(figures.values())
    try:
        plotly.io.write_images(
            figs,
            list(figures),
            format="png",
            scale=scale,
            # Of several, plotly does not look at the sizes they were laid out for.
            width=[fig.layout.width for fig in figs],
            height=[fig.layout.height for fig in figs],
        )
    except RuntimeError as error:
        # plotly has no class for a missing browser: it says so in the text of a RuntimeError.
        if "Chrome" not in str(error):
            raise
        raise EnvironmentLacksError(
            "a PNG needs Chrome or Chromium, which kaleido does not find: install one or run `plotly_get_chrome`; "
            "HTML needs nothing"
        ) from error
