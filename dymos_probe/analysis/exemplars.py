"""Samples to look at: not the first ones, but what λ does most, middling and least."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from dymos_probe.analysis.metric_curve import metric_names
from dymos_probe.analysis.select import complete_samples
from dymos_probe.store.schema import CONDITION, METRIC_PREFIX, SAMPLE


class Exemplar(NamedTuple):
    """A sample, and what it is an example of."""

    sample: str
    why: str
    """Such as ``changed most by λ, of 16 (optical flow)``; empty where nothing tells samples apart."""


def exemplars(ds: xr.Dataset, conditions: Sequence[str], *, over: Sequence[str]) -> list[Exemplar]:
    """Return up to three samples that are complete under ``conditions``.

    They are those whose metric spreads most, middling and least over the conditions ``over``, by the
    first metric of the study that is measured in all of them; without one, the first three.

    Raises
    ------
    InputError
        When no sample is complete under every condition.
    """
    samples = complete_samples(ds, conditions)
    if len(samples) > 3 and len(over) > 1:
        for name in metric_names(ds):
            variable = ds[METRIC_PREFIX + name].sel({SAMPLE: samples, CONDITION: list(over)})
            values = variable.astype(np.float64).compute()
            if bool(values.notnull().all()):
                spread = (values.max(CONDITION) - values.min(CONDITION)).values
                order = np.argsort(-spread, kind="stable")
                what = str(variable.attrs.get("long_name", name))
                picked = {
                    "changed most by λ": order[0],
                    "changed middlingly by λ": order[len(order) // 2],
                    "changed least by λ": order[-1],
                }
                return [Exemplar(samples[i], f"{how}, of {len(samples)} ({what})") for how, i in picked.items()]
    return [Exemplar(sample, "") for sample in samples[:3]]
