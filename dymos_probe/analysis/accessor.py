"""``ds.probe``: the analyses as methods of a study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

import xarray as xr

from dymos_probe.analysis.counterfactual import counterfactual, counterfactual_distance
from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.distance_minimum import distance_minimum
from dymos_probe.analysis.divergence import Order, Text, distance
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.entropy import entropy
from dymos_probe.analysis.heads import heads
from dymos_probe.analysis.interval import interval
from dymos_probe.analysis.maps import maps
from dymos_probe.analysis.matched import matched_strengths
from dymos_probe.analysis.metric_curve import metric_curve
from dymos_probe.analysis.profile import profile
from dymos_probe.analysis.reaction import reaction
from dymos_probe.analysis.window import WindowOptions
from dymos_probe.bias import MatchedTable, Schedule


@xr.register_dataset_accessor("probe")  # type: ignore[no-untyped-call]
class ProbeAccessor:
    """What a study can be asked; each method is the function of the same name.

    ``options`` are those of the window, `dymos_probe.analysis.window.WindowOptions`: early or steps,
    layers, heads, samples, branch.
    """

    def __init__(self, ds: xr.Dataset) -> None:
        """Hold the dataset."""
        self._ds = ds

    def difference(
        self,
        *,
        lam: float = 0.0,
        step_ratio: float | None = None,
        schedule: str | None = None,
        condition: str | None = None,
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.DataArray:
        """Return ΔA; see :func:`dymos_probe.analysis.difference.difference`."""
        return difference(
            self._ds,
            lam=lam,
            step_ratio=step_ratio,
            schedule=schedule,
            condition=condition,
            keep=keep,
            **options,
        )

    def maps(
        self,
        *,
        conditions: Sequence[str] | None = None,
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.DataArray:
        """Return A of any conditions; see :func:`dymos_probe.analysis.maps.maps`."""
        return maps(self._ds, conditions=conditions, keep=keep, **options)

    def dominance(
        self,
        *,
        conditions: Sequence[str] | None = None,
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.DataArray:
        """Return attention on the reference frame; see :func:`dymos_probe.analysis.dominance.dominance`."""
        return dominance(self._ds, conditions=conditions, keep=keep, **options)

    def distance(
        self,
        *,
        step_ratio: float | None = None,
        schedule: str | None = None,
        order: Order = "mean_first",
        text: Text = "renormalise",
        base: float | None = None,
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.DataArray:
        """Return d(λ); see :func:`dymos_probe.analysis.divergence.distance`."""
        return distance(
            self._ds,
            step_ratio=step_ratio,
            schedule=schedule,
            order=order,
            text=text,
            base=base,
            keep=keep,
            **options,
        )

    def distance_minimum(
        self, *, level: float = 0.95, resamples: int = 2000, seed: int = 0, **options: Any
    ) -> xr.Dataset:
        """Return the λ of least d(λ); see :func:`dymos_probe.analysis.distance_minimum.distance_minimum`."""
        return distance_minimum(self._ds, level=level, resamples=resamples, seed=seed, **options)

    def profile(
        self,
        *,
        conditions: Sequence[str] | None = None,
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.Dataset:
        """Return attention by distance in time; see :func:`dymos_probe.analysis.profile.profile`."""
        return profile(self._ds, conditions=conditions, keep=keep, **options)

    def entropy(
        self,
        *,
        conditions: Sequence[str] | None = None,
        text: Text = "renormalise",
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.DataArray:
        """Return how widely attention spreads; see :func:`dymos_probe.analysis.entropy.entropy`."""
        return entropy(self._ds, conditions=conditions, text=text, keep=keep, **options)

    def heads(self, *, condition: str | None = None, clusters: int = 4, **options: Unpack[WindowOptions]) -> xr.Dataset:
        """Return layers × heads ranked by what they carry; see :func:`dymos_probe.analysis.heads.heads`."""
        return heads(self._ds, condition=condition, clusters=clusters, **options)

    def interval(
        self, name: str, *, level: float = 0.95, resamples: int = 2000, seed: int = 0, **options: Any
    ) -> xr.Dataset:
        """Return an analysis with its bootstrap interval; see :func:`dymos_probe.analysis.interval.interval`."""
        return interval(self._ds, name, level=level, resamples=resamples, seed=seed, **options)

    def metric_curve(self, name: str, *, step_ratio: float | None = None, schedule: str | None = None) -> xr.Dataset:
        """Return a metric over λ; see :func:`dymos_probe.analysis.metric_curve.metric_curve`."""
        return metric_curve(self._ds, name, step_ratio=step_ratio, schedule=schedule)

    def counterfactual(
        self,
        lam: float | Iterable[float],
        *,
        condition: str | None = None,
        step_ratio: float = 1.0,
        schedule: Schedule = "uniform",
        matched: MatchedTable | None = None,
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.Dataset:
        """Return the maps λ gives by its direct effect; see :func:`dymos_probe.analysis.counterfactual`."""
        return counterfactual(
            self._ds,
            lam=lam,
            condition=condition,
            step_ratio=step_ratio,
            schedule=schedule,
            matched=matched,
            keep=keep,
            **options,
        )

    def counterfactual_distance(
        self,
        lam: float | Iterable[float],
        *,
        condition: str | None = None,
        step_ratio: float = 1.0,
        schedule: Schedule = "uniform",
        matched: MatchedTable | None = None,
        order: Order = "mean_first",
        text: Text = "renormalise",
        base: float | None = None,
        keep: Sequence[str] = (),
        **options: Unpack[WindowOptions],
    ) -> xr.DataArray:
        """Return d(λ) by the direct effect; see :func:`dymos_probe.analysis.counterfactual.counterfactual_distance`."""
        return counterfactual_distance(
            self._ds,
            lam=lam,
            condition=condition,
            step_ratio=step_ratio,
            schedule=schedule,
            matched=matched,
            order=order,
            text=text,
            base=base,
            keep=keep,
            **options,
        )

    def reaction(
        self,
        *,
        step_ratio: float | None = None,
        schedule: str | None = None,
        matched: MatchedTable | None = None,
        order: Order = "mean_first",
        text: Text = "renormalise",
        base: float | None = None,
        **options: Unpack[WindowOptions],
    ) -> xr.Dataset:
        """Return λ's effect in its direct part and the reaction; see :mod:`dymos_probe.analysis.reaction`."""
        return reaction(
            self._ds,
            step_ratio=step_ratio,
            schedule=schedule,
            matched=matched,
            order=order,
            text=text,
            base=base,
            **options,
        )

    def matched_strengths(self, *, step_ratio: float = 1.0, branch: str = "cond") -> xr.DataArray:
        """Return the λ that match T2V's reference mass; see :func:`dymos_probe.analysis.matched.matched_strengths`."""
        return matched_strengths(self._ds, step_ratio=step_ratio, branch=branch)
