"""Moments and spans of time in words."""

from __future__ import annotations

from datetime import UTC, datetime

from dymos_probe.figures.labels import counted

_SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def ago(when: datetime | None) -> str:
    """Return how long ago something was, and when, UTC."""
    if when is None:
        return "at an unknown time"
    seconds = max(0, int((datetime.now(UTC) - when).total_seconds()))
    for length, noun in _SPANS:
        if seconds >= length:
            return f"{counted(seconds // length, noun)} ago ({when:%Y-%m-%d %H:%M} UTC)"
    return "just now"


def span(seconds: float) -> str:
    """Return a span in the largest unit of which it has two, rounded up: ``12 s``, ``3 min``, ``5 h``."""
    for length, unit in ((3_600, "h"), (60, "min")):
        if seconds > 2 * length:
            return f"{-int(-seconds // length)} {unit}"
    return f"{max(1, -int(-seconds // 1))} s"
