"""How strongly ALG filters at a denoising step: a weight in [0, 1] over the fraction of the steps done.

A step is s = i/(S−1), from 0 at the first to 1 at the last; of a single step it is 0. Schedules as in
https://github.com/choi403/ALG.
"""

from __future__ import annotations

import math


def step_fraction(step: int, steps: int) -> float:
    """Return s = i/(S−1) of the 0-based ``step``, in [0, 1]."""
    return step / (steps - 1) if steps > 1 else 0.0


def interval(fraction: float, *, start: float, end: float) -> float:
    """Return 1 where start ≤ s ≤ end, both ends included, else 0."""
    return float(start <= fraction <= end)


def linear(fraction: float, *, start_weight: float, end_weight: float, end_time: float) -> float:
    """Return the straight line from ``start_weight`` at s = 0 to ``end_weight`` at s = ``end_time``, constant after."""
    return start_weight + (end_weight - start_weight) * min(fraction / end_time, 1.0)


def exponential(fraction: float, *, decay_rate: float) -> float:
    """Return exp(−decay_rate·s)."""
    return math.exp(-decay_rate * fraction)
