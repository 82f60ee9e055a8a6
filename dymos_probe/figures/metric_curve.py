"""A metric over λ beside its level in the T2V model."""

from __future__ import annotations

import plotly.graph_objects as go
import xarray as xr

from dymos_probe.figures.facts import title
from dymos_probe.figures.labels import counted
from dymos_probe.figures.lam_axis import lam_axis
from dymos_probe.figures.metric_panel import checked_metric, draw_metric
from dymos_probe.figures.template import TEMPLATE

_TOP, _BOTTOM, _PLOT = 106, 70, 264


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
    ds = checked_metric(ds, "metric curve")
    axis = lam_axis(ds, "metric curve")
    figure = go.Figure(layout={"template": TEMPLATE})
    draw_metric(figure, axis, ds, height=_PLOT)
    axis.mark_untouched(figure)
    name = str(ds.attrs.get("long_name", "metric"))
    figure.update_layout(
        title=title(name[:1].upper() + name[1:], ["I2V over λ, and the T2V level", *mean_in_words(ds)]),
        width=760,
        height=_TOP + _PLOT + _BOTTOM,
        margin={"l": 92, "r": 130, "t": _TOP, "b": _BOTTOM},
        xaxis=axis.layout,
    )
    return figure


def mean_in_words(ds: xr.Dataset) -> list[str]:
    """Return what the points are means of, nothing where the data does not say."""
    if "samples_used" not in ds.attrs:
        return []
    count = int(ds.attrs["samples_used"])
    return [f"mean{' ± standard error' if count > 1 else ''} of {counted(count, 'sample')}"]
