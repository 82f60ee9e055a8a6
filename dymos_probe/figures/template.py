"""The one look of every figure: light, quiet, safe for colour-blind readers."""

from __future__ import annotations

from typing import Final

import plotly.graph_objects as go

INK: Final = "#1f2933"
"""Text and outlines."""
MUTED: Final = "#616e7c"
"""Secondary text and ticks."""
RULE: Final = "#d9dee4"
"""Grid lines."""

PALETTE: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000")
"""Okabe and Ito's qualitative colours, told apart with any common colour vision."""

DIVERGING: Final = (
    (0.0, "#053061"),
    (0.125, "#2166ac"),
    (0.25, "#4393c3"),
    (0.375, "#92c5de"),
    (0.5, "#f7f7f7"),
    (0.625, "#f4a582"),
    (0.75, "#d6604d"),
    (0.875, "#b2182b"),
    (1.0, "#67001f"),
)
"""Brewer's RdBu, blue below zero and red above it, told apart by red-green blind readers."""

SEQUENTIAL: Final = "Cividis"
"""For quantities that start at zero; made for colour-blind readers."""

FONT_FAMILY: Final = "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"

_AXIS: Final = {
    "showline": False,
    "gridcolor": RULE,
    "zeroline": False,
    "ticks": "",
    "tickfont": {"size": 13, "color": MUTED},
    "title": {"font": {"size": 14, "color": INK}, "standoff": 12},
}

TEMPLATE: Final = go.layout.Template(
    layout={
        "font": {"family": FONT_FAMILY, "size": 13, "color": INK},
        "title": {
            "font": {"size": 17, "color": INK},
            "x": 0.0,
            "xref": "container",
            "xanchor": "left",
            "pad": {"l": 24},
        },
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": list(PALETTE),
        "colorscale": {"diverging": [list(stop) for stop in DIVERGING]},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {"bgcolor": "white", "bordercolor": RULE, "font": {"family": FONT_FAMILY, "color": INK}},
        "margin": {"l": 72, "r": 24, "t": 88, "b": 64},
    }
)
"""Give it to ``fig.update_layout(template=TEMPLATE)``; nothing is registered globally."""
