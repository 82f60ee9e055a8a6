"""Pixels of videos composed into one picture that a figure embeds."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr
from PIL import Image

from dymos_probe.errors import InputError
from dymos_probe.figures.template import LIGHT

Pixels = npt.NDArray[np.uint8]

VIDEO_DIMS = ("condition", "time", "y", "x", "rgb")
SIDE = 150
"""Longest side of a frame as it is shown, at most."""
GAP = 4
"""Between frames, as shown."""
_LEAST_GAP = 1e-6
"""Below it a gap is rounding."""
_OVERLAP = 0.75
"""Pixels of a tile that are covered too: a browser blends its edge with the white beside it."""
_SHARPNESS = 2
"""Pixels embedded for each one shown of a picture that is made smaller, for screens of high density."""


def checked_frames(frames: xr.DataArray, what: str) -> xr.DataArray:
    """Return the frames of videos over (condition, time, y, x, rgb).

    Raises
    ------
    InputError
        When they are not uint8, have other dims or an empty one.
    """
    if set(frames.dims) != set(VIDEO_DIMS) or 0 in frames.shape:
        sizes = ", ".join(f"{dim}: {size}" for dim, size in frames.sizes.items()) or "none"
        raise InputError(f"a {what} needs frames over {', '.join(VIDEO_DIMS)}, none of them empty, got {sizes}")
    if frames.dtype != np.uint8 or frames.sizes["rgb"] != 3:
        raise InputError(f"a {what} needs uint8 and 3 of rgb, got {frames.dtype} and {frames.sizes['rgb']}")
    return frames.transpose(*VIDEO_DIMS)


def composed(pixels: Pixels) -> tuple[Pixels, float]:
    """Return all tiles in one picture, white between them, and its pixels for each one shown.

    Small tiles are enlarged by a whole factor without smoothing; large ones are averaged down.

    Parameters
    ----------
    pixels
        (row, column, y, x, rgb).
    """
    rows, columns, height, width, _ = pixels.shape
    longest = max(height, width)
    if longest <= SIDE:
        factor = SIDE // longest
        tiles, scale = pixels.repeat(factor, axis=2).repeat(factor, axis=3), 1.0
    else:
        factor = max(1, longest // (_SHARPNESS * SIDE))
        smaller = [[np.asarray(Image.fromarray(tile).reduce(factor)) for tile in row] for row in pixels]
        tiles = np.array(smaller)
        scale = max(tiles.shape[2:4]) / SIDE
    gap = round(GAP * scale)
    high, wide = tiles.shape[2] + gap, tiles.shape[3] + gap
    picture = np.full((rows * high - gap, columns * wide - gap, 3), 255, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * high, column * wide
            picture[top : top + tiles.shape[2], left : left + tiles.shape[3]] = tiles[row, column]
    return picture, scale


def embed(figure: go.Figure, picture: Pixels, *, width: float, height: float, lossless: bool) -> None:
    """Put a picture behind the axes of a figure, from (0, 0) to (width, height)."""
    figure.add_layout_image(
        source=data_uri(picture, lossless=lossless),
        x=0,
        y=0,
        xref="x",
        yref="y",
        sizex=width,
        sizey=height,
        sizing="stretch",
        layer="above",
    )


def clear_between(
    figure: go.Figure,
    places: Sequence[tuple[float, float]],
    tile: tuple[float, float],
    *,
    width: float,
    height: float,
) -> None:
    """Lay paper over what is between the tiles of an embedded picture, where the picture itself is white.

    Parameters
    ----------
    places
        Left and top of each tile, in rows and columns.
    tile
        Its height and width.
    width, height
        Of the picture.
    """
    high, wide = tile
    lefts, tops = (sorted({place[axis] for place in places}) for axis in (0, 1))
    across = zip([0.0, *(left + wide for left in lefts)], [*lefts, width], strict=True)
    down = zip([0.0, *(top + high for top in tops)], [*tops, height], strict=True)
    between = [(x0, 0.0, x1, height) for x0, x1 in across] + [(0.0, y0, width, y1) for y0, y1 in down]
    # The last row may not be full.
    empty = [(x, y, x + wide, y + high) for x in lefts for y in tops if (x, y) not in set(places)]
    for x0, y0, x1, y1 in [*between, *empty]:
        if min(x1 - x0, y1 - y0) > _LEAST_GAP:
            figure.add_shape(
                type="rect",
                x0=x0 - _OVERLAP,
                y0=y0 - _OVERLAP,
                x1=x1 + _OVERLAP,
                y1=y1 + _OVERLAP,
                fillcolor=LIGHT.paper,
                line={"width": 0},
                layer="above",
            )


def picture_axis(**settings: Any) -> dict[str, Any]:
    """Return the settings of an axis along a picture: labels only where they are given."""
    return {"tickmode": "array", "showgrid": False, "fixedrange": True, "ticks": "", **settings}


def middles(count: int, length: float) -> list[float]:
    """Return the middle of each of ``count`` tiles along a side of ``length``."""
    side = (length - GAP * (count - 1)) / count
    return [i * (side + GAP) + side / 2 for i in range(count)]


def data_uri(picture: Pixels, *, lossless: bool) -> str:
    """Return the picture as a data URI: PNG to the pixel, or JPEG for photographs made smaller anyway."""
    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if lossless:
        # Harder compression takes several times as long, to save a tenth.
        image.save(buffer, format="png", compress_level=4)
    else:
        image.save(buffer, format="jpeg", quality=92, subsampling=0)
    return f"data:image/{'png' if lossless else 'jpeg'};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
