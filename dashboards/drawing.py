"""Figures on a page: at their own size, in words for who cannot see them, with cells that can be clicked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dymos_probe.figures import on_dark


def draw(figure: go.Figure, key: str, alt: str, *, on_click: Callable[[], None] | None = None) -> None:
    """Show a figure, in the colours of the page; on a narrow screen it scrolls rather than shrinks.

    Parameters
    ----------
    figure
        Of the library.
    key
        Of the element, unlike any other on the page.
    alt
        What it shows, in words.
    on_click
        Is called before the page runs again because a point was clicked; the points are in the session state under
        ``key``.
    """
    chosen: dict[str, Any] = {"on_select": on_click, "selection_mode": "points"} if on_click else {}
    with st.grid(1, wrap=False, min_column_width=figure.layout.width):
        st.plotly_chart(
            on_dark(figure) if st.context.theme.type == "dark" else figure,
            width=figure.layout.width,
            theme=None,
            key=key,
            config={"displayModeBar": False},
            alt=alt,
            **chosen,
        )


def with_clickable_cells(figure: go.Figure) -> go.Figure:
    """Return a heat map whose cells can be clicked: plotly tells of clicks on points only, so each gets one."""
    cells = figure.data[0]
    side = (figure.layout.width - figure.layout.margin.l - figure.layout.margin.r) / len(cells.x)
    x, y = np.meshgrid(cells.x, cells.y)
    values = np.asarray(cells.z, dtype=np.float64)
    texts = [
        f"{text}<br><b>{value:.4g}</b>"
        for text, value in zip(np.asarray(cells.hovertext, dtype=object).ravel(), values.ravel(), strict=True)
    ]
    return go.Figure(figure).add_scatter(
        x=x.ravel(),
        y=y.ravel(),
        mode="markers",
        marker={"symbol": "square", "size": side, "color": "rgba(0,0,0,0)"},
        customdata=np.asarray(cells.customdata).reshape(-1, 2).tolist(),
        hovertext=texts,
        hoverinfo="text",
        showlegend=False,
    )
