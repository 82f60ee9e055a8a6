"""How sure an analysis is, over the samples it stands on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.bootstrap import Floats, check_bootstrap, percentiles
from dymos_probe.analysis.per_sample import ANALYSES, resample
from dymos_probe.errors import InputError


def interval(
    ds: xr.Dataset, /, name: str, *, level: float = 0.95, resamples: int = 2000, seed: int = 0, **options: Any
) -> xr.Dataset:
    """Return an analysis with the percentile interval of a bootstrap over samples, float64, in memory.

    Samples are drawn with replacement, the same draws for all cells, conditions and λ. Of a mean over
    samples the values of each are resampled; of d(λ) with ``order="mean_first"`` the maps are, and compared
    anew, since it is no mean. A divergence near zero only grows when resampled: bounds are widened to
    hold the value itself.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    name
        ``difference``, ``dominance``, ``distance`` or ``entropy``.
    level
        Share of the resampled values between the bounds.
    resamples
        Number of bootstrap samples.
    seed
        Of their draw.
    **options
        Of the analysis; ``sample`` cannot be kept.

    Returns
    -------
    xarray.Dataset
        ``value``, ``low`` and ``high`` over the dims of the analysis, in its units; bounds are NaN of
        one sample. Attributes: those of the analysis, ``level``, ``resamples``, ``seed``, ``method``.

    Raises
    ------
    InputError
        When there is no such analysis, the level lies outside (0, 1), there are too few resamples
        for it, ``sample`` is to be kept, or as the analysis does.
    """
    check_bootstrap(level, resamples)
    if name not in ANALYSES:
        raise InputError(f"there is no interval of {name!r}; choose one of {', '.join(ANALYSES)}")

    def bounds(value: Floats, drawn: Floats | None) -> dict[str, npt.NDArray[Any]]:
        low, high = (np.full_like(value, np.nan),) * 2 if drawn is None else percentiles(value, drawn, level)
        return {"value": value, "low": low, "high": high}

    template, result = resample(ds, name, options, bounds, resamples=resamples, seed=seed)
    about = {key: template.attrs[key] for key in ("long_name", "units")}
    which = {"value": "", "low": f", lower bound at {level:g}", "high": f", upper bound at {level:g}"}
    for key, words in which.items():
        result[key].attrs = {"long_name": about["long_name"] + words, "units": about["units"]}
    return result.assign_attrs(
        {key: value for key, value in template.attrs.items() if key not in about},
        analysis=name,
        level=level,
        resamples=resamples,
        seed=seed,
        method="percentile bootstrap over samples",
    )
