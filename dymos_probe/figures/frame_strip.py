"""Videos side by side: a row for each condition, time from left to right (Fig. 6)."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr
from PIL import Image

from dymos_probe.errors import InputError
from dymos_probe.figures.labels import condition_name
from dymos_probe.figures.template import INK, MUTED, TEMPLATE

Pixels = npt.NDArray[np.uint8]

_DIMS = ("condition", "time", "y", "x", "rgb")
_SIDE = 150
"""Longest side of a frame as it is shown, at most."""
_SHARPNESS = 2
"""Pixels embedded for each one shown of a video that is made smaller, for screens of high density."""
_GAP = 4
"""Between frames, as shown."""
_LONGEST_TITLE = 2
"""Lines."""


def frame_strip(
    frames: xr.DataArray, *, labels: Sequence[str] | None = None, title: str | None = None, columns: int = 7
) -> go.Figure:
    """Return evenly spaced frames of one sample's videos, one row a condition, as one embedded image.

    With coordinates ``arm`` and ``lam`` on ``condition``, T2V comes first and then I2V by rising λ,
    methods without λ last, and rows are named by them; otherwise rows stay as given. Small videos are
    enlarged by a whole factor without smoothing; large ones are averaged down.

    Parameters
    ----------
    frames
        Video frames, uint8 (condition, time, y, x, rgb); the coordinate ``time``, where there is
        one, numbers the columns.
    labels
        Names of the rows, in the order of ``frames``.
    title
        What stands above; the coordinate ``prompt`` by default.
    columns
        Frames in a row, at most.

    Raises
    ------
    InputError
        When it is not uint8, has other dims or an empty one, or there is not one label for each row.
    """
    if set(frames.dims) != set(_DIMS) or 0 in frames.shape:
        sizes = ", ".join(f"{dim}: {size}" for dim, size in frames.sizes.items()) or "none"
        raise InputError(f"a frame strip needs frames over {', '.join(_DIMS)}, none of them empty, got {sizes}")
    if frames.dtype != np.uint8 or frames.sizes["rgb"] != 3:
        raise InputError(f"a frame strip needs uint8 and 3 of rgb, got {frames.dtype} and {frames.sizes['rgb']}")
    if columns < 1:
        raise InputError(f"columns {columns} must be at least 1")
    frames = frames.transpose(*_DIMS)
    if labels is not None and len(labels) != frames.sizes["condition"]:
        raise InputError(f"{len(labels)} labels are given for {frames.sizes['condition']} conditions; give one each")
    order = _order(frames)
    names = _names(frames) if labels is None else list(labels)
    count = min(columns, frames.sizes["time"])
    shown = np.linspace(0, frames.sizes["time"] - 1, count).round().astype(int)
    numbers = (frames["time"].values if "time" in frames.coords else np.arange(frames.sizes["time"]))[shown]
    pixels = np.asarray(frames.isel(condition=order, time=shown).values)
    picture, scale = _composed(pixels)
    return _figure(
        picture,
        scale,
        rows=[names[i] for i in order],
        columns=[str(n) for n in numbers.tolist()],
        title=title if title is not None else str(frames["prompt"].item()) if "prompt" in frames.coords else "",
        exact=scale <= 1.0,
    )


def _order(frames: xr.DataArray) -> list[int]:
    places = list(range(frames.sizes["condition"]))
    if not {"arm", "lam"} <= set(frames.coords):
        return places
    arms, lams = frames["arm"].values, frames["lam"].values
    return sorted(places, key=lambda i: (str(arms[i]) != "t2v", bool(np.isnan(lams[i])), float(lams[i])))


def _names(frames: xr.DataArray) -> list[str]:
    if {"arm", "lam"} <= set(frames.coords):
        pairs = zip(frames["arm"].values, frames["lam"].values, strict=True)
        return [condition_name(str(arm), float(lam)) for arm, lam in pairs]
    if "condition" in frames.coords:
        return [str(label) for label in frames["condition"].values]
    return [f"video {i}" for i in range(frames.sizes["condition"])]


def _composed(pixels: Pixels) -> tuple[Pixels, float]:
    """Return all frames in one picture, white between them, and its pixels for each one shown."""
    rows, columns, height, width, _ = pixels.shape
    longest = max(height, width)
    if longest <= _SIDE:
        factor = _SIDE // longest
        tiles, scale = pixels.repeat(factor, axis=2).repeat(factor, axis=3), 1.0
    else:
        factor = max(1, longest // (_SHARPNESS * _SIDE))
        smaller = [[np.asarray(Image.fromarray(tile).reduce(factor)) for tile in row] for row in pixels]
        tiles = np.array(smaller)
        scale = max(tiles.shape[2:4]) / _SIDE
    gap = round(_GAP * scale)
    high, wide = tiles.shape[2] + gap, tiles.shape[3] + gap
    picture = np.full((rows * high - gap, columns * wide - gap, 3), 255, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * high, column * wide
            picture[top : top + tiles.shape[2], left : left + tiles.shape[3]] = tiles[row, column]
    return picture, scale


def _figure(
    picture: Pixels, scale: float, *, rows: list[str], columns: list[str], title: str, exact: bool
) -> go.Figure:
    height, width = picture.shape[0] / scale, picture.shape[1] / scale
    left, right, bottom = 28 + 8 * max(map(len, rows)), 24, 24
    lines = textwrap.wrap(title, max(int((width + left) / 9), 24), max_lines=_LONGEST_TITLE, placeholder=" …")
    top = 82 + 22 * len(lines)
    figure = go.Figure(layout={"template": TEMPLATE})
    figure.add_layout_image(
        source=_data_uri(picture, lossless=exact),
        x=0,
        y=0,
        xref="x",
        yref="y",
        sizex=width,
        sizey=height,
        sizing="stretch",
        layer="above",
    )
    ticks = {"tickmode": "array", "showgrid": False, "fixedrange": True, "ticks": ""}
    figure.update_layout(
        title={
            "text": "<br>".join(escape(line, quote=False) for line in lines),
            "y": 1.0,
            "yanchor": "top",
            "pad": {"t": 20, "l": 24},
        },
        width=round(left + width + right),
        height=round(top + height + bottom),
        margin={"l": left, "r": right, "t": top, "b": bottom, "pad": 0},
        xaxis={
            "range": [0, width],
            "side": "top",
            "title": {"text": "video frame", "font": {"size": 13, "color": MUTED}, "standoff": 6},
            "tickvals": _middles(len(columns), width),
            "ticktext": columns,
        }
        | ticks,
        yaxis={
            "range": [height, 0],
            "tickvals": _middles(len(rows), height),
            "ticktext": [escape(row, quote=False) for row in rows],
            "tickfont": {"size": 14, "color": INK},
            "ticklabelstandoff": 8,
        }
        | ticks,
    )
    return figure


def _middles(count: int, length: float) -> list[float]:
    side = (length - _GAP * (count - 1)) / count
    return [i * (side + _GAP) + side / 2 for i in range(count)]


def _data_uri(picture: Pixels, *, lossless: bool) -> str:
    """Return the picture as a data URI: PNG to the pixel, or JPEG for photographs made smaller anyway."""
    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if lossless:
        image.save(buffer, format="png", optimize=True)
    else:
        image.save(buffer, format="jpeg", quality=92, subsampling=0)
    return f"data:image/{'png' if lossless else 'jpeg'};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
