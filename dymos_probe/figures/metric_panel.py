"""One metric over λ beside its level in other conditions, drawn into a panel of any figure."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.condition_styles import I2V_COLOUR, T2V_COLOUR, end_labels
from dymos_probe.figures.labels import number, strength
from dymos_probe.figures.lam_axis import LamAxis, lam_axis

_NEEDED = ("mean", "standard_error", "t2v_mean", "t2v_standard_error")
_MARGIN = 0.08
"""Above and below what is drawn, of its range."""


def checked_metric(ds: xr.Dataset, what: str) -> xr.Dataset:
    """Return what ``ds.probe.metric_curve(name)`` returned, by rising λ and in memory.

    Raises
    ------
    InputError
        When a variable is missing or has other dims, a mean is NaN, or a λ is missing, NaN or there twice.
    """
    for name in _NEEDED:
        wanted = () if name.startswith("t2v") else ("lam",)
        if name not in ds or ds[name].dims != wanted:
            given = f"dims {ds[name].dims}" if name in ds else "none"
            raise InputError(f"a {what} needs {name} over {wanted or 'no dims'}, got {given}")
    lam_axis(ds, what)
    ds = ds.sortby("lam").compute()
    if not (np.isfinite(ds["mean"].values).all() and np.isfinite(float(ds["t2v_mean"]))):
        raise InputError("the means hold NaN or infinity; draw conditions that were measured")
    return ds


def metric_name(ds: xr.Dataset) -> str:
    """Return what the metric is called, with its unit."""
    name, units = str(ds.attrs.get("long_name", "metric")), str(ds.attrs.get("units", "1"))
    return name if units == "1" else f"{name} ({units})"


def draw_metric(figure: go.Figure, axis: LamAxis, ds: xr.Dataset, *, height: float, row: int | None = None) -> None:
    """Draw mean ± standard error over λ, and the level of T2V as a line with its band and name.

    Parameters
    ----------
    axis
        Of λ.
    ds
        From :func:`checked_metric`.
    height
        Of the panel, pixels.
    row
        Of the panel in a figure of several.
    """
    where: dict[str, Any] = {} if row is None else {"row": row, "col": 1}
    # Into a panel without a trace yet nothing is drawn otherwise.
    empty = where | ({} if row is None else {"exclude_empty_subplots": False})
    mean, error = (np.asarray(ds[name].values, dtype=np.float64) for name in ("mean", "standard_error"))
    spread = np.nan_to_num(error)
    level, level_error = float(ds["t2v_mean"]), float(np.nan_to_num(float(ds["t2v_standard_error"])))
    if level_error > 0.0:
        figure.add_hrect(
            y0=level - level_error,
            y1=level + level_error,
            fillcolor=T2V_COLOUR,
            opacity=0.18,
            line={"width": 0},
            layer="below",
            **empty,
        )
    figure.add_hline(y=level, line={"color": T2V_COLOUR, "width": 2}, layer="below", **empty)
    units = str(ds.attrs.get("units", "1"))
    texts = np.array(
        [
            f"λ = {strength(lam)}<br><b>{number(m)}</b>"
            + (f" ± {number(e, 2)}" if np.isfinite(e) else "")
            + ("" if units == "1" else f" {units}")
            for lam, m, e in zip(ds["lam"].values.tolist(), mean, error, strict=True)
        ]
    )
    finite = np.isfinite(ds["lam"].values)
    for part, mode in ((finite, "lines+markers"), (~finite, "markers")):
        if part.any():
            figure.add_scatter(
                x=axis.places(ds["lam"].values[part]),
                y=mean[part],
                error_y={"array": spread[part], "color": I2V_COLOUR, "thickness": 1.5, "width": 5},
                text=texts[part],
                mode=mode,
                line={"color": I2V_COLOUR, "width": 2},
                marker={"size": 9, "color": I2V_COLOUR},
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
                **where,
            )
    span = _span([*(mean - spread), *(mean + spread), level - level_error, level + level_error])
    figure.update_yaxes(
        {"title": {"text": "<br>".join(textwrap.wrap(metric_name(ds), int(height / 8)))}, "range": span}, **where
    )
    entries = [(level, f"<b>T2V</b> {number(level)}", T2V_COLOUR)]
    end_labels(figure, entries, height=height, span=span, axes="" if row in (None, 1) else str(row))


def _span(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = _MARGIN * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room
