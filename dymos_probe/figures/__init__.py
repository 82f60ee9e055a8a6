"""Figures: labelled data in, plotly figure out, one figure a module."""

from dymos_probe.figures.arm_maps import arm_maps
from dymos_probe.figures.change_plot import change_plot
from dymos_probe.figures.dark import on_dark
from dymos_probe.figures.difference_map import difference_map
from dymos_probe.figures.distance_curve import distance_curve
from dymos_probe.figures.dominance_by_step import dominance_by_step
from dymos_probe.figures.frame_strip import frame_strip
from dymos_probe.figures.head_grid import head_grid
from dymos_probe.figures.metric_curve import metric_curve
from dymos_probe.figures.motion_and_quality import motion_and_quality
from dymos_probe.figures.overhead_table import overhead_table
from dymos_probe.figures.preference_shares import preference_shares
from dymos_probe.figures.reference_attention import reference_attention
from dymos_probe.figures.template import TEMPLATE
from dymos_probe.figures.temporal_profile import temporal_profile
from dymos_probe.figures.time_slice import time_slice
from dymos_probe.figures.write import write_html, write_png

__all__ = [
    "TEMPLATE",
    "arm_maps",
    "change_plot",
    "difference_map",
    "distance_curve",
    "dominance_by_step",
    "frame_strip",
    "head_grid",
    "metric_curve",
    "motion_and_quality",
    "on_dark",
    "overhead_table",
    "preference_shares",
    "reference_attention",
    "temporal_profile",
    "time_slice",
    "write_html",
    "write_png",
]
