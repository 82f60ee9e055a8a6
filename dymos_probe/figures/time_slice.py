"""One row or column of pixels of every video over time: motion as slanted lines, stillness as straight ones."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from PIL import Image

from dymos_probe.errors import InputError
from dymos_probe.figures.frame_strip import frame_numbers, named_rows, wrapped_title
from dymos_probe.figures.picture import Pixels, checked_frames, clear_between, embed, picture_axis
from dymos_probe.figures.template import MUTED, TEMPLATE

_ACROSS = 6
"""Slices beside each other, at most; more go to a further line."""
_SIDE = 168
"""Of a slice, along the image and along time, at most, as shown."""
_NAME = 22
"""Height of the line of names above slices, as shown."""
_APART = 28
"""Between slices side by side, as shown: room for the numbers of the last and the first frame."""
_SHARPNESS = 2
"""Pixels embedded for each one shown."""


def time_slice(
    frames: xr.DataArray, *, row: int | None = None, column: int | None = None, title: str | None = None
) -> go.Figure:
    """Return, condition by condition, one row or one column of pixels over all frames of a video.

    Of a row, x runs to the right and time down (an x-t slice); of a column, y runs down and time to the
    right. A thing that moves along the row draws a slanted line, one that stands a straight one.
    Conditions are named and ordered as in :func:`dymos_probe.figures.frame_strip.frame_strip`.

    Parameters
    ----------
    frames
        Video frames, uint8 (condition, time, y, x, rgb); the coordinate ``time`` numbers them, ``y`` and ``x``
        the pixels where only some of them are there.
    row, column
        Place of the pixels in ``frames``, from the top or the left; give one of the two.
    title
        What stands above; the coordinate ``prompt`` by default.

    Raises
    ------
    InputError
        When it is not uint8, has other dims or an empty one, not one of row and column is given, or it
        lies outside the image.
    """
    frames = checked_frames(frames, "time slice")
    if (row is None) == (column is None):
        raise InputError(f"a time slice is of one row or one column, got row {row} and column {column}; give one")
    dim, at = ("y", row) if row is not None else ("x", column)
    if not isinstance(at, (int, np.integer)) or isinstance(at, bool) or not 0 <= at < frames.sizes[dim]:
        name = "row" if dim == "y" else "column"
        raise InputError(f"{name} {at} is not in the image; choose from 0 to {frames.sizes[dim] - 1}")
    order, names = named_rows(frames)
    # (condition, time, place, rgb): time down for a row; to the right for a column.
    slices = np.asarray(frames.isel(condition=order).isel({dim: int(at)}).values)
    if column is not None:
        slices = slices.swapaxes(1, 2)
    tiles = _shown(slices)
    picture, places = _laid_out(tiles)
    numbers = [int(number) for number in frame_numbers(frames)[[0, -1]]]
    text = title if title is not None else str(frames["prompt"].item()) if "prompt" in frames.coords else ""
    label = frames[dim].values[at] if dim in frames.coords else at
    which = f"{'row' if dim == 'y' else 'column'} {label}"
    return _figure(
        picture, places, tiles.shape[1:3], names=names, title=text, which=which, numbers=numbers, down=dim == "y"
    )


def _shown(slices: Pixels) -> Pixels:
    """Return slices in the size they are embedded in: both sides by whole factors, or made smaller."""
    _, height, width, _ = slices.shape
    sides = []
    for length in (height, width):
        sides.append(
            length * max(1, _SIDE * _SHARPNESS // length) if length <= _SIDE * _SHARPNESS else _SIDE * _SHARPNESS
        )
    if sides[0] % height == 0 and sides[1] % width == 0:
        return slices.repeat(sides[0] // height, axis=1).repeat(sides[1] // width, axis=2)
    filters = Image.Resampling.BOX
    return np.stack([np.asarray(Image.fromarray(each).resize((sides[1], sides[0]), filters)) for each in slices])


def _laid_out(tiles: Pixels) -> tuple[Pixels, list[tuple[float, float]]]:
    """Return one picture of all slices, and the place of each as shown: left and top."""
    count, height, width, _ = tiles.shape
    gap, name = _APART * _SHARPNESS, _NAME * _SHARPNESS
    lines = -(-count // _ACROSS)
    across = -(-count // lines)
    picture = np.full((lines * (height + name), across * (width + gap) - gap, 3), 255, dtype=np.uint8)
    places = []
    for index, tile in enumerate(tiles):
        top, left = (index // across) * (height + name) + name, (index % across) * (width + gap)
        picture[top : top + height, left : left + width] = tile
        places.append((left / _SHARPNESS, top / _SHARPNESS))
    return picture, places


def _figure(
    picture: Pixels,
    places: list[tuple[float, float]],
    tile: tuple[int, ...],
    *,
    names: list[str],
    title: str,
    which: str,
    numbers: list[int],
    down: bool,
) -> go.Figure:
    height, width = picture.shape[0] / _SHARPNESS, picture.shape[1] / _SHARPNESS
    high, wide = tile[0] / _SHARPNESS, tile[1] / _SHARPNESS
    figure = go.Figure(layout={"template": TEMPLATE})
    embed(figure, picture, width=width, height=height, lossless=True)
    clear_between(figure, places, (high, wide), width=width, height=height)
    for name, (left, top) in zip(names, places, strict=True):
        figure.add_annotation(
            x=left,
            y=top,
            text=escape(name.removeprefix("I2V, ") if len(name) * 7.0 > wide else name, quote=False),
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            xshift=-1,
            font={"size": 13},
        )
    left, right, bottom = 84, 24, 52
    text, lines = wrapped_title(title, width + left)
    above = 84 + 22 * lines
    below = f"<span style='font-size:13px;color:{MUTED}'>{_HOW[down]}</span>"
    firsts = sorted({top for _, top in places}) if down else sorted({left for left, _ in places})
    length = high if down else wide
    along: dict[str, Any] = {
        "tickvals": [first + end * length for first in firsts for end in (0, 1)],
        "ticktext": [str(number) for _ in firsts for number in numbers],
        "tickangle": 0,
        "title": {"text": "video frame"},
    }
    across: dict[str, Any] = {
        "tickvals": [],
        "title": {"text": f"{which}, {'left to right' if down else 'top to bottom'}"},
    }
    small = {"font": {"size": 13, "color": MUTED}, "standoff": 10}
    for axis in (along, across):
        axis["title"] |= small
    figure.update_layout(
        title={"text": f"{text}<br>{below}" if text else below, "y": 1.0, "yanchor": "top", "pad": {"t": 20, "l": 24}},
        width=round(left + width + right),
        height=round(above + height + bottom),
        margin={"l": left, "r": right, "t": above, "b": bottom, "pad": 0},
        xaxis=picture_axis(range=[0, width], **(across if down else along)),
        yaxis=picture_axis(range=[height, 0], ticklabelstandoff=6, **(along if down else across)),
    )
    return figure


_HOW = {
    True: "one row of pixels over time: what moves is slanted, what stands still is upright",
    False: "one column of pixels over time: what moves is slanted, what stands still is level",
}
