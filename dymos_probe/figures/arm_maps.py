"""Attention of both models of a pair and their difference, side by side (Fig. 2b)."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from dymos_probe.errors import InputError
from dymos_probe.figures.cell_texts import write_cell_texts
from dymos_probe.figures.facts import facts, title
from dymos_probe.figures.frame_axes import (
    Frames,
    Values,
    cell_texts,
    checked_map,
    frame_axes,
    frames_of,
    mark_reference,
    reference_mean,
)
from dymos_probe.figures.labels import MINUS
from dymos_probe.figures.template import DIVERGING, INK, MUTED, SEQUENTIAL, TEMPLATE
from dymos_probe.store.schema import KEY_FRAME, QUERY_FRAME

_SIDE = 300
"""Of one map, pixels."""
_GAP = 44
_LARGEST_WRITTEN = 7
"""Frames up to which the values are written into the cells; hover shows them beyond."""


def arm_maps(t2v: xr.DataArray, i2v: xr.DataArray) -> go.Figure:
    """Return A of T2V, A of I2V and ΔA = A of I2V − A of T2V as three maps in a row.

    The first two share one scale of colours from zero, the third has its own, centred on zero. The
    reference frame's column is outlined, its mean over later query frames written above.

    Parameters
    ----------
    t2v, i2v
        A (query_frame, key_frame), attention mass, of the same frames, such as two conditions of
        ``ds.probe.maps()``.

    Raises
    ------
    InputError
        When one has other dims, holds NaN or less than zero, or they are not of the same frames.
    """
    maps = [checked_map(da, f"the map of {arm}") for arm, da in (("T2V", t2v), ("I2V", i2v))]
    queries, keys = (frames_of(maps[0], dim) for dim in (QUERY_FRAME, KEY_FRAME))
    for arm, da in zip(("T2V", "I2V"), maps, strict=True):
        if float(da.min()) < 0.0:
            raise InputError(f"the map of {arm} holds {float(da.min()):g}; attention masses are not negative")
        if not (np.array_equal(frames_of(da, QUERY_FRAME), queries) and np.array_equal(frames_of(da, KEY_FRAME), keys)):
            sizes = " and ".join("×".join(map(str, each.shape)) for each in maps)
            raise InputError(f"the maps of T2V and I2V must be of the same frames, got {sizes}")
    first, second = (np.asarray(da.values, dtype=np.float64) for da in maps)
    panels = (("T2V", first), ("I2V", second), ("ΔA = I2V − T2V", second - first))
    width, height = 3 * _SIDE + 2 * _GAP + 108, _SIDE + 270
    figure = make_subplots(rows=1, cols=3, horizontal_spacing=_GAP / (width - 108))
    figure.update_layout(
        template=TEMPLATE,
        title=title("Attention between latent frames, by model", facts(maps[1])),
        width=width,
        height=height,
        margin={"l": 76, "r": 32, "t": 132, "b": 138},
        coloraxis=_scale(max(float(first.max()), float(second.max())), figure, 1, 2),
        coloraxis2=_scale(float(np.abs(panels[2][1]).max()), figure, 3, 3, centred=True),
    )
    for column, (name, values) in enumerate(panels, start=1):
        _panel(figure, column, name, values, queries, keys)
    write_cell_texts(figure, 11)
    return figure


def _panel(figure: go.Figure, column: int, name: str, values: Values, queries: Frames, keys: Frames) -> None:
    differs = column == 3
    axes = "" if column == 1 else str(column)
    written = len(keys) <= _LARGEST_WRITTEN
    sign = "+" if differs else ""
    figure.add_trace(
        go.Heatmap(
            z=values,
            x=keys,
            y=queries,
            name=name,
            coloraxis="coloraxis2" if differs else "coloraxis",
            xgap=1,
            ygap=1,
            text=cell_texts(values, signed=differs) if written else None,
            hovertemplate=f"{name}<br>query frame %{{y}} → key frame %{{x}}<br><b>%{{z:{sign}.4f}}</b> attention mass"
            "<extra></extra>",
        ),
        row=1,
        col=column,
    )
    across, down = frame_axes(queries, keys, x=f"x{axes}")
    if column > 1:
        down |= {"title": {"text": ""}}
    figure.update_xaxes(across, row=1, col=column)
    figure.update_yaxes(down, row=1, col=column)
    mark_reference(figure, queries, keys, axes=axes)
    mean = reference_mean(values, queries, keys)
    below = "" if mean is None else f"reference frame: mean {mean:{sign}.3f}".replace("-", MINUS)
    figure.add_annotation(
        x=0.0,
        xref=f"x{axes} domain",
        y=1.0,
        yref=f"y{axes} domain",
        text=f"<b>{name}</b><br><span style='font-size:13px;color:{MUTED}'>{below}</span>",
        align="left",
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        yshift=6,
        font={"size": 15, "color": INK},
    )


def _scale(limit: float, figure: go.Figure, first: int, last: int, *, centred: bool = False) -> dict[str, Any]:
    """Return a colour axis with its bar below the maps from column ``first`` to column ``last``."""
    # A map of zeros still needs a range, or plotly chooses one.
    limit = limit or 1.0
    left = next(figure.select_xaxes(row=1, col=first)).domain[0]
    right = next(figure.select_xaxes(row=1, col=last)).domain[1]
    return {
        "cmin": -limit if centred else 0.0,
        "cmax": limit,
        "colorscale": [list(stop) for stop in DIVERGING] if centred else SEQUENTIAL,
        "colorbar": {
            "orientation": "h",
            "x": (left + right) / 2,
            "xanchor": "center",
            "y": -0.2,
            "yanchor": "top",
            "len": right - left,
            "thickness": 12,
            "outlinewidth": 0,
            "nticks": 6,
            "tickfont": {"size": 12, "color": MUTED},
            "title": {
                "text": f"attention mass{', I2V − T2V' if centred else ''}",
                "side": "top",
                "font": {"size": 13},
            },
        },
    }
