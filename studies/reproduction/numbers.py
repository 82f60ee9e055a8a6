"""How numbers with their errors are written on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dymos_probe.figures.labels import MINUS, strength, with_error

NONE = "—"
"""Where there is no number."""


def pm(mean: float | None, error: float | None) -> str:
    """Return ``1.40 ± 0.26``: two digits of the error, and the mean to the same place."""
    return NONE if mean is None else with_error(mean, math.nan if error is None else error)


def signed_pm(mean: float | None, error: float | None) -> str:
    """Return the same with a plus before what is above zero."""
    text = pm(mean, error)
    return text if mean is None or mean <= 0 else f"+{text}"


def relative(share: float) -> str:
    """Return a relative change: ``+11.7 %``."""
    text = f"{100.0 * share:+.1f}".replace("-", MINUS)
    return f"{'0' if not float(text[1:]) else text} %"


def percent(share: float) -> str:
    """Return a share as a percentage without decimals."""
    return f"{100.0 * share:.0f} %"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def cell(measured: Mapping[str, Any]) -> str:
    """Return the mean of a measured metric and how many samples have a value."""
    return f"{pm(measured['mean'], measured['standard_error'])} ({measured['count']})"


def lam_name(lam: float) -> str:
    """Return ``λ = −1``."""
    return f"λ = {strength(lam)}"
