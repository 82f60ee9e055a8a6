"""Any quantity of every head of every layer as a grid: which of them carry it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.cell_texts import write_cell_texts
from dymos_probe.figures.facts import facts, title
from dymos_probe.figures.labels import number
from dymos_probe.figures.template import DIVERGING, INK, MUTED, SEQUENTIAL, TEMPLATE
from dymos_probe.store.schema import HEAD, LAYER

Values = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LONGEST = 760
"""Of the grid, pixels."""
_LARGEST_CELL, _SMALLEST_CELL = 64, 12
_WRITTEN_FROM, _PARTED_FROM, _NUMBERED_FROM = 44, 24, 16
"""Pixels of a cell from which its value is written, every cluster is bordered, its rank is written."""
_NARROWEST = 760
"""A figure, pixels: what the words above it need."""
_TICKS = 24
"""At most, along one side."""


def head_grid(da: xr.DataArray, *, clusters: xr.DataArray | None = None, top: int = 0) -> go.Figure:
    """Return the heat map of one number a head, layers down and heads to the right.

    Colours are centred on zero where there are values on both sides of it, and start at zero
    otherwise. ``customdata`` of each cell is (layer, head), for those who let a reader choose one.

    Parameters
    ----------
    da
        Any quantity (layer, head); attrs ``long_name`` and ``units`` name it.
    clusters
        Cluster of every head, whole numbers from 1 (layer, head); cluster 1, which is meant to carry most,
        has a thick border, and where cells are large the others have a thin one.
    top
        How many of the heads with the largest values are marked with their rank.

    Raises
    ------
    InputError
        When it has other dims or an empty one, holds NaN, the clusters are of other heads, or ``top`` is
        below zero.
    """
    da = _checked(da, "a head grid")
    if not isinstance(top, int) or top < 0:
        raise InputError(f"top {top!r} must be a whole number from 0")
    values = np.asarray(da.values, dtype=np.float64)
    layers, heads = (_labels(da, dim) for dim in (LAYER, HEAD))
    groups = None if clusters is None else _groups(clusters, da)
    cell = int(np.clip(_LONGEST // max(values.shape), _SMALLEST_CELL, _LARGEST_CELL))
    figure = go.Figure(_heatmap(da, values, layers, heads, groups, cell), layout={"template": TEMPLATE})
    write_cell_texts(figure, 12)
    if groups is not None:
        _draw_borders(figure, groups, layers, heads, all_of_them=cell >= _PARTED_FROM)
    if top:
        _mark_top(figure, values, layers, heads, top, cell)
    width, height = cell * values.shape[1], cell * values.shape[0]
    name = str(da.attrs.get("long_name", da.name or "value"))
    said = facts(da)
    if top:
        said.append(f"{'numbered' if cell >= _NUMBERED_FROM else 'dotted'}: the {min(top, values.size)} largest")
    if groups is not None:
        said.append("thick line: cluster 1")
    figure.update_layout(
        title=title(name[:1].upper() + name[1:] + ", by layer and head", said),
        width=max(width + 240, _NARROWEST),
        height=max(height, 200) + 190,
        margin={"l": 84, "r": max(156, _NARROWEST - width - 84), "t": 104, "b": max(200 - height, 0) + 80},
        xaxis={"title": {"text": "head"}, "range": [heads[0] - 0.5, heads[-1] + 0.5]} | _axis(heads),
        yaxis={"title": {"text": "layer"}, "range": [layers[-1] + 0.5, layers[0] - 0.5]} | _axis(layers),
    )
    return figure


def _checked(da: xr.DataArray, what: str) -> xr.DataArray:
    if set(da.dims) != {LAYER, HEAD} or not da.size:
        sizes = ", ".join(f"{dim}: {size}" for dim, size in da.sizes.items()) or "none"
        raise InputError(f"{what} is drawn over {LAYER} and {HEAD}, none of them empty, got {sizes}")
    da = da.transpose(LAYER, HEAD).compute()
    if not np.isfinite(np.asarray(da.values, dtype=np.float64)).all():
        raise InputError(f"{what} cannot be drawn of NaN or infinity; draw it from complete runs")
    return da


def _groups(clusters: xr.DataArray, da: xr.DataArray) -> Integers:
    clusters = _checked(clusters, "a grid of clusters")
    if clusters.shape != da.shape or any(
        not np.array_equal(_labels(clusters, d), _labels(da, d)) for d in (LAYER, HEAD)
    ):
        raise InputError(f"the clusters are of {clusters.shape} layers and heads, the values of {da.shape}")
    values = np.asarray(clusters.values)
    if (values != values.astype(np.int64)).any() or values.min() < 1:
        raise InputError("clusters must be whole numbers from 1")
    return np.asarray(values, dtype=np.int64)


def _labels(da: xr.DataArray, dim: str) -> Integers:
    return np.asarray(da[dim].values, dtype=np.int64)


def _heatmap(
    da: xr.DataArray, values: Values, layers: Integers, heads: Integers, groups: Integers | None, cell: int
) -> go.Heatmap:
    both = values.min() < 0.0 < values.max()
    # A grid of zeros still needs a range, or plotly chooses one.
    limit = float(np.abs(values).max()) or 1.0
    low = -limit if both or values.min() < 0.0 else 0.0
    units = str(da.attrs.get("units", "1"))
    shown = "" if units == "1" else f" {units}"
    names = da["layer_name"].values if "layer_name" in da.coords else [""] * len(layers)
    hover = [
        [
            f"layer {layer}, head {head}"
            + (f"<br>{name}" if name else "")
            + ("" if groups is None else f"<br>cluster {groups[row, column]}")
            for column, head in enumerate(heads)
        ]
        for row, (layer, name) in enumerate(zip(layers, names, strict=True))
    ]
    return go.Heatmap(
        z=values,
        x=heads,
        y=layers,
        zmin=low,
        zmax=limit if both or low == 0.0 else 0.0,
        zmid=0.0 if both else None,
        colorscale=[list(stop) for stop in DIVERGING] if both else SEQUENTIAL + ("_r" if low else ""),
        xgap=1,
        ygap=1,
        customdata=np.stack(np.meshgrid(layers, heads, indexing="ij"), axis=-1),
        hovertext=hover,
        text=[[number(value, 2) for value in row] for row in values] if cell >= _WRITTEN_FROM else None,
        hovertemplate="%{hovertext}<br><b>%{z:.4g}</b>" + shown + "<extra></extra>",
        colorbar={
            "title": {"text": f"{'value' if units == '1' else units}<br> ", "side": "top", "font": {"size": 13}},
            "thickness": 14,
            "outlinewidth": 0,
            "tickfont": {"size": 12, "color": MUTED},
            "nticks": 7,
            "xref": "paper",
            "x": 1.02,
        },
    )


def _draw_borders(figure: go.Figure, groups: Integers, layers: Integers, heads: Integers, *, all_of_them: bool) -> None:
    """Draw a thick line all around cluster 1 and, with ``all_of_them``, thin ones between the others."""
    # A border of another cluster all around, so that the edge of the grid counts for cluster 1 too.
    padded = np.pad(groups, 1)
    thin: list[tuple[float | None, float | None]] = []
    thick: list[tuple[float | None, float | None]] = []
    rows, columns = groups.shape
    for row in range(rows + 1):
        for column in range(columns + 1):
            here, above, before = padded[row + 1, column + 1], padded[row, column + 1], padded[row + 1, column]
            top, left = layers[0] - 0.5 + row, heads[0] - 0.5 + column
            for other, end in ((above, (left + 1.0, top)), (before, (left, top + 1.0))):
                if here == other or (0 in (here, other) and 1 not in (here, other)):
                    continue
                (thick if 1 in (here, other) else thin).extend([(left, top), end, (None, None)])
    for lines, width in ((thin if all_of_them else [], 1.0), (thick, 2.5)):
        if lines:
            figure.add_scatter(
                x=[x for x, _ in lines],
                y=[y for _, y in lines],
                mode="lines",
                cliponaxis=False,
                line={"color": INK, "width": width},
                hoverinfo="skip",
                showlegend=False,
            )


def _mark_top(figure: go.Figure, values: Values, layers: Integers, heads: Integers, top: int, cell: int) -> None:
    best = np.argsort(-values, axis=None, kind="stable")[:top]
    row, column = np.unravel_index(best, values.shape)
    large = cell >= _WRITTEN_FROM
    corner = 0.5 - 11.0 / cell if large else 0.0
    figure.add_scatter(
        x=heads[column] - corner,
        y=layers[row] - corner,
        mode="markers+text" if cell >= _NUMBERED_FROM else "markers",
        text=[str(place) for place in range(1, len(best) + 1)],
        textfont={"size": 10, "color": INK},
        marker={
            "size": 15 if cell >= _NUMBERED_FROM else 8,
            "color": "white",
            "line": {"color": INK, "width": 1.2},
        },
        hoverinfo="skip",
        showlegend=False,
    )


def _axis(labels: Integers) -> dict[str, Any]:
    every = next(step for step in (1, 2, 4, 5, 8, 10, 20, 50, len(labels)) if len(labels) / step <= _TICKS)
    return {"showgrid": False, "tickmode": "array", "tickvals": labels[::every].tolist(), "ticklabelstandoff": 4}
