"""How widely the generated frames spread their attention over frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import entr

from dymos_probe.analysis.divergence import Text, check_text, distributions
from dymos_probe.analysis.mean import mean_over
from dymos_probe.analysis.select import check_keep, same_samples
from dymos_probe.analysis.window import WindowOptions, window
from dymos_probe.errors import InputError
from dymos_probe.store.schema import CONDITION, HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

_KEPT = (SAMPLE, STEP, LAYER, HEAD, QUERY_FRAME)


def entropy(
    ds: xr.Dataset,
    *,
    conditions: Sequence[str] | None = None,
    text: Text = "renormalise",
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
) -> xr.DataArray:
    """Return the mean entropy −Σ_g A[f,g]·ln A[f,g] of rows f ≥ 1, nats, float64 (condition, *kept dims), lazy.

    It lies between 0, all attention on one frame, and ln F, the same on all F (ln(F + 1) with the text
    as a bin). The entropy of every recorded row is taken and then averaged: that of the mean map would
    call heads with opposite, sharp choices undecided. Every condition stands on the same samples.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    conditions
        Ids to take; all by default.
    text
        ``renormalise`` takes rows scaled to one over the video frames; ``bin`` keeps the mass on text
        tokens as one more bin.
    keep
        Dims not averaged: any of sample, step, layer, head, query_frame (from 1).
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads,
        samples, branch.

    Raises
    ------
    InputError
        When a choice does not exist, or no sample is complete in every condition.
    """
    check_keep(keep, _KEPT)
    check_text(text)
    within = window(ds, options, early=0.1)
    started, samples, dropped = same_samples(ds, conditions, among=within.samples)
    rows = distributions(ds, started, samples, within=within, text=text, keep=(SAMPLE, STEP, LAYER, HEAD))
    each: xr.DataArray = xr.apply_ufunc(
        _entropy, rows, input_core_dims=[[KEY_FRAME]], dask="parallelized", output_dtypes=[np.float64]
    )
    result = mean_over(each, [str(dim) for dim in each.dims if dim not in (CONDITION, *keep)])
    return (
        result.transpose(CONDITION, *keep)
        .rename("entropy")
        .assign_attrs(
            long_name="entropy of attention over frames, mean over query frames f ≥ 1",
            units="nats",
            text=text,
            **within.attrs(ds, samples),
            conditions_dropped=", ".join(dropped),
        )
    )


def _entropy(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    total = rows.sum(axis=-1, keepdims=True)
    # An empty block is how dask asks for the type of the result.
    if rows.size and not (np.min(rows) >= 0.0 and np.min(total) > 0.0):
        raise InputError("an entropy needs masses that are not negative, not NaN, and above zero in sum")
    return np.asarray(entr(rows / total).sum(axis=-1))
