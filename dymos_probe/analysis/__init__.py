"""Analyses: labelled data in, labelled data out, lazily, without torch."""

from dymos_probe.analysis.accessor import ProbeAccessor
from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.divergence import distance, jensen_shannon
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.metric_changes import metric_changes
from dymos_probe.analysis.metric_curve import metric_curve

__all__ = [
    "ProbeAccessor",
    "difference",
    "distance",
    "dominance",
    "jensen_shannon",
    "metric_changes",
    "metric_curve",
]
