"""Dominance is column 0 over later query frames, of every condition on the same samples."""

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.store import Condition, extend_study, forget_run, open_study
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture
def known(tmp_path):
    return synthetic_study(tmp_path / "study", samples=3, lams=(1.0,), excess=0.3, dominance=0.25)


def test_each_arm_shows_its_known_dominance(known):
    result = open_study(known.path).probe.dominance()
    assert result.dims == ("condition",)
    # Odds of frame 0 times exp(−1).
    odds = 0.55 / 0.45 * np.exp(-1.0)
    np.testing.assert_allclose(result, [0.25, 0.55, odds / (1 + odds)], atol=1e-6)
    assert result.attrs["units"] == "attention mass"


def test_any_dim_can_be_kept(known):
    result = open_study(known.path).probe.dominance(keep=("head", "layer", "sample"), early=0.5)
    assert result.dims == ("condition", "head", "layer", "sample")
    maps = np.stack([known.attention[label] for label in known.conditions])[:, :, 0, :3]
    reference = maps[..., 1:, 0].mean(axis=(2, 5)).transpose(0, 3, 2, 1)
    np.testing.assert_allclose(result, reference, atol=1e-6)


def test_conditions_stand_on_the_same_samples_and_empty_ones_are_named(known):
    plain = {"step_ratio": 1.0, "schedule": "uniform", "method": "alg", "key_frame": 0}
    extend_study(
        known.path,
        conditions=[Condition(id="alg", arm="i2v", lam=0.0, branches="cond", layers="", heads="", **plain)],
    )
    forget_run(known.path, "sample-2", "i2v")
    result = open_study(known.path).probe.dominance(keep=("sample",))
    assert result["sample"].values.tolist() == ["sample-0", "sample-1"]
    assert result.attrs["conditions_dropped"] == "alg"
    assert result.attrs["samples_used"] == 2
    assert not result.isnull().any()
    with pytest.raises(InputError, match="alg: 0 of 3"):
        open_study(known.path).probe.dominance(conditions=["alg"])


@pytest.mark.parametrize("more", [(), ("layer",), ("head", "step")])
def test_query_frames_can_be_kept_and_average_to_the_whole(known, more):
    ds = open_study(known.path)
    result = ds.probe.dominance(keep=("query_frame", *more))
    assert result.dims == ("condition", "query_frame", *more)
    assert result["query_frame"].values.tolist() == [1, 2, 3]
    np.testing.assert_allclose(result.mean("query_frame"), ds.probe.dominance(keep=more), atol=1e-7)
    np.testing.assert_allclose(result.sel(condition="i2v"), 0.55, atol=1e-6)
