"""The threshold that is fitted is the one the videos were made with, and is judged on videos it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.metrics.calibration import calibrate, critical_factor
from dymos_probe.metrics.optical_flow import Motion


def motions(count: int, seed: int = 0) -> list[Motion]:
    rng = np.random.default_rng(seed)
    return [Motion(top_means=rng.gamma(3.0, rng.uniform(1.0, 12.0), size=40), short_side=480) for _ in range(count)]


def scaled(motion: Motion, by: float) -> Motion:
    return replace(motion, top_means=motion.top_means * by)


@pytest.mark.parametrize("motion", motions(12))
def test_a_video_is_dynamic_just_below_its_critical_factor_and_not_above(motion):
    factor = critical_factor(motion)
    assert scaled(motion, 1.0001 / factor).dynamic and not scaled(motion, 0.9999 / factor).dynamic


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_a_flow_that_is_off_by_a_factor_is_put_right(true):
    """RAFT's motions, and the same as a flow sees them that measures ``true`` times too much."""
    raft = motions(300)
    found = calibrate([scaled(motion, true) for motion in raft], [motion.dynamic for motion in raft])
    assert found.factor == pytest.approx(true, rel=0.03)
    assert found.agreement > 0.97 and found.kappa > 0.93 and (found.videos, found.folds) == (300, 5)


def test_scores_that_have_nothing_to_do_with_the_flow_agree_by_chance_only():
    """In-sample the best of many thresholds always looks better than chance; held out it must not."""
    labels = np.random.default_rng(1).permutation([True] * 200 + [False] * 200)
    kappas = [calibrate(motions(400, seed), labels, seed=seed).kappa for seed in range(6)]
    assert abs(np.mean(kappas)) < 0.08


def test_the_order_of_the_videos_does_not_change_the_factor():
    raft = motions(120)
    flow = [scaled(motion, 1.7) for motion in raft]
    labels = [motion.dynamic for motion in raft]
    order = np.random.default_rng(2).permutation(120)
    turned = calibrate([flow[i] for i in order], [labels[i] for i in order])
    assert turned.factor == calibrate(flow, labels).factor


def test_where_vbench_needs_no_pair_any_factor_will_do():
    assert critical_factor(Motion(top_means=np.array([0.1]), short_side=480)) == np.inf


@pytest.mark.parametrize(
    ("count", "labels", "match"),
    [
        (99, [True] * 50 + [False] * 49, "at least 100 videos"),
        (100, [True] * 99, "one score a video"),
        (100, [True] * 97 + [False] * 3, "97 dynamic and 3 still"),
    ],
)
def test_too_few_videos_or_of_one_kind_are_refused(count, labels, match):
    with pytest.raises(InputError, match=match):
        calibrate(motions(count), labels)


def test_videos_without_pairs_or_without_any_motion_are_refused():
    nothing = Motion(top_means=np.array([]), short_side=480)
    with pytest.raises(InputError, match="without a pair"):
        critical_factor(nothing)
    still = [Motion(top_means=np.zeros(40), short_side=480)] * 100
    with pytest.raises(InputError, match="no video has any motion"):
        calibrate(still, [True] * 50 + [False] * 50)
