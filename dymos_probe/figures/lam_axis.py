"""The axis of λ that curves share: finite strengths to scale, infinite ones apart at its ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.labels import strength
from dymos_probe.figures.template import MUTED

_APART = 0.14
"""Room between the outermost finite λ and an infinite one, of the finite span."""
_TICK_ROOM = 0.045
"""Least distance of two ticks, of the finite span."""


@dataclass(frozen=True)
class LamAxis:
    """Where every λ of a curve is drawn."""

    lams: npt.NDArray[np.float64]
    """The strengths, rising."""
    reach: tuple[float, float] | None = None
    """Smallest and largest finite λ of further curves drawn along with it."""

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Which of them lie to scale."""
        return np.isfinite(self.lams)

    @property
    def positions(self) -> npt.NDArray[np.float64]:
        """Place of every λ on the axis."""
        return self.places(self.lams)

    def places(self, lams: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the place of any λ on the axis."""
        low, high = self._span
        room = _APART * (high - low)
        return np.asarray(np.clip(np.asarray(lams, dtype=np.float64), low - room, high + room))

    @property
    def layout(self) -> dict[str, object]:
        """Settings of the x axis."""
        drawn = [*self.positions, *(self.reach or ())]
        low, high = min(drawn), max(drawn)
        margin = 0.06 * max(high - low, 1.0)
        ticks = self._ticks()
        return {
            "title": {"text": "λ: ← reference frame strengthened   ·   weakened →"},
            "range": [low - margin, high + margin],
            "showgrid": False,
            "tickmode": "array",
            "tickvals": [float(self.positions[i]) for i in ticks],
            "ticktext": [strength(self.lams[i]) for i in ticks],
            "ticks": "outside",
            "tickcolor": MUTED,
            "ticklen": 5,
        }

    def mark_untouched(self, figure: go.Figure, *, named: bool = True, **where: Any) -> None:
        """Draw a line at λ = 0 that says what it is; ``where`` is the row and column of a figure of several."""
        if 0.0 not in self.lams:
            return
        zero = int(np.flatnonzero(self.lams == 0.0)[0])
        figure.add_vline(x=0.0, line={"color": MUTED, "width": 1, "dash": "dot"}, layer="below", **where)
        if not named:
            return
        figure.add_annotation(
            x=0.0,
            y=1.0,
            yref="y domain",
            text="untouched I2V model",
            showarrow=False,
            # At an end of the axis the words grow inwards.
            xanchor="center" if 0 < zero < len(self.lams) - 1 else "right" if zero else "left",
            yanchor="bottom",
            yshift=4,
            font={"size": 12, "color": MUTED},
        )

    @property
    def _span(self) -> tuple[float, float]:
        finite = [*self.lams[self.finite].tolist(), *(self.reach or ())]
        if not finite:
            return -1.0, 1.0
        low, high = min(finite), max(finite)
        return (low, high) if high > low else (low - 1.0, high + 1.0)

    def _ticks(self) -> list[int]:
        """Return which λ are labelled: zero and both ends, then as many as there is room for."""
        low, high = self._span
        order = [*np.flatnonzero(self.lams == 0.0), 0, len(self.lams) - 1, *range(len(self.lams))]
        chosen: list[int] = []
        for index in map(int, order):
            gaps = np.abs(self.positions[chosen] - self.positions[index])
            if not len(gaps) or gaps.min() >= _TICK_ROOM * (high - low):
                chosen.append(index)
        return sorted(chosen)


def lam_axis(curve: xr.DataArray | xr.Dataset, what: str, *, also: Sequence[xr.DataArray] = ()) -> LamAxis:
    """Return the axis of ``curve``, whose λ must rise, wide enough for the λ in ``also``.

    Raises
    ------
    InputError
        When it has no coordinate ``lam``, no λ at all, NaN among them, or one twice.
    """
    if "lam" not in curve.coords or not curve.sizes.get("lam"):
        raise InputError(f"a {what} needs the strengths λ as coordinate lam, at least one")
    lams = np.asarray(curve["lam"].values, dtype=np.float64)
    if np.isnan(lams).any() or len(set(lams.tolist())) != len(lams):
        raise InputError(f"a {what} needs every λ once and none NaN, got {', '.join(f'{lam:g}' for lam in lams)}")
    further = np.concatenate([np.asarray(each.values, dtype=np.float64).ravel() for each in also]) if also else lams
    further = further[np.isfinite(further)]
    return LamAxis(lams, (float(further.min()), float(further.max())) if also and len(further) else None)
