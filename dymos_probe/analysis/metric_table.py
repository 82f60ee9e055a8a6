"""What the videos of one sample measure, condition by condition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from dymos_probe.analysis.metric_curve import metric_names
from dymos_probe.analysis.select import named_condition
from dymos_probe.errors import InputError
from dymos_probe.store.schema import COMPLETE, CONDITION, METRIC_PREFIX, SAMPLE


def metric_table(ds: xr.Dataset, sample: str, *, conditions: Sequence[str] | None = None) -> xr.Dataset:
    """Return every metric of one sample over its conditions, float64 (condition), in memory.

    NaN is what is not measured, also where a run was dropped and is not made again yet. Variables are
    named as :func:`~dymos_probe.analysis.metric_curve.metric_names` names them, and keep their attrs; a study
    without metrics gives none. The labels of the sample and the conditions come along.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    sample
        Id.
    conditions
        Ids, in the order of the rows; all by default.

    Raises
    ------
    InputError
        When the study has no such sample or condition.
    """
    if sample not in ds[SAMPLE].values:
        raise InputError(f"there is no sample {sample!r}; the study has {ds.sizes[SAMPLE]} others")
    rows = [named_condition(ds, each) for each in (ds[CONDITION].values if conditions is None else conditions)]
    one = ds.sel({SAMPLE: sample, CONDITION: [str(row) for row in rows]})
    labels = {name: values for name, values in one.coords.items() if set(values.dims) <= {CONDITION}}
    there = one[COMPLETE].compute()
    metrics = {
        name: one[METRIC_PREFIX + name].compute().where(there).astype(np.float64).variable for name in metric_names(ds)
    }
    return xr.Dataset(
        {name: (CONDITION, values.values, ds[METRIC_PREFIX + name].attrs) for name, values in metrics.items()}, labels
    )
