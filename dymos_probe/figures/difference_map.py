"""ΔA as a heat map: where the I2V model looks that its T2V counterpart does not (Fig. 2b)."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.figures.cell_texts import write_cell_texts
from dymos_probe.figures.facts import facts, title
from dymos_probe.figures.frame_axes import (
    LARGEST_LABELLED,
    Frames,
    Values,
    cell_texts,
    checked_map,
    frame_axes,
    frames_of,
    mark_reference,
    reference_mean,
)
from dymos_probe.figures.labels import MINUS
from dymos_probe.figures.template import DIVERGING, INK, MUTED, TEMPLATE
from dymos_probe.store.schema import KEY_FRAME, QUERY_FRAME


def difference_map(da: xr.DataArray) -> go.Figure:
    """Return the heat map of one attention difference.

    Query frames run down, key frames to the right; the colours are centred on zero, and the
    reference frame's column is outlined. The line below the title says what was averaged, and of
    which layer or head the map is where it is of one.

    Parameters
    ----------
    da
        ΔA (query_frame, key_frame), attention mass, as ``ds.probe.difference()`` returns it.

    Raises
    ------
    InputError
        When it has other dims, or holds NaN.
    """
    da = checked_map(da, "a difference map")
    values = np.asarray(da.values, dtype=np.float64)
    queries, keys = frames_of(da, QUERY_FRAME), frames_of(da, KEY_FRAME)
    figure = go.Figure(_heatmap(values, queries, keys), layout={"template": TEMPLATE})
    write_cell_texts(figure, 12)
    _name_reference(figure, values, queries, keys)
    side = max(46 * max(len(queries), len(keys)), 320) if len(keys) <= LARGEST_LABELLED else 720
    across, down = frame_axes(queries, keys)
    figure.update_layout(
        title=title("Attention difference between latent frames, I2V − T2V", facts(da)),
        width=side + 260,
        height=side + 190,
        margin={"l": 76, "r": 150, "t": 112, "b": 70},
        xaxis=across,
        yaxis=down,
    )
    return figure


def _heatmap(values: Values, queries: Frames, keys: Frames) -> go.Heatmap:
    # A map of zeros still needs a range, or plotly chooses one that is not centred.
    limit = float(np.abs(values).max()) or 1.0
    small = len(keys) <= LARGEST_LABELLED
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
        text=cell_texts(values, signed=True) if small else None,
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


def _name_reference(figure: go.Figure, values: Values, queries: Frames, keys: Frames) -> None:
    if not mark_reference(figure, queries, keys):
        return
    mean = reference_mean(values, queries, keys)
    figure.add_annotation(
        x=-0.5,
        y=queries.min() - 0.5,
        text="<b>reference frame</b>"
        + ("" if mean is None else f"  mean over later query frames {mean:+.3f}".replace("-", MINUS)),
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        yshift=6,
        font={"size": 13, "color": INK},
    )
