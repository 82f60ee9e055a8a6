"""Analyses: labelled data in, labelled data out, lazily, without torch."""

from dymos_probe.analysis.accessor import ProbeAccessor
from dymos_probe.analysis.counterfactual import counterfactual, counterfactual_distance
from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.divergence import distance, jensen_shannon
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.matched import matched_strengths
from dymos_probe.analysis.metric_curve import metric_curve
from dymos_probe.analysis.reaction import reaction

__all__ = [
    "ProbeAccessor",
    "counterfactual",
    "counterfactual_distance",
    "difference",
    "distance",
    "dominance",
    "jensen_shannon",
    "matched_strengths",
    "metric_curve",
    "reaction",
]
