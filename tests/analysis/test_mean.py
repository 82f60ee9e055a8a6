"""The mean of blocks is numpy's mean of the whole in float64, and NaN does not hide in it."""

import dask.array
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dymos_probe.analysis.mean import mean_over

DIMS = ("sample", "step", "head", "query_frame")


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(*[st.integers(1, 5)] * 4),
    st.tuples(*[st.integers(1, 3)] * 4),
    st.sets(st.sampled_from(DIMS)),
    st.integers(0, 99),
)
def test_any_blocks_and_dims_give_numpys_mean(shape, chunks, over, seed):
    values = np.random.default_rng(seed).normal(1e3, 1.0, shape).astype(np.float32)
    coords = {dim: np.arange(size) for dim, size in zip(DIMS, shape, strict=True)}
    lazy = xr.DataArray(dask.array.from_array(values, chunks=chunks), coords, DIMS)
    result = mean_over(lazy, [dim for dim in DIMS if dim in over])
    assert result.chunks is not None and result.dtype == np.float64
    xr.testing.assert_allclose(result.compute(), lazy.astype(np.float64).mean(list(over)).compute(), rtol=1e-14)
    xr.testing.assert_allclose(mean_over(lazy.compute(), list(over)), result.compute(), rtol=1e-14)


@pytest.mark.parametrize("block", [2, 4])
def test_one_nan_anywhere_is_seen(block):
    values = np.ones((4, 3), dtype=np.float32)
    values[3, 1] = np.nan
    lazy = xr.DataArray(dask.array.from_array(values, chunks=(block, 3)), dims=("sample", "head"))
    assert mean_over(lazy, ["sample"]).isnull().values.tolist() == [False, True, False]
