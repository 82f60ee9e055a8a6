"""How attention falls off with the distance in time, the reference frame apart."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from dymos_probe.errors import InputError
from dymos_probe.figures.condition_styles import condition_styles
from dymos_probe.figures.facts import facts, title
from dymos_probe.figures.template import INK, MUTED, TEMPLATE
from dymos_probe.store.schema import CONDITION, QUERY_FRAME

_FRAME_DISTANCE = "frame_distance"
_DIMS = {"mass": _FRAME_DISTANCE, "reference": QUERY_FRAME}
_TOP, _PLOT, _BOTTOM = 134, 320, 70
_LARGEST_LABELLED = 12


def temporal_profile(ds: xr.Dataset) -> go.Figure:
    """Return attention on one generated frame by its distance, and beside it that on the reference frame.

    Both panels have the same scale, from zero: the reference frame is one frame as well, and what
    it gets compares with what a generated frame at any distance gets.

    Parameters
    ----------
    ds
        As ``ds.probe.profile()`` returns it: ``mass`` (condition, frame_distance) at the signed distance
        key frame − query frame, ``reference`` (condition, query_frame), attention mass.

    Raises
    ------
    InputError
        When a variable is missing, has other dims or an empty one, or holds NaN.
    """
    for name, dim in _DIMS.items():
        if name not in ds or set(ds[name].dims) != {CONDITION, dim} or not ds[name].size:
            given = f"{dict(ds[name].sizes)}" if name in ds else "none"
            raise InputError(f"a temporal profile needs {name} over {CONDITION} and {dim}, none empty, got {given}")
    ds = ds.compute()
    if not all(np.isfinite(ds[name].values).all() for name in _DIMS):
        raise InputError("a temporal profile cannot be drawn of NaN or infinity; draw it from complete runs")
    labels = [str(label) for label in ds[CONDITION].values]
    styles = condition_styles(ds)
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, column_widths=[0.64, 0.36], horizontal_spacing=0.05)
    for column, (name, dim) in enumerate(_DIMS.items(), start=1):
        rows = ds[name].transpose(CONDITION, dim).values
        places = ds[dim].values.astype(np.int64)
        for label, style in styles.items():
            figure.add_scatter(
                x=places,
                y=rows[labels.index(label)],
                name=style.name,
                legendgroup=label,
                showlegend=column == 1,
                mode="lines+markers",
                line={"color": style.colour, "width": style.width, "dash": style.dash},
                marker={"color": style.colour, "size": 6},
                hovertemplate=f"{style.name}<br>{_HOVER[name]}: <b>%{{y:.4f}}</b> attention mass<extra></extra>",
                row=1,
                col=column,
            )
        few = {"dtick": 1} if len(places) <= _LARGEST_LABELLED else {}
        settings = {"title": {"text": _AXES[name]}, "showgrid": False, "tickformat": "d"}
        figure.update_xaxes({**settings, **few}, row=1, col=column)
        figure.add_annotation(
            text=f"<b>{_HEADS[name]}</b>",
            x=0.0,
            xref=f"x{'' if column == 1 else column} domain",
            y=1.0,
            yref="y domain",
            xanchor="left",
            yanchor="bottom",
            yshift=8,
            showarrow=False,
            font={"size": 14, "color": INK},
        )
    figure.add_vline(x=0.0, line={"color": MUTED, "width": 1, "dash": "dot"}, layer="below", row=1, col=1)
    top = 1.08 * max(float(ds[name].max()) for name in _DIMS) or 1.0
    figure.update_yaxes(range=[0.0, top], row=1)
    figure.update_yaxes(title={"text": "attention on one frame (attention mass)"}, row=1, col=1)
    figure.update_layout(
        template=TEMPLATE,
        title=title("Attention by distance in time", ["query frames from 1", *facts(ds)]),
        width=960,
        height=_TOP + _PLOT + _BOTTOM + 36,
        margin={"l": 84, "r": 32, "t": _TOP, "b": _BOTTOM + 36},
        legend={"orientation": "h", "x": 0.0, "y": -0.24, "yanchor": "top", "font": {"size": 13}},
    )
    return figure


_HEADS = {"mass": "a generated frame", "reference": "the reference frame"}
_AXES = {"mass": "key frame − query frame: ← earlier   ·   later →", "reference": "query frame (latent)"}
_HOVER = {"mass": "%{x:+d} frames away", "reference": "from query frame %{x}"}
