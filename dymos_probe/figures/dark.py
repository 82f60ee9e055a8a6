"""Any figure of the library on dark paper: the same data, drawn in other colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go

from dymos_probe.figures.cell_texts import ink_cell_texts
from dymos_probe.figures.template import DARK, DARK_TEMPLATE, LIGHT

_COLOURS: Final = {
    LIGHT.paper: DARK.paper,
    LIGHT.ink: DARK.ink,
    LIGHT.muted: DARK.muted,
    LIGHT.rule: DARK.rule,
    **dict(zip(LIGHT.palette, DARK.palette, strict=True)),
}
_IN_TEXT = re.compile(r"(?<=color:)#[0-9a-f]{6}")
_TEXTS = ("text", "ticktext")
_LEAST_SHADE = 0.45
"""Share of the colour in the palest shade on dark paper, so that it can be seen; the rest is paper."""


def on_dark(figure: go.Figure) -> go.Figure:
    """Return a figure of this package as it is drawn on dark paper.

    Every colour of the light template becomes its counterpart of the dark one, also in texts and scales; a shade, a
    colour of the palette mixed with white, becomes that colour mixed with the dark paper. Other colours stay.

    Parameters
    ----------
    figure
        Drawn with the light template; it is not changed.
    """
    layout = figure.layout.to_plotly_json()
    layout.pop("template", None)
    # Of the figure as a whole plotly would pack the arrays, for a browser alone.
    data = [_dark(trace.to_plotly_json()) for trace in figure.data]
    dark = go.Figure(data, _dark(layout)).update_layout(template=DARK_TEMPLATE)
    ink_cell_texts(dark)
    return dark


def _dark(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _dark(item, name) for name, item in value.items()}
    if key == "colorscale":
        is_diverging = [tuple(stop) for stop in value] == list(LIGHT.diverging)
        return [list(stop) for stop in DARK.diverging] if is_diverging else value
    if isinstance(value, (list, tuple)):
        return [_dark(item, key) for item in value]
    if isinstance(value, str):
        if key.endswith("color"):
            return _colour(value)
        if key in _TEXTS:
            return _IN_TEXT.sub(lambda found: _colour(found.group()), value)
    return value


def _colour(colour: str) -> str:
    if colour in _COLOURS:
        return _COLOURS[colour]
    if not re.fullmatch(r"#[0-9a-f]{6}", colour):
        return colour
    for light, dark in zip(LIGHT.palette, DARK.palette, strict=True):
        share = _share(colour, light)
        if share is not None:
            return _mixed(DARK.paper, dark, _LEAST_SHADE + (1.0 - _LEAST_SHADE) * share)
    return colour


def _share(colour: str, full: str) -> float | None:
    """Return how much of ``full`` is in a colour mixed of it and white; None where it is no such mixture."""
    missing, whole = ([255 - part for part in _parts(each)] for each in (colour, full))
    share = sum(m * w for m, w in zip(missing, whole, strict=True)) / sum(w * w for w in whole)
    # Each part was rounded.
    near = all(abs(m - share * w) <= 1.0 for m, w in zip(missing, whole, strict=True))
    return share if near and 0.0 < share < 1.0 else None


def _mixed(start: str, end: str, share: float) -> str:
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(_parts(start), _parts(end), strict=True))


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
