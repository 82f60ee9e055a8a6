"""Temporal flickering is VBench's, to the last digit of an independent calculation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.metrics.neighbours import mean_absolute_difference, temporal_flickering

SHAPE = (5, 6, 7, 3)


def random_video(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8)


@given(st.integers(0, 10_000))
def test_flickering_is_the_mean_over_pairs_of_float_differences(seed: int) -> None:
    video = random_video(seed).astype(np.float64)
    errors = [np.abs(video[k + 1] - video[k]).mean() for k in range(len(video) - 1)]
    assert temporal_flickering(video.astype(np.uint8)) == pytest.approx((255 - np.mean(errors)) / 255, rel=1e-12)


def test_a_still_video_has_one_and_a_strobe_has_nothing() -> None:
    still = np.repeat(random_video(0)[:1], 4, axis=0)
    assert temporal_flickering(still) == 1.0
    strobe = np.zeros(SHAPE, np.uint8)
    strobe[1::2] = 255
    assert temporal_flickering(strobe) == 0.0


def test_a_step_down_counts_as_much_as_a_step_up() -> None:
    """Differences of unsigned bytes would wrap around."""
    video = np.stack([np.full((2, 2, 3), level, np.uint8) for level in (10, 250, 10)])
    assert mean_absolute_difference(video) == 240.0
