"""What every map between latent frames shares: checks, axes, the mark around the reference frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.labels import MINUS
from dymos_probe.figures.template import INK
from dymos_probe.store.schema import KEY_FRAME, QUERY_FRAME

Frames = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

LARGEST_LABELLED = 16
"""Frames up to which each has its tick."""


def checked_map(da: xr.DataArray, what: str) -> xr.DataArray:
    """Return the map as (query_frame, key_frame), in memory.

    Raises
    ------
    InputError
        When it has other dims, or holds NaN.
    """
    if set(da.dims) != {QUERY_FRAME, KEY_FRAME}:
        given = ", ".join(map(str, da.dims)) or "none"
        raise InputError(
            f"{what} is drawn over {QUERY_FRAME} and {KEY_FRAME}, got {given}; select or average the others first"
        )
    da = da.transpose(QUERY_FRAME, KEY_FRAME).compute()
    if not np.isfinite(da.values).all():
        raise InputError(f"{what} cannot be drawn of NaN or infinity; draw it from complete runs")
    return da


def frames_of(da: xr.DataArray, dim: str) -> Frames:
    """Return the labels of the frames along ``dim``, their places where they have none."""
    return np.asarray(da[dim].values if dim in da.coords else np.arange(da.sizes[dim]), dtype=np.int64)


def frame_axes(queries: Frames, keys: Frames, *, x: str = "x") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of the x and y axis: square cells, query frame 0 on top."""
    shared = {"showgrid": False, "constrain": "domain"}
    across = {"title": {"text": "key frame (latent)"}} | shared | _ticks(keys)
    down = {"title": {"text": "query frame (latent)"}, "autorange": "reversed", "scaleanchor": x}
    return across, down | shared | _ticks(queries)


def mark_reference(figure: go.Figure, queries: Frames, keys: Frames, *, axes: str = "") -> bool:
    """Outline the column of the reference frame, to be seen on dark and light cells; return whether it is there."""
    if 0 not in keys:
        return False
    around = {"x0": -0.5, "x1": 0.5, "y0": int(queries.min()) - 0.5, "y1": int(queries.max()) + 0.5}
    for colour, width in (("white", 5.0), (INK, 2.5)):
        figure.add_shape(
            type="rect", xref=f"x{axes}", yref=f"y{axes}", line={"color": colour, "width": width}, **around
        )
    return True


def reference_mean(values: Values, queries: Frames, keys: Frames) -> float | None:
    """Return the mean of the reference column over later query frames, None where there is none."""
    later = queries >= 1
    return float(values[later][:, keys == 0].mean()) if later.any() and 0 in keys else None


def cell_texts(values: Values, *, signed: bool) -> list[list[str]]:
    """Return short texts for cells: ``+.20``, ``.034``; all with the same decimals."""
    limit = float(np.abs(values).max()) or 1.0
    decimals = int(np.clip(1 - np.floor(np.log10(limit)), 2, 4))

    def text(value: float) -> str:
        written = f"{value:{'+' if signed else ''}.{decimals}f}"
        return "0" if float(written) == 0.0 else written.replace("-", MINUS).replace("0.", ".", 1)

    return [[text(value) for value in row] for row in values]


def _ticks(frames: Frames) -> dict[str, Any]:
    every = max(1, -(-len(frames) // LARGEST_LABELLED))
    return {"tickmode": "array", "ticklabelstandoff": 6, "tickvals": frames[::every].tolist()}
