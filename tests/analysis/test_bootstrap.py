"""The bootstrap is scipy's, its intervals cover what they promise, and blocks change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from dymos_probe.analysis import bootstrap as ours
from dymos_probe.analysis.bootstrap import Divergence, Linear, over_blocks, percentiles, resampling_weights
from dymos_probe.errors import InputError


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 50), st.integers(0, 5))
def test_each_draw_has_as_many_samples_as_there_are(samples, resamples, seed):
    weights = resampling_weights(samples, resamples, seed)
    assert weights.shape == (resamples, samples) and (weights >= 0.0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(weights * samples, np.round(weights * samples))
    np.testing.assert_array_equal(weights, resampling_weights(samples, resamples, seed))


def test_bounds_of_a_mean_are_scipys_percentile_bootstrap():
    values = np.random.default_rng(1).gamma(1.0, size=30)
    drawn = resampling_weights(30, 20_000, 0) @ values
    low, high = percentiles(values.mean(), drawn, 0.9)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, confidence_level=0.9, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    np.testing.assert_allclose((low, high), theirs, rtol=0.02)


def test_nine_in_ten_intervals_at_ninety_per_cent_hold_the_truth():
    values = np.random.default_rng(0).normal(5.0, 2.0, (30, 400))  # 400 experiments of 30 samples
    drawn = np.tensordot(resampling_weights(30, 2000, 0), values, 1)
    low, high = percentiles(values.mean(axis=0), drawn, 0.9)
    assert 0.84 < ((low <= 5.0) & (high >= 5.0)).mean() < 0.93
    assert (high > low).all()


def test_blocks_of_any_size_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    maps = rng.dirichlet(np.ones(4), (5, 3, 7, 2)).astype(np.float32)
    reference = rng.dirichlet(np.ones(4), (5, 7, 2)).astype(np.float32)
    weights = resampling_weights(5, 11, 0)
    for what in (Linear(rng.normal(size=(5, 3, 7))), *(Divergence(maps, reference, keep, 2.0) for keep in (0, 1))):
        (value, drawn), *rest = over_blocks(what, weights, 100)
        assert not rest
        for block in (1, 3):
            pieces = list(over_blocks(what, weights, block))
            np.testing.assert_allclose(np.concatenate([piece[0] for piece in pieces], -1), value, rtol=1e-12)
            np.testing.assert_allclose(np.concatenate([piece[1] for piece in pieces], -1), drawn, rtol=1e-12)
        monkeypatch.setattr(ours, "_BLOCK_BYTES", 1)
        assert what.block(11) == 1
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("level", "resamples", "words"),
    [(0.0, 100, r"level 0\.0 is outside"), (1.0, 100, "outside"), (95, 100, "0.95 gives"), (0.95, 39, "40 or more")],
)
def test_what_gives_no_interval_is_refused(level, resamples, words):
    with pytest.raises(InputError, match=words):
        ours.check_bootstrap(level, resamples)
    ours.check_bootstrap(0.95, 40)
