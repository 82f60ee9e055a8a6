"""``ds.probe``: the analyses as methods of a study."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import xarray as xr

from dymos_probe.analysis.counterfactual import counterfactual, counterfactual_distance
from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.distance_minimum import distance_minimum
from dymos_probe.analysis.divergence import distance
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.entropy import entropy
from dymos_probe.analysis.heads import heads
from dymos_probe.analysis.interval import interval
from dymos_probe.analysis.maps import maps
from dymos_probe.analysis.matched import matched_strengths
from dymos_probe.analysis.metric_changes import metric_changes
from dymos_probe.analysis.metric_curve import metric_curve
from dymos_probe.analysis.profile import profile
from dymos_probe.analysis.reaction import reaction

P = ParamSpec("P")
T = TypeVar("T")


def _of_the_study(analysis: Callable[Concatenate[xr.Dataset, P], T]) -> Callable[Concatenate[ProbeAccessor, P], T]:
    """Return an analysis as a method, which gives it the study: the same arguments, the same help."""

    @wraps(analysis)
    def method(self: ProbeAccessor, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return analysis(self._ds, *args, **kwargs)

    signature = inspect.signature(analysis)
    _, *others = signature.parameters.values()
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = signature.replace(parameters=[itself, *others])  # type: ignore[attr-defined]
    return method


@xr.register_dataset_accessor("probe")  # type: ignore[no-untyped-call]
class ProbeAccessor:
    """What a study can be asked; each method is the function of the same name, ``ds`` being the study."""

    def __init__(self, ds: xr.Dataset) -> None:
        """Hold the dataset."""
        self._ds = ds

    counterfactual = _of_the_study(counterfactual)
    counterfactual_distance = _of_the_study(counterfactual_distance)
    difference = _of_the_study(difference)
    distance = _of_the_study(distance)
    distance_minimum = _of_the_study(distance_minimum)
    dominance = _of_the_study(dominance)
    entropy = _of_the_study(entropy)
    heads = _of_the_study(heads)
    interval = _of_the_study(interval)
    maps = _of_the_study(maps)
    matched_strengths = _of_the_study(matched_strengths)
    metric_changes = _of_the_study(metric_changes)
    metric_curve = _of_the_study(metric_curve)
    profile = _of_the_study(profile)
    reaction = _of_the_study(reaction)
