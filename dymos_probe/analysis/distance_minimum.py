"""The λ that brings I2V attention closest to T2V attention, between the λ that were run (Eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.interpolate import CubicSpline

from dymos_probe.analysis.bootstrap import Floats, check_bootstrap, percentiles
from dymos_probe.analysis.divergence import distance
from dymos_probe.analysis.per_sample import resample
from dymos_probe.errors import InputError
from dymos_probe.store.schema import SAMPLE

_POINTS = 201
"""Evenly spaced λ of the fitted curve, besides those measured."""
_LAM = "lam"
_FITTED = {"fitted": "lam_fit"}
_NAMES = {
    "closest_lam": "λ of least distance to T2V attention",
    "least_distance": "least distance to T2V attention (Eq. 5)",
}


def distance_minimum(
    ds: xr.Dataset, /, *, level: float = 0.95, resamples: int = 2000, seed: int = 0, **options: Any
) -> xr.Dataset:
    """Return where d(λ) is least, by a smooth curve through the measured λ, with its interval; float64, in memory.

    The curve is the cubic spline through d at the finite λ (a parabola of three, a line of two), cut at
    zero; its minimum is exact, sought between the neighbours of the least measured value. d is smooth and
    near its minimum a parabola, which splines follow; shape-preserving interpolants put every minimum on
    a measured λ. An infinite λ is left out, ``attrs["lam_left_out"]``.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    level, resamples, seed
        Of the bootstrap over samples, as of :func:`dymos_probe.analysis.interval.interval`: every
        resampled curve has its own minimum.
    **options
        Of :func:`dymos_probe.analysis.divergence.distance`, ``keep`` included.

    Returns
    -------
    xarray.Dataset
        Over the kept dims: ``closest_lam`` and ``least_distance``, each with ``_low`` and ``_high``, which are
        NaN of one sample and where samples are kept; ``place``: ``inside``, or ``smallest`` or ``largest``
        where the minimum is at an edge of the measured λ and may lie beyond; ``fitted`` (…, lam_fit).

    Raises
    ------
    InputError
        When fewer than two λ are finite, or as ``distance`` and ``interval`` do.
    """
    check_bootstrap(level, resamples)
    template = distance(ds, **options)
    lams = np.asarray(template[_LAM].values, dtype=np.float64)
    finite = np.isfinite(lams)
    if finite.sum() < 2:
        raise InputError(
            f"the least distance is sought between at least two finite λ, the study has {int(finite.sum())}; "
            "add some with `probe intervene`"
        )
    grid = np.unique([*np.linspace(lams[finite][0], lams[finite][-1], _POINTS), *lams[finite]])

    def minima(value: Floats, drawn: Floats | None) -> dict[str, npt.NDArray[Any]]:
        curve = CubicSpline(lams[finite], value[finite])
        at, least = spline_minimum(curve, value[finite])
        # Rows of the fit stand in front, as λ does.
        found: dict[str, npt.NDArray[Any]] = {"fitted": np.maximum(curve(grid), 0.0)}
        if drawn is None:
            unknown = np.full_like(at, np.nan)
            bounds = (unknown, unknown), (unknown, unknown)
        else:
            curves = np.moveaxis(drawn[:, finite], 1, 0)
            resampled = spline_minimum(CubicSpline(lams[finite], curves), curves)
            bounds = percentiles(at, resampled[0], level), percentiles(least, resampled[1], level)
        for name, middle, (low, high) in zip(_NAMES, (at, least), bounds, strict=True):
            found |= {name: middle, f"{name}_low": low, f"{name}_high": high}
        return found

    if SAMPLE in options.get("keep", ()):
        result = _without_resampling(template, minima)
    else:
        result = resample(ds, "distance", options, minima, resamples=resamples, seed=seed, lead_of=_FITTED)[1]
    closest = result["closest_lam"]
    place = np.select([closest.values <= grid[0], closest.values >= grid[-1]], ["smallest", "largest"], "inside")
    result = result.assign(place=(closest.dims, place))
    result = result.assign_coords(lam_fit=("lam_fit", grid)).transpose(..., "lam_fit")
    result = result.drop_vars([name for name, coord in result.coords.items() if not coord.dims])
    return _described(result, template).assign_attrs(
        level=level,
        resamples=resamples,
        seed=seed,
        method="percentile bootstrap over samples",
        fit="cubic spline",
        lam_left_out=lams[~finite].tolist(),
    )


def spline_minimum(curve: CubicSpline, values: Floats) -> tuple[Floats, Floats]:
    """Return where a spline through ``values`` (lam, …) is least next to the least of them, and how much, (…).

    Exact: the derivative of each piece is a parabola. Values are cut at zero, which no divergence is below.
    """
    knots = np.asarray(curve.x)
    least = np.argmin(values, axis=0)
    where, value = knots[least], np.take_along_axis(values, least[None], axis=0)[0]
    for piece in (least - 1, least):
        inside = (piece >= 0) & (piece < len(knots) - 1)
        piece = np.clip(piece, 0, len(knots) - 2)
        width = np.diff(knots)[piece]
        cubic, square, slope, offset = (np.take_along_axis(c, piece[None], axis=0)[0] for c in curve.c)
        for root in _turning_points(3.0 * cubic, 2.0 * square, slope):
            taken = inside & (root > 0.0) & (root < width)
            root = np.where(taken, root, 0.0)
            there = ((cubic * root + square) * root + slope) * root + offset
            better = taken & (there < value)
            where, value = np.where(better, knots[piece] + root, where), np.where(better, there, value)
    return where, np.maximum(value, 0.0)


def _turning_points(a: Floats, b: Floats, c: Floats) -> Sequence[Floats]:
    """Return both roots of a·t² + b·t + c, without cancellation; NaN or infinite where there is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        larger = -0.5 * (b + np.copysign(np.sqrt(b * b - 4.0 * a * c), b))
        return larger / a, c / larger


def _without_resampling(template: xr.DataArray, minima: Any) -> xr.Dataset:
    values = template.compute()
    dims = [dim for dim in values.dims if dim != _LAM]
    found = minima(values.transpose(_LAM, *dims).values, None)
    kept = {name: coord for name, coord in values.coords.items() if _LAM not in coord.dims}
    return xr.Dataset(
        {name: ((_FITTED[name], *dims) if name in _FITTED else dims, array) for name, array in found.items()},
        coords=kept,
    )


def _described(result: xr.Dataset, template: xr.DataArray) -> xr.Dataset:
    about = ("long_name", "units")
    units = {"closest_lam": "nats", "least_distance": template.attrs["units"]}
    for name, words in _NAMES.items():
        for suffix, bound in (("", ""), ("_low", ", lower bound"), ("_high", ", upper bound")):
            result[name + suffix].attrs = {"long_name": words + bound, "units": units[name]}
    result["place"].attrs = {"long_name": "where among the measured λ the least distance is", "units": "1"}
    result["fitted"].attrs = {"long_name": "fitted " + template.attrs["long_name"], "units": template.attrs["units"]}
    result["lam_fit"].attrs = {"long_name": "modulation strength λ (Eq. 6)", "units": "nats"}
    return result.assign_attrs({key: value for key, value in template.attrs.items() if key not in about})
