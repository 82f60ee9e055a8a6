"""A metric over λ beside its level in the T2V model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.labels import counted, number, strength
from dymos_probe.figures.lam_axis import LamAxis, lam_axis
from dymos_probe.figures.template import MUTED, PALETTE, TEMPLATE

_I2V, _T2V = PALETTE[0], PALETTE[1]
_NEEDED = ("mean", "standard_error", "t2v_mean", "t2v_standard_error")


def metric_curve(ds: xr.Dataset) -> go.Figure:
    """Return mean ± standard error of a metric over λ, the T2V level as a labelled band.

    An infinite λ stands apart at the end of the axis, not joined by the line.

    Parameters
    ----------
    ds
        What ``ds.probe.metric_curve(name)`` returns; attrs ``long_name`` and ``units`` name the axis.

    Raises
    ------
    InputError
        When a variable is missing or has other dims, a mean is NaN, or a λ is missing, NaN or there twice.
    """
    for name in _NEEDED:
        wanted = () if name.startswith("t2v") else ("lam",)
        if name not in ds or ds[name].dims != wanted:
            given = f"dims {ds[name].dims}" if name in ds else "none"
            raise InputError(f"a metric curve needs {name} over {wanted or 'no dims'}, got {given}")
    lam_axis(ds, "metric curve")
    ds = ds.sortby("lam").compute()
    axis = lam_axis(ds, "metric curve")
    mean, error = (np.asarray(ds[name].values, dtype=np.float64) for name in ("mean", "standard_error"))
    level, level_error = float(ds["t2v_mean"]), float(ds["t2v_standard_error"])
    if not (np.isfinite(mean).all() and np.isfinite(level)):
        raise InputError("the means hold NaN or infinity; draw conditions that were measured")
    name, units = str(ds.attrs.get("long_name", "metric")), str(ds.attrs.get("units", "1"))
    figure = go.Figure(layout={"template": TEMPLATE})
    _draw_level(figure, level, level_error)
    _draw_curve(figure, axis, mean, error, "" if units == "1" else f" {units}")
    axis.mark_untouched(figure)
    figure.update_layout(
        title={"text": _title(ds, name), "y": 1.0, "yanchor": "top", "pad": {"t": 22, "l": 24}},
        width=760,
        height=440,
        margin={"l": 92, "r": 130, "t": 106, "b": 70},
        xaxis=axis.layout,
        yaxis={"title": {"text": name if units == "1" else f"{name} ({units})"}},
    )
    return figure


def _draw_level(figure: go.Figure, level: float, error: float) -> None:
    if np.isfinite(error) and error > 0.0:
        figure.add_hrect(
            y0=level - error, y1=level + error, fillcolor=_T2V, opacity=0.18, line={"width": 0}, layer="below"
        )
    figure.add_hline(y=level, line={"color": _T2V, "width": 2}, layer="below")
    figure.add_annotation(
        x=1.0,
        xref="x domain",
        y=level,
        text=f"<b>T2V</b> {number(level)}",
        showarrow=False,
        xanchor="left",
        xshift=8,
        font={"size": 13, "color": _T2V},
    )


def _draw_curve(
    figure: go.Figure,
    axis: LamAxis,
    mean: npt.NDArray[np.float64],
    error: npt.NDArray[np.float64],
    units: str,
) -> None:
    spread = np.nan_to_num(error)
    texts = np.array(
        [
            f"λ = {strength(lam)}<br><b>{number(m)}</b>" + (f" ± {number(e, 2)}" if np.isfinite(e) else "") + units
            for lam, m, e in zip(axis.lams, mean, error, strict=True)
        ]
    )
    for part, mode in ((axis.finite, "lines+markers"), (~axis.finite, "markers")):
        if part.any():
            figure.add_scatter(
                x=axis.positions[part],
                y=mean[part],
                error_y={"array": spread[part], "color": _I2V, "thickness": 1.5, "width": 5},
                text=texts[part],
                mode=mode,
                line={"color": _I2V, "width": 2},
                marker={"size": 9, "color": _I2V},
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
            )


def _title(ds: xr.Dataset, name: str) -> str:
    facts = ["I2V over λ, and the T2V level"]
    if "samples_used" in ds.attrs:
        count = int(ds.attrs["samples_used"])
        facts.append(f"mean{' ± standard error' if count > 1 else ''} of {counted(count, 'sample')}")
    title = name[:1].upper() + name[1:]
    return f"{title}<br><span style='font-size:13px;color:{MUTED}'>{' · '.join(facts)}</span>"
