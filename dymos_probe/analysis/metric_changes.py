"""A metric under any conditions, each sample compared with itself under one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.metric_curve import metric_names
from dymos_probe.analysis.select import named_condition
from dymos_probe.errors import InputError
from dymos_probe.store.schema import COMPLETE, CONDITION, METRIC_PREFIX, SAMPLE

Values = npt.NDArray[np.float64]


def metric_changes(
    ds: xr.Dataset, name: str, conditions: Sequence[str], *, against: str, samples: Sequence[str] | None = None
) -> xr.Dataset:
    """Return the metric ``name`` under each of ``conditions`` and its change against ``against``, float64, in memory.

    Conditions may be of any kind: controls, schedules, other methods, the T2V arm. Each mean stands on
    the samples measured under that condition, each change on those measured under it and under
    ``against``; so two means may differ by which samples they stand on, a change does not.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    name
        Of the metric, without its prefix.
    conditions
        Ids, in the order of the result.
    against
        Id of the condition every other is compared with.
    samples
        Ids of the samples to take; all by default.

    Returns
    -------
    xarray.Dataset
        Over ``condition``: ``mean``, ``standard_error``, ``count`` (samples measured), ``change``,
        ``change_standard_error``, ``pairs`` (samples measured under both) and ``against_mean`` (the mean
        under ``against`` over these pairs). NaN where there is no sample, and standard errors of one.

    Raises
    ------
    InputError
        When the study has no such metric, condition or sample.
    """
    variable = METRIC_PREFIX + name
    if variable not in ds:
        raise InputError(f"the study has no metric {name!r}; it has {', '.join(metric_names(ds)) or 'none'}")
    asked = [named_condition(ds, label) for label in conditions]
    named_condition(ds, against)
    chosen = [str(label) for label in ds[SAMPLE].values] if samples is None else list(samples)
    missing = [label for label in chosen if label not in ds[SAMPLE].values]
    if missing:
        raise InputError(f"there is no sample {missing[0]!r}; the study has {ds.sizes[SAMPLE]} others")
    # A forgotten run keeps its value in the store until it is made and measured again.
    part = ds[[variable, COMPLETE]].sel({SAMPLE: chosen, CONDITION: list(dict.fromkeys([*asked, against]))}).compute()
    values = part[variable].where(part[COMPLETE]).astype(np.float64)
    base = values.sel({CONDITION: against}).values
    columns = [values.sel({CONDITION: label}).values for label in asked]
    changes = [column - base for column in columns]
    found = {
        "mean": [_mean(column) for column in columns],
        "standard_error": [_error(column) for column in columns],
        "count": [int(np.isfinite(column).sum()) for column in columns],
        "change": [_mean(change) for change in changes],
        "change_standard_error": [_error(change) for change in changes],
        "pairs": [int(np.isfinite(change).sum()) for change in changes],
        "against_mean": [_mean(np.where(np.isfinite(change), base, np.nan)) for change in changes],
    }
    about = {key: ds[variable].attrs[key] for key in ("long_name", "units") if key in ds[variable].attrs}
    result = xr.Dataset({key: (CONDITION, np.asarray(column)) for key, column in found.items()}, {CONDITION: asked})
    for key in ("arm", "lam", "step_ratio", "schedule", "method"):
        result = result.assign_coords({key: (CONDITION, ds[key].sel({CONDITION: asked}).values)})
    return result.assign_attrs(metric=name, against=against, samples_total=len(chosen), **about)


def _known(values: Values) -> Values:
    known: Values = values[np.isfinite(values)]
    return known


def _mean(values: Values) -> float:
    known = _known(values)
    return float(known.mean()) if known.size else np.nan


def _error(values: Values) -> float:
    known = _known(values)
    return float(known.std(ddof=1) / np.sqrt(known.size)) if known.size > 1 else np.nan
