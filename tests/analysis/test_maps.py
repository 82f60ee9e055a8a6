"""The map of a condition is what a plain mean over its raw maps gives, of all conditions on the same samples."""

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.store import forget_run, open_study
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture
def known(tmp_path):
    return synthetic_study(tmp_path / "study", samples=3, lams=(1.0,), step_ratio=0.5, excess=0.3, dominance=0.25)


@pytest.mark.parametrize(("early", "steps"), [(0.1, 1), (0.5, 3), (1.0, 6)])
def test_each_condition_has_its_own_mean(known, early, steps):
    result = open_study(known.path).probe.maps(early=early)
    assert result.dims == ("condition", "query_frame", "key_frame") and result.attrs["units"] == "attention mass"
    for label in known.conditions:
        expected = known.attention[label][:, 0, :steps].mean(axis=(0, 1, 2, 3))
        np.testing.assert_allclose(result.sel(condition=label), expected, atol=1e-7)


def test_their_difference_is_that_of_the_other_analysis_and_their_column_dominance(known):
    probe = open_study(known.path).probe
    maps = probe.maps(conditions=["i2v", "t2v"])
    assert maps["condition"].values.tolist() == ["i2v", "t2v"]
    delta = maps.sel(condition="i2v", drop=True) - maps.sel(condition="t2v", drop=True)
    np.testing.assert_allclose(delta, probe.difference(), atol=1e-7)
    column = maps.isel(query_frame=slice(1, None), key_frame=0).mean("query_frame")
    np.testing.assert_allclose(column, [0.55, 0.25], atol=1e-6)


def test_any_dim_can_be_kept_and_another_branch_chosen(known):
    probe = open_study(known.path).probe
    kept = probe.maps(keep=("head", "layer"), early=1.0)
    assert kept.dims == ("condition", "head", "layer", "query_frame", "key_frame") and kept.chunks is not None
    expected = known.attention["i2v"][:, 0].mean(axis=(0, 1)).swapaxes(0, 1)
    np.testing.assert_allclose(kept.sel(condition="i2v"), expected, atol=1e-7)
    # λ acts on the conditional branch alone.
    other = probe.maps(branch="uncond")
    np.testing.assert_allclose(other.sel(condition="i2v lam=1"), other.sel(condition="i2v"), atol=1e-7)


def test_conditions_stand_on_the_same_samples_and_empty_ones_are_named(known):
    forget_run(known.path, "sample-1", "t2v")
    for sample in known.samples:
        forget_run(known.path, sample, "i2v lam=1")
    result = open_study(known.path).probe.maps()
    assert result.attrs["conditions_dropped"] == "i2v lam=1" and result.attrs["samples_used"] == 2
    expected = known.attention["i2v"][[0, 2], 0, :1].mean(axis=(0, 1, 2, 3))
    np.testing.assert_allclose(result.sel(condition="i2v"), expected, atol=1e-7)


def test_a_choice_that_does_not_exist_is_refused(known):
    probe = open_study(known.path).probe
    for options, words in (
        ({"conditions": ["alg"]}, "no condition 'alg'"),
        ({"keep": ("query_frame",)}, "dims that can be kept are sample, step, layer, head"),
        ({"early": 2.0}, "outside"),
        ({"branch": "both"}, "was not recorded"),
    ):
        with pytest.raises(InputError, match=words):
            probe.maps(**options)
