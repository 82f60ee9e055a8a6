"""Texts in the cells of heat maps, each black or white as its cell needs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

Values = npt.NDArray[np.float64]

_BLACK, _WHITE = "#000000", "#ffffff"
_MIDDLE = (1.05 * 0.05) ** 0.5 - 0.05
"""Luminance that contrasts with black as with white: 4.58 to 1."""


def write_cell_texts(figure: go.Figure, size: float) -> None:
    """Write the ``text`` of every heat map of a figure into its cells.

    plotly would write them in one grey on all bright cells, too dim on those in the middle of a scale.

    Parameters
    ----------
    size
        Of the letters, pixels.
    """
    for index, trace in enumerate(figure.data):
        if not isinstance(trace, go.Heatmap) or trace.text is None:
            continue
        x, y = np.meshgrid(np.asarray(trace.x), np.asarray(trace.y))
        figure.add_scatter(
            x=x.ravel(),
            y=y.ravel(),
            xaxis=trace.xaxis,
            yaxis=trace.yaxis,
            text=[text for row in trace.text for text in row],
            mode="text",
            textfont={"size": size},
            meta=index,
            hoverinfo="skip",
            showlegend=False,
        )
    ink_cell_texts(figure)


def ink_cell_texts(figure: go.Figure) -> None:
    """Choose the colour of every text that :func:`write_cell_texts` wrote, for the scales as they are now."""
    for trace in figure.data:
        if isinstance(trace, go.Scatter) and trace.mode == "text" and trace.meta is not None:
            bright = _luminance(cell_colours(figure, figure.data[trace.meta])) > _MIDDLE
            trace.textfont.color = [_BLACK if each else _WHITE for each in bright]


def cell_colours(figure: go.Figure, heatmap: go.Heatmap) -> Values:
    """Return red, green and blue of every cell, 0 to 1 (cell, 3), row by row."""
    scale: Any = heatmap
    low, high = heatmap.zmin, heatmap.zmax
    if heatmap.coloraxis is not None:
        scale = figure.layout[heatmap.coloraxis]
        low, high = scale.cmin, scale.cmax
    places = (np.asarray(heatmap.z, dtype=np.float64).ravel() - low) / (high - low)
    stops = np.array([place for place, _ in scale.colorscale])
    parts = np.array([[int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5)] for _, colour in scale.colorscale])
    return np.stack([np.interp(places, stops, parts[:, part]) for part in range(3)], axis=-1)


def _luminance(colours: Values) -> Values:
    """Return the relative luminance of sRGB colours (…, 3), WCAG 2.2."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])
