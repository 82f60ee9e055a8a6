"""Heads are ranked and grouped by the excess they were made with."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.store import AttentionShape, forget_run, open_study
from dymos_probe.testing.synthetic import synthetic_study

SHAPE = AttentionShape(branches=("cond",), steps=4, layers=tuple(f"blocks.{i}" for i in range(4)), heads=3, frames=4)
CENTRES = np.array([0.4, 0.2, 0.02, -0.1])
"""Of four groups; every head is near one of them."""


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(0)
    group = rng.permutation(np.arange(12) % 4).reshape(4, 3)
    return group, CENTRES[group] + rng.uniform(-0.01, 0.01, (4, 3))


@pytest.fixture(scope="module")
def ds(made, tmp_path_factory):
    path = tmp_path_factory.mktemp("studies") / "study"
    synthetic_study(path, samples=2, lams=(1.0,), shape=SHAPE, excess=made[1], dominance=0.3)
    return open_study(path)


def test_excess_share_and_rank_are_those_of_the_heads_as_made(ds, made):
    result = ds.probe.heads()
    np.testing.assert_allclose(result["excess"], made[1], atol=1e-6)
    np.testing.assert_allclose(result["dominance_t2v"], 0.3, atol=1e-6)
    np.testing.assert_allclose(result["dominance_i2v"], 0.3 + made[1], atol=1e-6)
    positive = np.clip(made[1], 0.0, None)
    np.testing.assert_allclose(result["share"], positive / positive.sum(), atol=1e-5)
    assert float(result["share"].sum()) == pytest.approx(1.0)
    order = np.argsort(-made[1].ravel())
    assert result["rank"].values.ravel()[order].tolist() == list(range(1, 13))
    assert result["layer_name"].values.tolist() == list(SHAPE.layers)
    assert result["excess"].attrs["units"] == "attention mass" and "effect" not in result


@pytest.mark.parametrize("condition", [None, "i2v lam=1"])
def test_clusters_are_the_groups_as_made_numbered_by_falling_excess(ds, made, condition):
    result = ds.probe.heads(condition=condition)
    np.testing.assert_array_equal(result["cluster"], made[0] + 1)
    assert result.attrs["clusters"] == 4
    two = ds.probe.heads(condition=condition, clusters=2)["cluster"]
    assert set(two.values.ravel()) == {1, 2}
    assert float(result["excess"].where(two == 1).mean()) > float(result["excess"].where(two == 2).mean())


def test_the_effect_is_what_the_modulation_took_from_frame_0(ds, made):
    result = ds.probe.heads(condition="i2v lam=1")
    odds = (0.3 + made[1]) / (0.7 - made[1]) * np.exp(-1.0)
    np.testing.assert_allclose(result["effect"], odds / (1 + odds) - 0.3 - made[1], atol=1e-6)
    assert result.attrs["condition"] == "i2v lam=1"
    np.testing.assert_allclose(ds.probe.heads(condition="t2v")["effect"], -made[1], atol=1e-6)


def test_few_heads_have_few_clusters(ds):
    one = ds.probe.heads(layers=(2,), heads=(1,))
    assert (one["rank"].item(), one["cluster"].item(), one.sizes) == (1, 1, {"layer": 1, "head": 1})
    few = ds.probe.heads(layers=(2,), clusters=9)
    assert few.attrs["clusters"] <= 3 and few["cluster"].min() == 1
    assert sorted(few["rank"].values.ravel()) == [1, 2, 3]
    assert few.attrs["layers"] == [2]


def test_heads_that_are_alike_are_one_cluster_and_without_excess_nobody_has_a_share(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=2, lams=(), shape=SHAPE, excess=-0.1, dominance=0.3)
    result = open_study(known.path).probe.heads()
    assert (result["cluster"] == 1).all() and result.attrs["clusters"] == 1
    assert (result["share"] == 0.0).all()
    assert not any(result[name].isnull().any() for name in result)


def test_the_early_tenth_is_taken_unless_steps_are_named(ds):
    assert ds.probe.heads().attrs["early"] == 0.1
    assert ds.probe.heads(steps=(3,)).attrs["steps"] == [3]
    xr.testing.assert_identical(ds.probe.heads(), ds.probe.heads())


def test_what_cannot_be_ranked_is_refused(ds, tmp_path):
    for clusters in (0, 1.5, True):
        with pytest.raises(InputError, match="must be a whole number of at least 1"):
            ds.probe.heads(clusters=clusters)
    with pytest.raises(InputError, match="no condition 'lam'"):
        ds.probe.heads(condition="lam")
    known = synthetic_study(tmp_path / "study", samples=1, lams=(1.0,))
    forget_run(known.path, "sample-0", "i2v lam=1")
    with pytest.raises(InputError, match="i2v lam=1 has no complete run"):
        open_study(known.path).probe.heads(condition="i2v lam=1")
