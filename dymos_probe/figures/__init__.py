"""Figures: labelled data in, plotly figure out, one figure a module."""

from dymos_probe.figures.difference_map import difference_map
from dymos_probe.figures.distance_curve import distance_curve
from dymos_probe.figures.frame_strip import frame_strip
from dymos_probe.figures.metric_curve import metric_curve
from dymos_probe.figures.preference_shares import preference_shares
from dymos_probe.figures.template import TEMPLATE
from dymos_probe.figures.write import write_html, write_png

__all__ = [
    "TEMPLATE",
    "difference_map",
    "distance_curve",
    "frame_strip",
    "metric_curve",
    "preference_shares",
    "write_html",
    "write_png",
]
