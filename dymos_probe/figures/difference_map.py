"""ΔA as a heat map: where the I2V model looks that its T2V counterpart does not (Fig. 2b)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.template import DIVERGING, INK, MUTED, TEMPLATE
from dymos_probe.store.schema import KEY_FRAME, QUERY_FRAME

_MINUS = "\u2212"
_LARGEST_LABELLED = 16
"""Frames up to which the values are written into the cells; hover shows them beyond."""


def difference_map(da: xr.DataArray) -> go.Figure:
    """Return the heat map of one attention difference.

    Query frames run down, key frames to the right; the colours are centred on zero, and the
    reference frame's column is outlined.

    Parameters
    ----------
    da
        ΔA (query_frame, key_frame), attention mass, as ``ds.probe.difference()`` returns it.

    Raises
    ------
    InputError
        When it has other dims, or holds NaN.
    """
    if set(da.dims) != {QUERY_FRAME, KEY_FRAME}:
        given = ", ".join(map(str, da.dims)) or "none"
        raise InputError(
            f"a difference map is drawn over {QUERY_FRAME} and {KEY_FRAME}, got {given}; "
            "select or average the others first"
        )
    da = da.transpose(QUERY_FRAME, KEY_FRAME).compute()
    values = np.asarray(da.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("the difference holds NaN or infinity; draw it from complete runs")
    queries, keys = _frames(da, QUERY_FRAME), _frames(da, KEY_FRAME)
    figure = go.Figure(_heatmap(values, queries, keys), layout={"template": TEMPLATE})
    _mark_reference(figure, values, queries, keys)
    side = max(46 * max(len(queries), len(keys)), 320) if len(keys) <= _LARGEST_LABELLED else 720
    figure.update_layout(
        title={"text": _title(da), "y": 1.0, "yanchor": "top", "pad": {"t": 22, "l": 24}},
        width=side + 260,
        height=side + 190,
        margin={"l": 76, "r": 150, "t": 112, "b": 70},
        xaxis={"title": {"text": "key frame (latent)"}, "showgrid": False, "constrain": "domain"} | _ticks(keys),
        yaxis={
            "title": {"text": "query frame (latent)"},
            "showgrid": False,
            "autorange": "reversed",
            "scaleanchor": "x",
            "constrain": "domain",
        }
        | _ticks(queries),
    )
    return figure


def _frames(da: xr.DataArray, dim: str) -> npt.NDArray[np.int64]:
    return np.asarray(da[dim].values if dim in da.coords else np.arange(da.sizes[dim]), dtype=np.int64)


def _heatmap(
    values: npt.NDArray[np.float64], queries: npt.NDArray[np.int64], keys: npt.NDArray[np.int64]
) -> go.Heatmap:
    # A map of zeros still needs a range, or plotly chooses one that is not centred.
    limit = float(np.abs(values).max()) or 1.0
    small = len(keys) <= _LARGEST_LABELLED
    decimals = int(np.clip(1 - np.floor(np.log10(limit)), 2, 4))
    return go.Heatmap(
        z=values,
        x=keys,
        y=queries,
        zmin=-limit,
        zmax=limit,
        zmid=0.0,
        colorscale=[list(stop) for stop in DIVERGING],
        xgap=1.5,
        ygap=1.5,
        text=[[_signed(value, decimals) for value in row] for row in values] if small else None,
        texttemplate="%{text}" if small else None,
        textfont={"size": 12},
        hovertemplate="query frame %{y} → key frame %{x}<br><b>%{z:+.4f}</b> attention mass, I2V − T2V<extra></extra>",
        colorbar={
            "title": {
                "text": "attention mass,<br>I2V − T2V<br><span style='font-size:5px'> </span>",
                "side": "top",
                "font": {"size": 13},
            },
            "thickness": 14,
            "outlinewidth": 0,
            "tickfont": {"size": 12, "color": MUTED},
            "nticks": 7,
            "x": 1.03,
        },
    )


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+.{decimals}f}"
    return "0" if float(text) == 0.0 else text.replace("-", _MINUS).replace("0.", ".", 1)


def _mark_reference(
    figure: go.Figure,
    values: npt.NDArray[np.float64],
    queries: npt.NDArray[np.int64],
    keys: npt.NDArray[np.int64],
) -> None:
    if 0 not in keys:
        return
    later = queries >= 1
    mean = f"{values[later][:, keys == 0].mean():+.3f}".replace("-", _MINUS) if later.any() else ""
    figure.add_shape(
        type="rect",
        x0=-0.5,
        x1=0.5,
        y0=queries.min() - 0.5,
        y1=queries.max() + 0.5,
        line={"color": INK, "width": 2.5},
    )
    figure.add_annotation(
        x=-0.5,
        y=queries.min() - 0.5,
        text="<b>reference frame</b>" + (f"  mean over later query frames {mean}" if mean else ""),
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        yshift=6,
        font={"size": 13, "color": INK},
    )


def _ticks(frames: npt.NDArray[np.int64]) -> dict[str, object]:
    every = max(1, -(-len(frames) // _LARGEST_LABELLED))
    return {"tickmode": "array", "ticklabelstandoff": 6, "tickvals": frames[::every].tolist()}


def _title(da: xr.DataArray) -> str:
    lines = ["Attention difference between latent frames, I2V − T2V"]
    facts = []
    if "lam" in da.attrs:
        facts.append(f"λ = {da.attrs['lam']:g}")
    if "early" in da.attrs:
        facts.append(f"first {da.attrs['early']:.0%} of the steps" if da.attrs["early"] < 1 else "all steps")
    if "samples_used" in da.attrs:
        count = da.attrs["samples_used"]
        facts.append(f"{count} sample{'s' if count != 1 else ''}")
    if facts:
        lines.append(f"<span style='font-size:13px;color:{MUTED}'>{' · '.join(facts)}</span>")
    return "<br>".join(lines)
