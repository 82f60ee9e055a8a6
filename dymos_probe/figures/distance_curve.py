"""d(λ): how far I2V attention is from T2V attention, over the strength of the modulation (Eq. 5)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.analysis.least import Least, least
from dymos_probe.errors import InputError
from dymos_probe.figures.facts import facts, title
from dymos_probe.figures.labels import number, strength
from dymos_probe.figures.lam_axis import LamAxis, lam_axis
from dymos_probe.figures.template import INK, PALETTE, TEMPLATE

_COLOUR, _MARK, _DIRECT = PALETTE[0], PALETTE[1], PALETTE[2]
_ROOM = 0.14
"""Below zero, of the largest value."""
_NEEDED = {
    "closest_lam": (),
    "closest_lam_low": (),
    "closest_lam_high": (),
    "least_distance": (),
    "place": (),
    "fitted": ("lam_fit",),
}


def distance_curve(
    da: xr.DataArray, *, minimum: xr.Dataset | None = None, counterfactual: xr.DataArray | None = None
) -> go.Figure:
    """Return d(λ) as points and a line, its least value marked and λ = 0 named.

    An infinite λ stands apart at the end of the axis, not joined by the line. A least value at the
    smallest or largest λ there is is said to be at the edge: the true minimum may lie beyond.

    Parameters
    ----------
    da
        d(λ) (lam), as ``ds.probe.distance()`` returns it; any order of λ.
    minimum
        As ``ds.probe.distance_minimum()`` returns it, for the same d(λ): the line is then its fitted curve, and
        what is marked its minimum, between the λ tried, with the interval as a band where there is one.
    counterfactual
        d(λ) of λ's direct effect (lam), as ``ds.probe.counterfactual_distance()`` returns it, dashed;
        ``attrs["exact"]`` says whether it is exact.

    Raises
    ------
    InputError
        When one has other dims, holds NaN, or a λ is missing, NaN or there twice.
    """
    da = _checked(da, "distance")
    if minimum is not None:
        minimum = _checked_minimum(minimum)
    if counterfactual is not None:
        counterfactual = _checked(counterfactual, "counterfactual distance")
        if "exact" not in counterfactual.attrs:
            raise InputError("a counterfactual distance needs the attribute exact, True or False")
    also = [each["lam"] for each in (counterfactual,) if each is not None]
    axis, lowest = lam_axis(da, "distance curve", also=also), least(da)
    values = np.asarray(da.values, dtype=np.float64)
    units = str(da.attrs.get("units", "nats"))
    figure = go.Figure(layout={"template": TEMPLATE})
    several = minimum is not None or counterfactual is not None
    if minimum is not None:
        _draw_interval(figure, axis, minimum)
        _draw_line(
            figure, axis.places(minimum["lam_fit"]), minimum["fitted"].values, name="fitted curve", colour=_COLOUR
        )
    if counterfactual is not None:
        _draw_counterfactual(figure, axis, counterfactual, units)
    _draw_points(figure, axis, values, units, joined=minimum is None, named=several)
    axis.mark_untouched(figure)
    if minimum is None:
        at, mark = float(axis.positions[axis.lams == lowest.lam][0]), lowest.value
    else:
        at, mark = float(minimum["closest_lam"]), float(minimum["least_distance"])
    place = lowest.place if minimum is None else str(minimum["place"].item())
    end = minimum is None and math.isinf(lowest.lam)
    _mark_least(figure, at, mark, units, place="largest" if end else place)
    every = [values, *([] if counterfactual is None else [counterfactual.values])]
    top = max(float(each.max()) for each in every) or 1.0
    figure.update_layout(
        title=title(
            "Distance of I2V attention from T2V attention, d(λ)",
            [_closest(lowest) if minimum is None else _closest_fitted(minimum), *facts(da)],
        ),
        width=760,
        height=470 + 36 * several,
        margin={"l": 92, "r": 36, "t": 106, "b": 70 + 36 * several},
        xaxis=axis.layout,
        # Room below zero for the ring and its words, which are often there; no tick falls into it.
        yaxis={
            "title": {"text": f"distance to T2V attention ({units})"},
            "range": [-_ROOM * top, 1.08 * top],
            "tick0": 0.0,
            "dtick": _round_step(_ROOM * top),
            "exponentformat": "power",
        },
        legend={"orientation": "h", "x": 0.0, "y": -0.21, "yanchor": "top", "font": {"size": 13}},
    )
    return figure


def _checked(da: xr.DataArray, what: str) -> xr.DataArray:
    if da.dims != ("lam",):
        raise InputError(
            f"a {what} curve is drawn over lam, got {', '.join(map(str, da.dims)) or 'no dims'}; "
            "select or average the others first"
        )
    lam_axis(da, f"{what} curve")
    da = da.sortby("lam").compute()
    if not np.isfinite(np.asarray(da.values, dtype=np.float64)).all():
        raise InputError(f"the {what} holds NaN or infinity; draw it from complete runs")
    return da


def _checked_minimum(minimum: xr.Dataset) -> xr.Dataset:
    for name, dims in _NEEDED.items():
        if name not in minimum or minimum[name].dims != dims:
            given = f"dims {minimum[name].dims}" if name in minimum else "none"
            raise InputError(f"a least distance needs {name} over {dims or 'no dims'}, got {given}")
    minimum = minimum.compute()
    shown = [minimum[name].values for name in ("closest_lam", "least_distance", "fitted")]
    if not all(np.isfinite(np.asarray(each, dtype=np.float64)).all() for each in shown):
        raise InputError("the least distance or its fitted curve holds NaN or infinity; draw it from complete runs")
    return minimum


def _draw_points(
    figure: go.Figure, axis: LamAxis, values: npt.NDArray[np.float64], units: str, *, joined: bool, named: bool
) -> None:
    texts = np.array([strength(lam) for lam in axis.lams])
    first = True
    for part, mode in ((axis.finite, "lines+markers" if joined else "markers"), (~axis.finite, "markers")):
        if part.any():
            figure.add_scatter(
                x=axis.positions[part],
                y=values[part],
                customdata=texts[part],
                name="measured",
                legendrank=1,
                mode=mode,
                line={"color": _COLOUR, "width": 2},
                marker={"size": 9, "color": _COLOUR},
                hovertemplate=f"λ = %{{customdata}}<br><b>d = %{{y:.3g}}</b> {units}<extra></extra>",
                showlegend=named and first,
            )
            first = False


def _draw_counterfactual(figure: go.Figure, axis: LamAxis, curve: xr.DataArray, units: str) -> None:
    lams = np.asarray(curve["lam"].values, dtype=np.float64)
    kind = "exact" if curve.attrs["exact"] else "approximate"
    name = f"direct effect, {kind}"
    hover = f"{name}<br>λ = %{{customdata}}<br><b>d = %{{y:.3g}}</b> {units}<extra></extra>"
    finite = np.isfinite(lams)
    texts = np.array([strength(float(f"{lam:.3g}")) for lam in lams])
    _draw_line(
        figure,
        axis.places(lams[finite]),
        curve.values[finite],
        name=name,
        colour=_DIRECT,
        dash="dash",
        customdata=texts[finite],
        hovertemplate=hover,
    )
    if not finite.all():
        figure.add_scatter(
            x=axis.places(lams[~finite]),
            y=curve.values[~finite],
            customdata=texts[~finite],
            mode="markers",
            marker={"size": 9, "color": _DIRECT, "symbol": "circle-open", "line": {"width": 2}},
            hovertemplate=hover,
            name=name,
            showlegend=False,
        )


def _draw_line(figure: go.Figure, x: Any, y: Any, *, name: str, colour: str, dash: str = "solid", **more: Any) -> None:
    hover = {} if "hovertemplate" in more else {"hoverinfo": "skip"}
    figure.add_scatter(
        x=x, y=y, name=name, mode="lines", line={"color": colour, "width": 2, "dash": dash}, **hover, **more
    )


def _draw_interval(figure: go.Figure, axis: LamAxis, minimum: xr.Dataset) -> None:
    low, high = float(minimum["closest_lam_low"]), float(minimum["closest_lam_high"])
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    figure.add_vrect(
        x0=float(axis.places(low)),
        x1=float(axis.places(high)),
        fillcolor=_MARK,
        opacity=0.16,
        line={"width": 0},
        layer="below",
    )


def _round_step(least_step: float) -> float:
    """Return the next of 1, 2 and 5 times a power of ten above ``least_step``."""
    power = 10.0 ** math.floor(math.log10(least_step))
    return float(next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power > least_step))


def _mark_least(figure: go.Figure, x: float, y: float, units: str, *, place: str) -> None:
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers",
        marker={"size": 19, "color": "rgba(0,0,0,0)", "line": {"color": _MARK, "width": 2.5}},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_annotation(
        x=x,
        y=y,
        text=f"<b>least</b> {number(y)} {units}",
        showarrow=False,
        xanchor={"smallest": "left", "largest": "right"}.get(place, "center"),
        yanchor="top",
        yshift=-13,
        font={"size": 13, "color": INK},
    )


def _closest(lowest: Least) -> str:
    at = f"λ = {strength(lowest.lam)}"
    return {
        "inside": f"closest at {at}",
        "only": f"only {at} was tried",
        "smallest": f"closest at {at}, at the edge: the smallest λ tried",
        "largest": f"closest at {at}, at the edge: the largest λ tried",
    }[lowest.place]


def _closest_fitted(minimum: xr.Dataset) -> str:
    low, high = float(minimum["closest_lam_low"]), float(minimum["closest_lam_high"])
    said = f"closest at λ = {number(float(minimum['closest_lam']))}"
    if math.isfinite(low) and math.isfinite(high):
        level = float(minimum.attrs.get("level", 0.95))
        said += f" ({100 * level:g} % interval {number(low)} to {number(high)})"
    place = str(minimum["place"].item())
    return said if place == "inside" else f"{said}, at the edge: the {place} λ tried"
