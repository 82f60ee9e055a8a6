"""Paired changes of a metric, one line a condition: what each does, and how surely."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.labels import counted, with_error
from dymos_probe.figures.template import INK, MUTED, PALETTE, TEMPLATE
from dymos_probe.store.schema import CONDITION

_NEEDED = ("change", "change_standard_error", "pairs")


def change_plot(ds: xr.Dataset, labels: Mapping[str, str], *, against: str) -> go.Figure:
    """Return a dot with ± two standard errors for each condition, first on top, and zero as a line.

    A condition without a pair of samples keeps its line, which says so.

    Parameters
    ----------
    ds
        What `dymos_probe.analysis.metric_changes` returns; attrs ``long_name`` and ``units`` name the axis.
    labels
        Id of each condition drawn, in order, and what it is called.
    against
        What the condition compared with is called.

    Raises
    ------
    InputError
        When there is nothing to draw, a variable is missing, or a condition is not in ``ds``.
    """
    for name in _NEEDED:
        if name not in ds or ds[name].dims != (CONDITION,):
            raise InputError(f"a change plot needs {name} over condition, as metric_changes returns it")
    unknown = [label for label in labels if label not in ds[CONDITION].values]
    if unknown or not labels:
        raise InputError(f"a change plot needs conditions of its data, got {unknown[0] if unknown else 'none'}")
    ds = ds.sel({CONDITION: list(labels)}).compute()
    change, error, pairs = (np.asarray(ds[name].values, dtype=np.float64) for name in _NEEDED)
    places = np.arange(len(labels), dtype=np.float64)
    known = np.isfinite(change)
    units = str(ds.attrs.get("units", "1"))
    name = str(ds.attrs.get("long_name", "metric"))
    figure = go.Figure(layout={"template": TEMPLATE})
    figure.add_vline(x=0.0, line={"color": MUTED, "width": 1, "dash": "dot"}, layer="below")
    figure.add_scatter(
        x=change[known],
        y=places[known],
        error_x={"array": 2.0 * np.nan_to_num(error[known]), "color": PALETTE[0], "thickness": 2, "width": 6},
        mode="markers",
        marker={"size": 11, "color": PALETTE[0]},
        hoverinfo="skip",
        showlegend=False,
    )
    for place, value, spread, count in zip(places, change, error, pairs, strict=True):
        figure.add_annotation(
            x=1.0,
            xref="x domain",
            y=place,
            text=_said(float(value), float(spread), int(count)),
            showarrow=False,
            xanchor="left",
            xshift=14,
            font={"size": 13, "color": INK},
        )
    figure.update_layout(
        title={"text": _title(name, against, ds), "y": 1.0, "yanchor": "top", "pad": {"t": 22, "l": 24}},
        width=860,
        height=186 + 44 * len(labels),
        margin={"l": 40 + 8 * max(map(len, labels.values())), "r": 220, "t": 96, "b": 66},
        xaxis={"title": {"text": f"change of {name}" + ("" if units == "1" else f" ({units})")}},
        yaxis={
            "range": [len(labels) - 0.4, -0.6],
            "tickvals": places.tolist(),
            "ticktext": list(labels.values()),
            "tickfont": {"size": 14, "color": INK},
            "ticklabelstandoff": 8,
            "showgrid": False,
        },
    )
    return figure


def _said(change: float, error: float, pairs: int) -> str:
    if not pairs:
        return "no pair measured"
    return f"{'+' if change > 0.0 else ''}{with_error(change, error)}  ({counted(pairs, 'pair')})"


def _title(name: str, against: str, ds: xr.Dataset) -> str:
    facts = (
        f"each sample against itself · mean ± 2 standard errors · {counted(int(ds.attrs['samples_total']), 'sample')}"
    )
    return (
        f"{name[:1].upper()}{name[1:]}: change against {against}"
        f"<br><span style='font-size:13px;color:{MUTED}'>{facts}</span>"
    )
