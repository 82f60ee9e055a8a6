"""Figures: labelled data in, plotly figure out, one figure a module."""

from dymos_probe.figures.difference_map import difference_map
from dymos_probe.figures.template import TEMPLATE
from dymos_probe.figures.write import write_html, write_png

__all__ = ["TEMPLATE", "difference_map", "write_html", "write_png"]
