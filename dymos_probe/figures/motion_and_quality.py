"""What λ gives in motion and what it costs in quality, one above the other (Fig. 3b)."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from dymos_probe.figures.facts import title
from dymos_probe.figures.lam_axis import lam_axis
from dymos_probe.figures.metric_curve import mean_in_words
from dymos_probe.figures.metric_panel import checked_metric, draw_metric
from dymos_probe.figures.template import TEMPLATE

_TOP, _BOTTOM, _PANEL, _GAP = 106, 70, 210, 34


def motion_and_quality(motion: xr.Dataset, quality: xr.Dataset) -> go.Figure:
    """Return two metrics over the same λ as two panels, motion above quality, each with its T2V level.

    Two panels rather than one with two scales: where curves of different units cross says nothing.

    Parameters
    ----------
    motion, quality
        What ``ds.probe.metric_curve(name)`` returns, each with its own unit and λ.

    Raises
    ------
    InputError
        When one lacks a variable or has other dims, a mean is NaN, or a λ is missing, NaN or there twice.
    """
    both = [checked_metric(ds, f"curve of {what}") for what, ds in (("motion", motion), ("quality", quality))]
    lams = np.union1d(*(ds["lam"].values for ds in both))
    axis = lam_axis(xr.Dataset(coords={"lam": lams}), "curve of motion and quality")
    height = 2 * _PANEL + _GAP
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=_GAP / height)
    figure.update_layout(template=TEMPLATE)
    for row, ds in enumerate(both, start=1):
        draw_metric(figure, axis, ds, height=_PANEL, row=row)
        axis.mark_untouched(figure, named=row == 1, row=row, col=1)
    layout = axis.layout
    figure.update_xaxes({**layout, "title": {"text": ""}, "ticks": "", "showticklabels": False}, row=1, col=1)
    figure.update_xaxes(layout, row=2, col=1)
    said, *others = (mean_in_words(ds) for ds in both)
    if others != [said]:
        counts = [ds.attrs.get("samples_used", "?") for ds in both]
        said = [f"means ± standard errors, {counts[0]} samples above, {counts[1]} below"]
    figure.update_layout(
        title=title("Motion and quality over λ", ["I2V over λ, and the T2V level", *said]),
        width=760,
        height=_TOP + height + _BOTTOM,
        margin={"l": 92, "r": 130, "t": _TOP, "b": _BOTTOM},
    )
    return figure
