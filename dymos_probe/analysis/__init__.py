"""Analyses: labelled data in, labelled data out, lazily, without torch."""

from dymos_probe.analysis.accessor import ProbeAccessor
from dymos_probe.analysis.counterfactual import counterfactual, counterfactual_distance
from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.distance_minimum import distance_minimum
from dymos_probe.analysis.divergence import distance, jensen_shannon
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.entropy import entropy
from dymos_probe.analysis.heads import heads
from dymos_probe.analysis.interval import interval
from dymos_probe.analysis.maps import maps
from dymos_probe.analysis.metric_changes import metric_changes
from dymos_probe.analysis.metric_curve import metric_curve
from dymos_probe.analysis.profile import profile
from dymos_probe.analysis.window import WindowOptions

__all__ = [
    "ProbeAccessor",
    "WindowOptions",
    "counterfactual",
    "counterfactual_distance",
    "difference",
    "distance",
    "distance_minimum",
    "dominance",
    "entropy",
    "heads",
    "interval",
    "jensen_shannon",
    "maps",
    "matched_strengths",
    "metric_changes",
    "metric_curve",
    "profile",
    "reaction",
]
