"""The λ of least distance to T2V attention, predicted from untouched runs alone."""

from dataclasses import replace

import numpy as np
import pytest

from dymos_probe.analysis.closest import predicted_closest, strength_grid
from dymos_probe.errors import InputError
from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import SMALL, synthetic_study

RECORDED = (-1.0, 0.5, 1.0, 1.5, 2.0, 2.5)
LOOKED_AT = {"low": -1.0, "high": 4.0, "step": 0.25}


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """Two prompts whose λ of least distance, 0.45 and 1.79, are known; their response was recorded."""
    path = tmp_path_factory.mktemp("studies") / "study"
    excess = np.array([0.08, 0.4])[:, None, None]
    return synthetic_study(path, lams=(), shape=replace(SMALL, response=RECORDED), excess=excess)


def test_each_prompt_has_its_own_and_the_pair_one_between_them(answered):
    found = predicted_closest(open_study(answered.path), **LOOKED_AT)
    own = answered.closest_lam_by[:, 0, 0]
    assert [found.prompts[f"prompt {at}"].lam for at in (0, 1)] == pytest.approx(own.tolist(), abs=0.1)
    assert own[0] < found.pair.lam < own[1] and found.samples == 2


def test_it_is_exact_between_the_strengths_of_the_recorded_response(answered):
    found = predicted_closest(open_study(answered.path), **LOOKED_AT)
    assert found.exact and found.curve["lam"].values.tolist() == [-1.0, 0.0, *RECORDED[1:]]


@pytest.mark.parametrize("other", [{"schedule": "linear"}, {"low": -0.5, "high": 0.5}])
def test_where_the_response_does_not_hold_the_least_the_whole_range_is_looked_at(answered, other):
    asked = LOOKED_AT | other
    found = predicted_closest(open_study(answered.path), **asked)
    grid = strength_grid(asked["low"], asked["high"], asked["step"])
    assert found.curve["lam"].values.tolist() == grid and not found.exact
    assert "one query token a frame" in found.method


def test_without_a_response_one_excess_is_undone_at_its_logit(tmp_path):
    known = synthetic_study(tmp_path / "study", lams=(), excess=0.3)
    found = predicted_closest(open_study(known.path), **LOOKED_AT)
    assert not found.exact and found.pair.place == "inside"
    assert found.pair.lam == pytest.approx(known.closest_lam, abs=0.02)


def test_the_range_rises_and_holds_zero():
    assert strength_grid(-0.5, 0.6, 0.5) == [-0.5, 0.0, 0.5]
    assert strength_grid(-0.3, 1.0, 0.5) == [-0.3, 0.0, 0.2, 0.7]
    for low, high, step in ((1.0, 2.0, 0.5), (0.0, 0.0, 0.5), (-1.0, 1.0, 0.0), (-1.0, float("inf"), 1.0)):
        with pytest.raises(InputError, match="must rise, be finite and hold λ = 0"):
            strength_grid(low, high, step)
    with pytest.raises(InputError, match="over 1000"):
        strength_grid(0.0, 1001.0, 1.0)
