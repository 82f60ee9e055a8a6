"""The mean of what is stored, in float64, block by block as it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.core import flatten


def mean_over(values: xr.DataArray, dims: Sequence[str]) -> xr.DataArray:
    """Return the mean over ``dims`` in float64, lazy where ``values`` are; NaN anywhere gives NaN.

    xarray's own mean of dask arrays looks for NaN, counts, and joins partial sums before it adds them. Runs
    marked complete have none, the reader has seen to it, and so this adds the blocks up at the speed they are read.
    """
    axes = tuple(values.get_axis_num(dims))
    if not isinstance(values.data, dask.array.Array):
        return values.mean(dims, skipna=False, dtype=np.float64, keep_attrs=False)
    total = dask.array.reduction(  # type: ignore[no-untyped-call]
        values.data,
        chunk=_sum,
        combine=_added,
        aggregate=_squeezed,
        axis=axes,
        dtype=np.float64,
        concatenate=False,
        meta=np.empty((0,) * (values.ndim - len(axes))),
    )
    count = np.prod([values.sizes[dim] for dim in dims], dtype=np.int64)
    # The labels of what is left are those xarray would leave.
    return values.isel(dict.fromkeys(dims, 0), drop=True).copy(data=total / count).drop_attrs(deep=False)


def _sum(block: npt.NDArray[Any], *, axis: tuple[int, ...], keepdims: bool) -> npt.NDArray[np.float64]:
    return np.asarray(block.sum(axis=axis, keepdims=keepdims, dtype=np.float64))


def _added(parts: Any, *, axis: tuple[int, ...], keepdims: bool) -> npt.NDArray[np.float64]:
    first, *rest = flatten(parts) if isinstance(parts, list) else [parts]  # type: ignore[no-untyped-call]
    total = np.array(first)
    for part in rest:
        total += part
    return total


def _squeezed(parts: Any, *, axis: tuple[int, ...], keepdims: bool) -> npt.NDArray[np.float64]:
    total = _added(parts, axis=axis, keepdims=keepdims)
    return total if keepdims else total.squeeze(axis)
