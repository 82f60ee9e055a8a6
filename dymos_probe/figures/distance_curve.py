"""d(λ): how far I2V attention is from T2V attention, over the strength of the modulation (Eq. 5)."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.analysis.least import Least, least
from dymos_probe.errors import InputError
from dymos_probe.figures.labels import counted, number, strength
from dymos_probe.figures.lam_axis import lam_axis
from dymos_probe.figures.template import INK, MUTED, PALETTE, TEMPLATE

_COLOUR, _MARK = PALETTE[0], PALETTE[1]
_ROOM = 0.14
"""Below zero, of the largest value."""


def distance_curve(da: xr.DataArray) -> go.Figure:
    """Return d(λ) as points and a line, its least value marked and λ = 0 named.

    An infinite λ stands apart at the end of the axis, not joined by the line. A least value at the
    smallest or largest λ there is is said to be at the edge: the true minimum may lie beyond.

    Parameters
    ----------
    da
        d(λ) (lam), as ``ds.probe.distance()`` returns it; any order of λ.

    Raises
    ------
    InputError
        When it has other dims, holds NaN, or a λ is missing, NaN or there twice.
    """
    if da.dims != ("lam",):
        raise InputError(
            f"a distance curve is drawn over lam, got {', '.join(map(str, da.dims)) or 'no dims'}; "
            "select or average the others first"
        )
    lam_axis(da, "distance curve")
    da = da.sortby("lam").compute()
    values = np.asarray(da.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("the distance holds NaN or infinity; draw it from complete runs")
    axis, lowest = lam_axis(da, "distance curve"), least(da)
    units = str(da.attrs.get("units", "nats"))
    texts = [strength(lam) for lam in axis.lams]
    hover = f"λ = %{{customdata}}<br><b>d = %{{y:.3g}}</b> {units}<extra></extra>"
    figure = go.Figure(layout={"template": TEMPLATE})
    for part, mode in ((axis.finite, "lines+markers"), (~axis.finite, "markers")):
        if part.any():
            figure.add_scatter(
                x=axis.positions[part],
                y=values[part],
                customdata=[text for text, taken in zip(texts, part, strict=True) if taken],
                mode=mode,
                line={"color": _COLOUR, "width": 2},
                marker={"size": 9, "color": _COLOUR},
                hovertemplate=hover,
                showlegend=False,
            )
    axis.mark_untouched(figure)
    _mark_least(figure, float(axis.positions[axis.lams == lowest.lam][0]), lowest, units)
    top = float(values.max()) or 1.0
    figure.update_layout(
        title={"text": _title(da, lowest), "y": 1.0, "yanchor": "top", "pad": {"t": 22, "l": 24}},
        width=760,
        height=470,
        margin={"l": 92, "r": 36, "t": 106, "b": 70},
        xaxis=axis.layout,
        # Room below zero for the ring and its words, which are often there; no tick falls into it.
        yaxis={
            "title": {"text": f"distance to T2V attention ({units})"},
            "range": [-_ROOM * top, 1.08 * top],
            "tick0": 0.0,
            "dtick": _round_step(_ROOM * top),
            "exponentformat": "power",
        },
    )
    return figure


def _round_step(least_step: float) -> float:
    """Return the next of 1, 2 and 5 times a power of ten above ``least_step``."""
    power = 10.0 ** math.floor(math.log10(least_step))
    return float(next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power > least_step))


def _mark_least(figure: go.Figure, x: float, lowest: Least, units: str) -> None:
    figure.add_scatter(
        x=[x],
        y=[lowest.value],
        mode="markers",
        marker={"size": 19, "color": "rgba(0,0,0,0)", "line": {"color": _MARK, "width": 2.5}},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_annotation(
        x=x,
        y=lowest.value,
        text=f"<b>least</b> {number(lowest.value)} {units}",
        showarrow=False,
        xanchor={"smallest": "left", "largest": "right"}.get(
            lowest.place, "right" if math.isinf(lowest.lam) else "center"
        ),
        yanchor="top",
        yshift=-13,
        font={"size": 13, "color": INK},
    )


def _title(da: xr.DataArray, lowest: Least) -> str:
    at = f"λ = {strength(lowest.lam)}"
    said = {
        "inside": f"closest at {at}",
        "only": f"only {at} was tried",
        "smallest": f"closest at {at}, at the edge: the smallest λ tried",
        "largest": f"closest at {at}, at the edge: the largest λ tried",
    }[lowest.place]
    facts = [said]
    if "early" in da.attrs:
        facts.append(f"first {da.attrs['early']:.0%} of the steps" if da.attrs["early"] < 1 else "all steps")
    if "samples_used" in da.attrs:
        facts.append(counted(int(da.attrs["samples_used"]), "sample"))
    return (
        "Distance of I2V attention from T2V attention, d(λ)"
        f"<br><span style='font-size:13px;color:{MUTED}'>{' · '.join(facts)}</span>"
    )
