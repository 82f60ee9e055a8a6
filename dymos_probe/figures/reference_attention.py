"""Attention on the reference frame over λ, beside its level in the T2V model (Fig. 3a)."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.condition_styles import I2V_COLOUR, T2V_COLOUR, end_labels
from dymos_probe.figures.facts import facts, title
from dymos_probe.figures.labels import number, strength
from dymos_probe.figures.lam_axis import lam_axis
from dymos_probe.figures.template import TEMPLATE
from dymos_probe.store.schema import CONDITION

_TOP, _BOTTOM, _PLOT = 106, 70, 284


def reference_attention(da: xr.DataArray | xr.Dataset) -> go.Figure:
    """Return attention on the reference frame over λ, the T2V level as a labelled line.

    An infinite λ stands apart at the end of the axis, not joined by the line.

    Parameters
    ----------
    da
        Dominance (condition), attention mass, of T2V and of I2V conditions that differ in λ alone, with
        coordinates ``arm`` and ``lam``, as ``ds.probe.dominance(conditions=[…])`` returns it; or with its
        interval, ``value``, ``low`` and ``high``, as ``ds.probe.interval("dominance", conditions=[…])`` does.

    Raises
    ------
    InputError
        When it has other dims or no such coordinates, holds NaN, there is not one T2V condition, no I2V
        condition, or one without λ or a λ twice.
    """
    value, low, high = _parts(da)
    arms = value["arm"].values.astype(str)
    if (arms == "t2v").sum() != 1 or float(value["lam"].values[arms == "t2v"][0]) != 0.0:
        raise InputError(
            f"attention over λ needs one untouched T2V condition, got {int((arms == 't2v').sum())} of that arm"
        )
    i2v = value.isel({CONDITION: arms != "t2v"}).swap_dims({CONDITION: "lam"})
    lam_axis(i2v, "curve of attention over λ")
    order = np.argsort(i2v["lam"].values)
    i2v = i2v.isel(lam=order)
    axis = lam_axis(i2v, "curve of attention over λ")
    values = np.asarray(i2v.values, dtype=np.float64)
    bars = {}
    if low is not None and high is not None:
        ends = [np.asarray(each.values, dtype=np.float64)[arms != "t2v"][order] for each in (low, high)]
        bars = {"arrayminus": np.nan_to_num(values - ends[0]), "array": np.nan_to_num(ends[1] - values)}
    level = float(value.values[arms == "t2v"][0])
    top = 1.1 * max(level, float((values + bars.get("array", 0.0)).max())) or 1.0
    figure = go.Figure(layout={"template": TEMPLATE})
    if low is not None and high is not None:
        band = [float(each.values[arms == "t2v"][0]) for each in (low, high)]
        if np.isfinite(band).all():
            figure.add_hrect(
                y0=band[0], y1=band[1], fillcolor=T2V_COLOUR, opacity=0.18, line={"width": 0}, layer="below"
            )
    figure.add_hline(y=level, line={"color": T2V_COLOUR, "width": 2}, layer="below")
    texts = np.array([strength(lam) for lam in axis.lams])
    for part, mode in ((axis.finite, "lines+markers"), (~axis.finite, "markers")):
        if part.any():
            figure.add_scatter(
                x=axis.positions[part],
                y=values[part],
                error_y={key: bar[part] for key, bar in bars.items()}
                | ({"symmetric": False, "color": I2V_COLOUR, "thickness": 1.5, "width": 5} if bars else {}),
                customdata=texts[part],
                mode=mode,
                line={"color": I2V_COLOUR, "width": 2},
                marker={"size": 9, "color": I2V_COLOUR},
                hovertemplate="λ = %{customdata}<br><b>%{y:.4f}</b> attention mass<extra></extra>",
                showlegend=False,
            )
    end_labels(figure, [(level, f"<b>T2V</b> {number(level)}", T2V_COLOUR)], height=_PLOT, span=(0.0, top))
    axis.mark_untouched(figure)
    said = facts(da)
    if bars and "level" in da.attrs:
        said.append(f"{100 * float(da.attrs['level']):g} % intervals")
    figure.update_layout(
        title=title("Attention on the reference frame over λ", ["I2V over λ, and the T2V level", *said]),
        width=760,
        height=_TOP + _PLOT + _BOTTOM,
        margin={"l": 92, "r": 130, "t": _TOP, "b": _BOTTOM},
        xaxis=axis.layout,
        yaxis={"title": {"text": "attention on frame 0 (attention mass)"}, "range": [0.0, top]},
    )
    return figure


def _parts(da: xr.DataArray | xr.Dataset) -> tuple[xr.DataArray, xr.DataArray | None, xr.DataArray | None]:
    if isinstance(da, xr.Dataset):
        missing = [name for name in ("value", "low", "high") if name not in da]
        if missing:
            raise InputError(f"attention over λ with its interval needs value, low and high; {missing[0]} is missing")
        ds = da.compute()
        value, low, high = ds["value"], ds["low"], ds["high"]
    else:
        value, low, high = da.compute(), None, None
    if value.dims != (CONDITION,) or not {"arm", "lam"} <= set(value.coords):
        given = ", ".join(map(str, value.dims)) or "no dims"
        raise InputError(f"attention over λ needs {CONDITION} alone, with its arm and lam, got {given}")
    if not np.isfinite(value.values).all():
        raise InputError("attention over λ cannot be drawn of NaN or infinity; draw it from complete runs")
    return value, low, high
