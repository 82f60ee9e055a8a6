"""Figures as files: HTML that needs no network, PNG where a browser can draw it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import plotly.graph_objects as go

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
    if importlib.util.find_spec("kaleido") is None:
        raise EnvironmentLacksError("a PNG needs kaleido: `pip install kaleido`; HTML needs nothing")

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    try:
        fig.write_image(path, format="png", scale=scale)
    except RuntimeError as error:
        # plotly has no class for a missing browser: it says so in the text of a RuntimeError.
        if "Chrome" not in str(error):
            raise
        raise EnvironmentLacksError(
            "a PNG needs Chrome or Chromium, which kaleido does not find: install one or run `plotly_get_chrome`; "
            "HTML needs nothing"
        ) from error
