"""Where a curve over λ, known at a few points, is least or meets a level, and which λ to try next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.interpolate import PchipInterpolator

from dymos_probe.analysis.least import Least, least
from dymos_probe.errors import InputError

DECIMALS = 2
"""Of a λ that is proposed: it becomes part of a condition's name."""

_NARROW = 5.0
"""Tolerances: between two λ further apart than this the fit alone does not tell where the level is."""
_STRIDE = 1.0
"""How far beyond the last λ to look where the curve does not say."""


def least_between(curve: xr.DataArray) -> Least:
    """Return where a curve (lam), such as d(λ), is least, between the λ it is known at.

    Near its least value a divergence is a parabola, so the one through the least point and its two
    neighbours is taken. At the smallest or largest λ, or beside an infinite one, the point itself is.

    Raises
    ------
    InputError
        When the curve has other dims, is empty or holds NaN.
    """
    found = least(curve)
    curve = curve.sortby("lam")
    lams, values = curve["lam"].values.astype(float), curve.values.astype(float)
    at = int(np.argmin(values))
    if found.place != "inside" or not np.isfinite(lams[max(0, at - 1) : at + 2]).all():
        return found
    a, b, c = np.polyfit(lams[at - 1 : at + 2] - lams[at], values[at - 1 : at + 2], 2)
    if not a > 0.0:  # three equal values
        return found
    shift = float(np.clip(-b / (2.0 * a), lams[at - 1] - lams[at], lams[at + 1] - lams[at]))
    # The parabola may dip below zero where a divergence cannot be.
    return Least(lam=float(lams[at]) + shift, value=max(0.0, float(a * shift**2 + b * shift + c)), place="inside")


def crossings(lams: npt.ArrayLike, values: npt.ArrayLike, level: float = 0.0) -> list[float]:
    """Return every λ at which the monotone (PCHIP) curve through the points is ``level``, rising; none gives [].

    Between two points it does not leave their values, so a crossing is only found where points are on both
    sides of the level, or on it.

    Parameters
    ----------
    lams
        Finite, distinct, rising.
    values
        One for each; at least two.
    """
    x, y = np.asarray(lams, dtype=float), np.asarray(values, dtype=float) - level
    if x.size < 2:
        raise InputError(f"a curve needs two points, got {x.size}")
    roots = np.asarray(PchipInterpolator(x, y).solve(0.0, extrapolate=False), dtype=float)
    # A stretch that is on the level comes as its start and NaN; roots at a point may come twice.
    found = np.concatenate([roots[np.isfinite(roots)], x[y == 0.0]])
    found = np.sort(found)
    return [float(root) for at, root in enumerate(found) if at == 0 or root - found[at - 1] > 1e-9]


def nearest_crossing(lams: npt.ArrayLike, values: npt.ArrayLike, level: float = 0.0) -> float | None:
    """Return the crossing nearest to λ = 0, the least intervention that meets the level, or None."""
    found = crossings(lams, values, level)
    return min(found, key=abs) if found else None


def next_strength(
    lams: Sequence[float], gaps: Sequence[float], *, low: float, high: float, tolerance: float
) -> float | None:
    """Return the λ to run next so that ``gaps``, motion minus the level, come to zero; None where that is done.

    Where the points cross the level it is the crossing, unless a λ within ``tolerance`` of it was run. As
    long as the two λ around the crossing are far apart (five tolerances) it is taken from the middle half
    between them and run in any case, since a fit between two far points may be far off.
    Where they do not cross, it lies beyond the last λ: above where motion is lacking, below where there is
    too much, as far as the last two points say, at most twice as far as the last one from 0 or one
    further, and within [low, high]. None too where that end was run.

    Parameters
    ----------
    lams
        Finite, distinct, rising; 0 is among them.
    gaps
        One for each.
    """
    x, y = np.asarray(lams, dtype=float), np.asarray(gaps, dtype=float)
    crossing = nearest_crossing(x, y) if x.size > 1 else (float(x[0]) if y[0] == 0.0 else None)
    if crossing is not None:
        return _towards(crossing, x, tolerance)
    up = y[0] < 0.0
    x, y, end = (x, y, high) if up else (-x[::-1], -y[::-1], -low)
    last = float(x[-1])
    furthest = min(end, max(last + _STRIDE, 2.0 * last))
    slope = (y[-1] - y[-2]) / (x[-1] - x[-2]) if x.size > 1 else 0.0
    wanted = last - float(y[-1]) / slope if slope > 0.0 else last + _STRIDE
    if end - last <= tolerance:
        return None
    # Motion saturates: a line through two points of a curve that flattens ends too soon, again and again.
    chosen = round(float(np.clip(wanted, min(last + _STRIDE / 2.0, furthest), furthest)), DECIMALS)
    return chosen if up else -chosen


def _towards(crossing: float, x: npt.NDArray[np.float64], tolerance: float) -> float | None:
    """Return the λ to run next where the points ``x`` cross the level, or None."""
    if np.abs(x - crossing).min() < 1e-9:
        return None  # a run is on the level
    above = int(np.searchsorted(x, crossing))
    below, width = x[above - 1], x[above] - x[above - 1]
    if width > _NARROW * tolerance:
        return round(float(np.clip(crossing, below + width / 4.0, below + 3.0 * width / 4.0)), DECIMALS)
    return None if np.abs(x - crossing).min() <= tolerance else round(crossing, DECIMALS)
