"""The look of every figure, on light and on dark paper: quiet, safe for colour-blind readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True)
class Colours:
    """What a figure is drawn with."""

    paper: str
    ink: str
    """Text and outlines."""
    muted: str
    """Secondary text and ticks."""
    rule: str
    """Grid lines."""
    palette: tuple[str, ...]
    """Of lines and points."""
    diverging: tuple[tuple[float, str], ...]
    """Of values on both sides of zero, blue below and red above; zero is near the paper."""


LIGHT: Final = Colours(
    paper="white",
    ink="#1f2933",
    muted="#616e7c",
    rule="#d9dee4",
    # Okabe and Ito's qualitative colours, told apart with any common colour vision.
    palette=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000"),
    # Brewer's RdBu, told apart by red-green blind readers.
    diverging=(
        (0.0, "#053061"),
        (0.125, "#2166ac"),
        (0.25, "#4393c3"),
        (0.375, "#92c5de"),
        (0.5, "#f7f7f7"),
        (0.625, "#f4a582"),
        (0.75, "#d6604d"),
        (0.875, "#b2182b"),
        (1.0, "#67001f"),
    ),
)
"""What figures are drawn in; files and reports keep it."""

DARK: Final = Colours(
    # That of a browser page in Streamlit's dark theme.
    paper="#171614",
    ink="#ecebe8",
    muted="#aeaca6",
    rule="#3f3d39",
    # The same hues, lighter, no nearer to each other in any common colour vision than the nearest of the others.
    palette=("#3f7ae4", "#e0602a", "#2fe6a0", "#e393bc", "#edc139", "#52c0e0", "#7e7e7e", "#ffffff"),
    # Turned round: zero is dark, what is far from it bright.
    diverging=(
        (0.0, "#b5deff"),
        (0.125, "#7cbef7"),
        (0.25, "#3f94dd"),
        (0.375, "#22608f"),
        (0.5, "#2a2a2b"),
        (0.625, "#8f3d2c"),
        (0.75, "#d4603f"),
        (0.875, "#f5916f"),
        (1.0, "#ffcbb0"),
    ),
)
"""What :func:`dymos_probe.figures.dark.on_dark` draws them in anew."""

INK: Final = LIGHT.ink
MUTED: Final = LIGHT.muted
RULE: Final = LIGHT.rule
PALETTE: Final = LIGHT.palette
DIVERGING: Final = LIGHT.diverging

SEQUENTIAL: Final = "Cividis"
"""For quantities that start at zero; made for colour-blind readers."""

FONT_FAMILY: Final = "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"


def _template(colours: Colours) -> go.layout.Template:
    axis: dict[str, Any] = {
        "showline": False,
        "gridcolor": colours.rule,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"size": 13, "color": colours.muted},
        "title": {"font": {"size": 14, "color": colours.ink}, "standoff": 12},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT_FAMILY, "size": 13, "color": colours.ink},
            "title": {
                "font": {"size": 17, "color": colours.ink},
                "x": 0.0,
                "xref": "container",
                "xanchor": "left",
                "pad": {"l": 24},
            },
            "paper_bgcolor": colours.paper,
            "plot_bgcolor": colours.paper,
            "colorway": list(colours.palette),
            "colorscale": {"diverging": [list(stop) for stop in colours.diverging]},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": colours.paper,
                "bordercolor": colours.rule,
                "font": {"family": FONT_FAMILY, "color": colours.ink},
            },
            "margin": {"l": 72, "r": 24, "t": 88, "b": 64},
        }
    )


TEMPLATE: Final = _template(LIGHT)
"""Give it to ``fig.update_layout(template=TEMPLATE)``; nothing is registered globally."""

DARK_TEMPLATE: Final = _template(DARK)
"""The same on dark paper."""
