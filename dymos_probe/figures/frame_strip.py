"""Videos side by side: a row for each condition, time from left to right (Fig. 6)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.condition_styles import names_of
from dymos_probe.figures.picture import (
    GAP,
    Pixels,
    checked_frames,
    clear_between,
    composed,
    embed,
    middles,
    picture_axis,
)
from dymos_probe.figures.template import INK, MUTED, TEMPLATE

_LONGEST_TITLE = 2
"""Lines."""


def frame_strip(
    frames: xr.DataArray, *, labels: Sequence[str] | None = None, title: str | None = None, columns: int = 7
) -> go.Figure:
    """Return evenly spaced frames of one sample's videos, one row a condition, as one embedded image.

    With the coordinates of a study's conditions, or ``arm`` and ``lam`` of them, T2V comes first and then
    I2V by rising λ, controls and methods without λ last, and rows are named by them; otherwise rows stay
    as given. Small videos are enlarged by a whole factor without smoothing; large ones are averaged down.

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
    frames = checked_frames(frames, "frame strip")
    if columns < 1:
        raise InputError(f"columns {columns} must be at least 1")
    if labels is not None and len(labels) != frames.sizes["condition"]:
        raise InputError(f"{len(labels)} labels are given for {frames.sizes['condition']} conditions; give one each")
    order, names = named_rows(frames)
    if labels is not None:
        names = [labels[i] for i in order]
    count = min(columns, frames.sizes["time"])
    shown = np.linspace(0, frames.sizes["time"] - 1, count).round().astype(int)
    numbers = frame_numbers(frames)[shown]
    picture, scale = composed(np.asarray(frames.isel(condition=order, time=shown).values))
    return _figure(
        picture,
        scale,
        rows=names,
        columns=[str(n) for n in numbers.tolist()],
        title=title if title is not None else str(frames["prompt"].item()) if "prompt" in frames.coords else "",
    )


def named_rows(frames: xr.DataArray) -> tuple[list[int], list[str]]:
    """Return the places of the conditions in the order they are shown, and their names."""
    if "condition" not in frames.coords and not {"arm", "lam"} <= set(frames.coords):
        places = list(range(frames.sizes["condition"]))
        return places, [f"video {place}" for place in places]
    names = names_of(frames)
    labels = [str(label) for label in frames["condition"].values]
    return [labels.index(label) for label in names], list(names.values())


def frame_numbers(frames: xr.DataArray) -> np.ndarray:
    """Return which frames of the video they are."""
    return np.asarray(frames["time"].values if "time" in frames.coords else np.arange(frames.sizes["time"]))


def wrapped_title(title: str, width: float) -> tuple[str, int]:
    """Return a title of plain text broken to the width of a figure, and its lines; a long one is cut."""
    lines = textwrap.wrap(title, max(int(width / 9), 24), max_lines=_LONGEST_TITLE, placeholder=" …")
    return "<br>".join(escape(line, quote=False) for line in lines), len(lines)


def _figure(picture: Pixels, scale: float, *, rows: list[str], columns: list[str], title: str) -> go.Figure:
    height, width = picture.shape[0] / scale, picture.shape[1] / scale
    left, right, bottom = 28 + 8 * max(map(len, rows)), 24, 24
    text, lines = wrapped_title(title, width + left)
    top = 82 + 22 * lines
    figure = go.Figure(layout={"template": TEMPLATE})
    embed(figure, picture, width=width, height=height, lossless=scale <= 1.0)
    gap = round(GAP * scale) / scale
    high, wide = ((side - gap * (count - 1)) / count for side, count in ((height, len(rows)), (width, len(columns))))
    places = [(x * (wide + gap), y * (high + gap)) for y in range(len(rows)) for x in range(len(columns))]
    clear_between(figure, places, (high, wide), width=width, height=height)
    figure.update_layout(
        title={"text": text, "y": 1.0, "yanchor": "top", "pad": {"t": 20, "l": 24}},
        width=round(left + width + right),
        height=round(top + height + bottom),
        margin={"l": left, "r": right, "t": top, "b": bottom, "pad": 0},
        xaxis=picture_axis(
            range=[0, width],
            side="top",
            title={"text": "video frame", "font": {"size": 13, "color": MUTED}, "standoff": 6},
            tickvals=middles(len(columns), width),
            ticktext=columns,
        ),
        yaxis=picture_axis(
            range=[height, 0],
            tickvals=middles(len(rows), height),
            ticktext=[escape(row, quote=False) for row in rows],
            tickfont={"size": 14, "color": INK},
            ticklabelstandoff=8,
        ),
    )
    return figure
