"""Means over layers and heads of maps whose odds of frame 0 are tilted: kept by the writer, else made from the maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.interpolate import barycentric_interpolate

from dymos_probe.analysis.mean import mean_over
from dymos_probe.analysis.window import Window, recorded_in
from dymos_probe.store.schema import (
    ATTENTION,
    ATTENTION_MEAN,
    ATTENTION_TILTED,
    HEAD,
    KEY_FRAME,
    LAYER,
    QUERY_FRAME,
    SAMPLE,
    STEP,
    TEXT_MASS,
    TILT,
)
from dymos_probe.store.summaries import tilted_means

_LAM = "lam"


def means_of_tilted(
    ds: xr.Dataset,
    condition: str,
    samples: Sequence[str],
    strengths: xr.DataArray,
    *,
    within: Window,
    keep: Sequence[str],
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return attention and mass on text of an untouched condition under each strength, averaged, float64, lazy.

    Both ways give the same, to the rounding of the float32 in which means are kept: 1e-7 of attention mass.

    Parameters
    ----------
    ds
        A study.
    condition, samples
        Its complete runs to take.
    strengths
        λ·φ, finite, (lam, step, query_frame) over the steps of the window; at 0 a row is as recorded.
    within
        The window.
    keep
        Dims not averaged: sample, step, both or neither.

    Returns
    -------
    tuple
        (lam, *kept dims, query_frame, key_frame) and (lam, *kept dims, query_frame).
    """
    way = _kept if _are_kept(ds, strengths, within) else _made
    maps, mass = way(ds, condition, samples, strengths, within)
    over = [dim for dim in (SAMPLE, STEP) if dim not in keep]
    return (
        mean_over(maps, over).transpose(_LAM, *keep, QUERY_FRAME, KEY_FRAME),
        mean_over(mass, over).transpose(_LAM, *keep, QUERY_FRAME),
    )


def tilt_weights(tilts: npt.ArrayLike, strengths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the weight of the mean kept at each of ``tilts`` in that at each of ``strengths``, (…, tilt).

    They lie between the outermost of ``tilts``; beyond, a polynomial knows nothing.
    """
    nodes = np.asarray(tilts, dtype=np.float64)
    at, where = np.unique(strengths, return_inverse=True)
    each: npt.NDArray[np.float64] = barycentric_interpolate(nodes, np.eye(len(nodes)), at)
    return each[where.ravel()].reshape(*np.shape(strengths), len(nodes))


def _are_kept(ds: xr.Dataset, strengths: xr.DataArray, within: Window) -> bool:
    if ATTENTION_TILTED not in ds or within.needed or within.narrowed:
        return False
    tilts = ds[TILT].values
    return bool(strengths.min() >= tilts.min() and strengths.max() <= tilts.max())


def _kept(
    ds: xr.Dataset, condition: str, samples: Sequence[str], strengths: xr.DataArray, within: Window
) -> tuple[xr.DataArray, xr.DataArray]:
    tilted, plain = (_part(ds, name, condition, samples, within) for name in (ATTENTION_TILTED, ATTENTION_MEAN))
    weights = xr.DataArray(
        tilt_weights(ds[TILT].values, strengths.values), dims=(*strengths.dims, TILT), coords=strengths.coords
    )
    maps = xr.dot(weights, tilted.drop_vars(TILT).astype(np.float64), dim=TILT)
    maps = maps.where(strengths != 0.0, plain.astype(np.float64)).transpose(SAMPLE, STEP, ...)
    # What a row does not put on frames is on text; where there is none, rounding must not make it negative.
    return maps, (1.0 - maps.sum(KEY_FRAME)).clip(min=0.0)


def _made(
    ds: xr.Dataset, condition: str, samples: Sequence[str], strengths: xr.DataArray, within: Window
) -> tuple[xr.DataArray, xr.DataArray]:
    maps, mass = xr.apply_ufunc(
        tilted_means,
        *(_part(ds, name, condition, samples, within) for name in (ATTENTION, TEXT_MASS)),
        strengths,
        input_core_dims=[[LAYER, HEAD, QUERY_FRAME, KEY_FRAME], [LAYER, HEAD, QUERY_FRAME], [_LAM, QUERY_FRAME]],
        output_core_dims=[[_LAM, QUERY_FRAME, KEY_FRAME], [_LAM, QUERY_FRAME]],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    return maps, mass


def _part(ds: xr.Dataset, name: str, condition: str, samples: Sequence[str], within: Window) -> xr.DataArray:
    found = recorded_in(ds, name, condition, samples, within)
    return found.drop_vars([label for label, coord in found.coords.items() if not coord.dims])
