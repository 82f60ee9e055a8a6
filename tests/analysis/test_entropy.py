"""Entropy is scipy's of every recorded row, between 0 and that of equal masses."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return synthetic_study(
        tmp_path_factory.mktemp("studies") / "study", samples=3, lams=(1.0, float("inf")), excess=0.5
    )


@pytest.fixture(scope="module")
def ds(known):
    return open_study(known.path)


@pytest.mark.parametrize("text", ["renormalise", "bin"])
def test_it_is_scipys_of_each_row_and_bounded(ds, known, text):
    result = ds.probe.entropy(text=text, early=0.5, keep=("query_frame", "head"))
    assert result.dims == ("condition", "query_frame", "head") and result.chunks is not None
    for label in known.conditions:
        rows = known.attention[label][:, 0, :3, ..., 1:, :]
        if text == "bin":
            rows = np.concatenate([rows, known.text_mass[label][:, 0, :3, ..., 1:, None]], axis=-1)
        expected = scipy.stats.entropy(rows, axis=-1).mean(axis=(0, 1, 2)).T
        np.testing.assert_allclose(result.sel(condition=label), expected, rtol=1e-5)
    assert ((result > 0.0) & (result <= np.log(4 + (text == "bin")))).all()
    xr.testing.assert_allclose(
        result.mean(["query_frame", "head"]).compute(), ds.probe.entropy(text=text, early=0.5).compute()
    )


def filled(ds, maps):
    return ds.assign(
        attention=xr.full_like(ds["attention"], 0.0) + xr.DataArray(maps, dims=("query_frame", "key_frame"))
    )


def test_one_frame_gives_nothing_and_equal_masses_the_most(ds):
    np.testing.assert_allclose(filled(ds, np.eye(4)).probe.entropy(), 0.0, atol=0.0)
    np.testing.assert_allclose(filled(ds, np.full((4, 4), 0.2)).probe.entropy(), np.log(4.0), rtol=1e-6)


def test_sharp_heads_of_opposite_choice_are_sharp(ds):
    sides = xr.DataArray([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], dims=("head", "key_frame"))
    opposite = ds.assign(attention=xr.full_like(ds["attention"], 0.0) + sides)
    np.testing.assert_allclose(opposite.probe.entropy(), 0.0, atol=0.0)


def test_controls_and_empty_conditions_are_as_in_dominance(ds):
    chosen = ds.probe.entropy(conditions=("i2v", "t2v"))
    assert chosen["condition"].values.tolist() == ["i2v", "t2v"]
    assert (chosen.attrs["samples_used"], chosen.attrs["early"], chosen.attrs["units"]) == (3, 0.1, "nats")
