"""Weights over the steps are the published schedules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.baselines import ALG

FRACTIONS = np.linspace(0.0, 1.0, 50)


def weights(steps=50, **strength):
    alg = ALG(resize_factor=0.5, **strength)
    return [alg.weight(step, steps) for step in range(steps)]


@pytest.mark.parametrize(("steps", "end", "active"), [(50, 0.04, 2), (50, 0.2, 10), (40, 0.2, 8), (40, 0.1, 4)])
def test_the_published_intervals_act_in_the_published_number_of_steps(steps, end, active):
    assert ALG(resize_factor=0.5, interval_end=end).active_steps(steps) == tuple(range(active))


@given(st.integers(2, 200), st.data())
def test_both_ends_of_an_interval_belong_to_it(steps, data):
    first = data.draw(st.integers(0, steps - 1))
    last = data.draw(st.integers(first, steps - 1))
    alg = ALG(resize_factor=0.5, interval_start=first / (steps - 1), interval_end=last / (steps - 1))
    assert alg.active_steps(steps) == tuple(range(first, last + 1))
    assert {alg.weight(step, steps) for step in range(steps)} <= {0.0, 1.0}


def test_linear_is_a_straight_line_and_then_constant():
    found = weights(strength="linear", linear_start_weight=0.9, linear_end_weight=0.1, linear_end_time=0.3)
    np.testing.assert_allclose(found, np.interp(FRACTIONS, [0.0, 0.3], [0.9, 0.1]), atol=1e-12)


def test_exponential_decays_and_none_always_acts():
    found = weights(strength="exponential", exp_decay_rate=7.0)
    np.testing.assert_allclose(found, np.exp(-7.0 * FRACTIONS), rtol=1e-12)
    assert set(weights(strength="none")) == {1.0}


def test_a_single_step_is_the_first():
    assert weights(1, interval_end=0.0) == [1.0] and weights(1, interval_start=0.5, interval_end=1.0) == [0.0]
