"""``ds.probe``: the analyses as methods of a study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import xarray as xr

from dymos_probe.analysis.counterfactual import counterfactual, counterfactual_distance
from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.divergence import Order, Text, distance
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.matched import matched_strengths
from dymos_probe.analysis.metric_curve import metric_curve
from dymos_probe.analysis.reaction import reaction
from dymos_probe.bias import MatchedTable, Schedule


@xr.register_dataset_accessor("probe")  # type: ignore[no-untyped-call]
class ProbeAccessor:
    """What a study can be asked; each method is the function of the same name."""

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
        early: float = 0.1,
        branch: str = "cond",
        keep: Sequence[str] = (),
    ) -> xr.DataArray:
        """Return ΔA; see :func:`dymos_probe.analysis.difference.difference`."""
        return difference(
            self._ds,
            lam=lam,
            step_ratio=step_ratio,
            schedule=schedule,
            condition=condition,
            early=early,
            branch=branch,
            keep=keep,
        )

    def dominance(
        self,
        *,
        conditions: Sequence[str] | None = None,
        early: float = 1.0,
        branch: str = "cond",
        keep: Sequence[str] = (),
    ) -> xr.DataArray:
        """Return attention on the reference frame; see :func:`dymos_probe.analysis.dominance.dominance`."""
        return dominance(self._ds, conditions=conditions, early=early, branch=branch, keep=keep)

    def distance(
        self,
        *,
        step_ratio: float | None = None,
        schedule: str | None = None,
        order: Order = "mean_first",
        text: Text = "renormalise",
        base: float | None = None,
        early: float = 0.1,
        branch: str = "cond",
        keep: Sequence[str] = (),
    ) -> xr.DataArray:
        """Return d(λ); see :func:`dymos_probe.analysis.divergence.distance`."""
        return distance(
            self._ds,
            step_ratio=step_ratio,
            schedule=schedule,
            order=order,
            text=text,
            base=base,
            early=early,
            branch=branch,
            keep=keep,
        )

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
        early: float = 0.1,
        branch: str = "cond",
        keep: Sequence[str] = (),
    ) -> xr.Dataset:
        """Return the maps λ gives by its direct effect; see :func:`dymos_probe.analysis.counterfactual`."""
        return counterfactual(
            self._ds,
            lam=lam,
            condition=condition,
            step_ratio=step_ratio,
            schedule=schedule,
            matched=matched,
            early=early,
            branch=branch,
            keep=keep,
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
        early: float = 0.1,
        branch: str = "cond",
        keep: Sequence[str] = (),
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
            early=early,
            branch=branch,
            keep=keep,
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
        early: float = 0.1,
        branch: str = "cond",
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
            early=early,
            branch=branch,
        )

    def matched_strengths(self, *, step_ratio: float = 1.0, branch: str = "cond") -> xr.DataArray:
        """Return the λ that match T2V's reference mass; see :func:`dymos_probe.analysis.matched.matched_strengths`."""
        return matched_strengths(self._ds, step_ratio=step_ratio, branch=branch)
