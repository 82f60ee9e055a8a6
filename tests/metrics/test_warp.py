"""What moves as a whole explains itself after warping; what changes does not, and a cut is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dymos_probe.metrics.metric import Clip, resources
from dymos_probe.metrics.optical_flow import FlowSettings, consistent, dense_flow
from dymos_probe.metrics.warp import METRICS, warp_error_curve
from tests.metrics.test_optical_flow import moved, texture

(WARP,) = METRICS


def test_a_shifted_texture_has_little_error_and_much_without_the_flow() -> None:
    video = moved((3, 2))
    unwarped = ((video[1:].astype(np.float64) - video[:-1]) ** 2).mean(axis=(1, 2, 3)) / 255**2
    curve = warp_error_curve(video)
    assert curve.shape == (2,) and (curve < 0.01 * unwarped).all()


def test_a_change_of_light_is_the_square_of_the_change() -> None:
    """Shifted levels leave every gradient, so the flow is none, and the error is exactly the shift's."""
    still = (texture(96, 128) // 2).astype(np.uint8)
    brighter = still + np.uint8(51)
    curve = warp_error_curve(np.stack([still, brighter]))
    assert curve[0] == pytest.approx(0.04, rel=0.05)


def test_a_still_video_has_none() -> None:
    assert warp_error_curve(np.stack([texture(96, 128)] * 3)) == pytest.approx(0.0, abs=1e-6)


def test_the_direction_of_the_flow_is_the_one_that_is_undone() -> None:
    first, second = moved((5, 0), frames=2)
    there = dense_flow(first, second)
    assert np.median(there[..., 0]) == pytest.approx(-5, abs=0.2) and np.median(there[..., 1]) == pytest.approx(
        0, abs=0.2
    )
    backwards = warp_error_curve(np.stack([second, first]))
    assert backwards[0] == pytest.approx(warp_error_curve(np.stack([first, second]))[0], abs=1e-4)


def test_the_flow_of_a_small_frame_is_in_its_own_pixels_and_of_its_own_size() -> None:
    small = moved((2, 0))[:2, 40:88, 60:108]
    flow = dense_flow(*small)
    assert flow.shape == (48, 48, 2) and np.median(flow[..., 0]) == pytest.approx(-2, abs=0.2)


def test_consistency_is_where_there_and_back_is_home() -> None:
    there = np.zeros((20, 30, 2), np.float32)
    there[..., 0] = 4.0
    assert consistent(there, -there).all() and not consistent(there, there).any()


def test_a_pair_of_which_nothing_is_left_counts_for_nothing() -> None:
    """A limit of less than nothing: no pixel agrees."""
    never = FlowSettings(consistency=(0.0, 0.0))
    assert np.isnan(warp_error_curve(moved((3, 2)), never)).all()


def test_the_metric_is_the_mean_over_pairs_that_have_one(monkeypatch) -> None:
    def measure(video):
        return WARP.prepare(resources()).measure(Clip(frames=video, fps=8.0))

    video = moved((3, 2))
    assert measure(video).value == pytest.approx(warp_error_curve(video).mean())
    curves = iter([np.array([math.nan, 0.5, 0.25]), np.array([math.nan])])
    monkeypatch.setattr("dymos_probe.metrics.warp.warp_error_curve", lambda _: next(curves))
    assert measure(video).value == 0.375
    assert "consistent in no pixel" in measure(video).why
