"""The least value says whether something lesser may lie beyond it."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.analysis.least import least
from dymos_probe.errors import InputError


def curve(lams, values):
    return xr.DataArray(values, coords={"lam": lams}, dims="lam")


@pytest.mark.parametrize(
    ("lams", "values", "lam", "place"),
    [
        ([-1, 0, 1], [3, 1, 2], 0.0, "inside"),
        ([1, -1, 0], [1, 3, 2], 1.0, "largest"),
        ([-1, 0, 1], [1, 2, 3], -1.0, "smallest"),
        ([0, 1, np.inf], [3, 2, 1], np.inf, "inside"),
        ([0, 1, np.inf], [3, 1, 2], 1.0, "inside"),
        ([0], [1], 0.0, "only"),
    ],
)
def test_it_is_found_and_placed_whatever_the_order(lams, values, lam, place):
    found = least(curve(lams, values))
    assert (found.lam, found.value, found.place) == (lam, 1.0, place)


def test_what_has_no_least_value_is_refused():
    for bad in (curve([0, 1], [1.0, np.nan]), curve([], []), xr.DataArray([[1.0]], dims=("lam", "head"))):
        with pytest.raises(InputError, match="over lam alone"):
            least(bad)
