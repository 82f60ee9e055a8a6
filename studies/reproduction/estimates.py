"""Numbers of recorded runs as JSON values: means with standard errors, paired changes, attention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis import metric_changes
from dymos_probe.store.schema import CONDITION

Json = dict[str, Any]


def measured(ds: xr.Dataset, metrics: Sequence[str], condition: str, *, samples: Sequence[str] | None = None) -> Json:
    """Return ``{metric: {mean, standard_error, count}}`` under one condition."""
    found: Json = {}
    for name in metrics:
        row = metric_changes(ds, name, [condition], against=condition, samples=samples).isel({CONDITION: 0})
        found[name] = {key: number_or_none(row[key].item()) for key in ("mean", "standard_error", "count")}
    return found


def change(ds: xr.Dataset, metric: str, *, at: str, against: str, samples: Sequence[str] | None = None) -> Json:
    """Return the paired change of a metric from ``against`` to ``at``, and both means over the pairs."""
    row = metric_changes(ds, metric, [at], against=against, samples=samples).isel({CONDITION: 0})
    first = None if not int(row["pairs"]) else float(row["against_mean"])
    return {
        "mean": number_or_none(float(row["change"])),
        "standard_error": number_or_none(float(row["change_standard_error"])),
        "pairs": int(row["pairs"]),
        "from": first,
        "to": None if first is None else first + float(row["change"]),
    }


def changes(ds: xr.Dataset, metric: str, conditions: Sequence[str]) -> list[Json]:
    """Return the paired change from each condition to the next."""
    return [change(ds, metric, at=after, against=before) for before, after in pairwise(conditions)]


def of_samples(values: npt.ArrayLike) -> Json:
    """Return mean and standard error of one value a sample, as a change."""
    array = np.asarray(values, dtype=np.float64)
    error = float(array.std(ddof=1) / np.sqrt(array.size)) if array.size > 1 else None
    return {"mean": float(array.mean()), "standard_error": error, "pairs": int(array.size)}


def number_or_none(value: float) -> float | None:
    """Return a number, None for NaN."""
    return None if value != value else value  # JSON has no NaN
