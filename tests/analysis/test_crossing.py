"""Curves known at a few points: their least value, where they meet a level, and which point is worth having next."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dymos_probe.analysis.crossing import crossings, least_between, nearest_crossing, next_strength
from dymos_probe.errors import InputError


def curve(lams, values):
    return xr.DataArray(np.asarray(values, float), dims="lam", coords={"lam": lams})


@settings(max_examples=60, deadline=None)
@given(st.floats(0.3, 2.4), st.floats(0.1, 5.0), st.permutations([0.0, 0.5, 1.0, 2.0, 3.0]))
def test_of_a_parabola_the_least_value_is_its_vertex(vertex, width, lams):
    found = least_between(curve(lams, [width * (lam - vertex) ** 2 + 0.1 for lam in lams]))
    assert found.place == "inside"
    assert found.lam == pytest.approx(vertex, abs=1e-9) and found.value == pytest.approx(0.1, abs=1e-9)


def test_a_least_value_at_the_edge_is_that_point_and_one_below_zero_is_zero():
    edge = least_between(curve([0.0, 1.0, 2.0], [3.0, 2.0, 1.0]))
    assert (edge.lam, edge.value, edge.place) == (2.0, 1.0, "largest")
    beside = least_between(curve([0.0, 1.0, np.inf], [3.0, 1.0, 2.0]))
    assert (beside.lam, beside.value) == (1.0, 1.0)
    assert least_between(curve([0.0, 1.0, 1.1], [1.0, 0.001, 0.02])).value >= 0.0


def test_the_curve_crosses_where_points_are_on_both_sides_and_nowhere_else():
    assert crossings([0, 1, 2], [-1, 1, 3]) == [pytest.approx(0.5, abs=0.1)]
    assert crossings([0, 1, 2], [-3, -1, -2]) == []
    assert crossings([0, 1, 2], [1, 2, 3], level=2) == [1.0]
    assert len(crossings([0, 1, 2], [-1, 1, -1])) == 2
    assert crossings([0, 1, 2], [0, 0, 1]) [0] == 0.0  # fmt: skip
    assert nearest_crossing([-2, -1, 0, 1, 3], [1, -1, -1, -1, 1]) == pytest.approx(-1.5, abs=0.5)
    assert nearest_crossing([-3, -1, 0, 1, 2], [1, -1, -1, -1, 1]) == pytest.approx(1.5, abs=0.5)
    assert nearest_crossing([0, 1], [1, 2]) is None
    with pytest.raises(InputError, match="two points"):
        crossings([0], [1])


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 3.9), st.floats(0.8, 3.0))
def test_a_rising_curve_is_found_in_a_few_points(target, steepness):
    """The motion saturates with λ, as it does in practice."""

    def motion(lam):
        return np.tanh(lam / steepness) - np.tanh(target / steepness)

    lams = [0.0]
    for _ in range(10):
        following = next_strength(lams, [motion(lam) for lam in lams], low=-1, high=4, tolerance=0.1)
        if following is None:
            break
        assert -1 <= following <= 4 and following not in lams
        lams = sorted([*lams, following])
    assert min(abs(lam - target) for lam in lams) <= 0.25
    assert abs(nearest_crossing(lams, [motion(lam) for lam in lams]) - target) < 0.2


def test_where_motion_lacks_it_looks_above_and_where_there_is_too_much_below_and_it_stops_at_the_end():
    assert next_strength([0.0], [-1.0], low=-1, high=4, tolerance=0.1) == 1.0
    assert next_strength([0.0], [1.0], low=-1, high=4, tolerance=0.1) == -1.0
    assert next_strength([0.0], [0.0], low=-1, high=4, tolerance=0.1) is None
    # A line through the last two points meets zero at 1.5; one that falls says nothing.
    assert next_strength([0.0, 1.0], [-3.0, -1.0], low=-1, high=4, tolerance=0.1) == 1.5
    assert next_strength([0.0, 1.0], [-1.0, -3.0], low=-1, high=4, tolerance=0.1) == 2.0
    assert next_strength([-0.5, 0.0], [1.0, 2.0], low=-1, high=4, tolerance=0.1) == -1.0
    # Nor nearer than half a stride: where the curve flattens such a line ends too soon.
    assert next_strength([0.0, 1.0], [-3.0, -0.01], low=-1, high=4, tolerance=0.1) == 1.5
    # Not further than twice the last, nor beyond the end, and there it ends.
    assert next_strength([0.0, 1.5], [-2.0, -1.9], low=-1, high=4, tolerance=0.1) == 3.0
    assert next_strength([0.0, 3.0], [-2.0, -1.9], low=-1, high=4, tolerance=0.1) == 4.0
    assert next_strength([0.0, 4.0], [-2.0, -1.9], low=-1, high=4, tolerance=0.1) is None
    assert next_strength([-1.0, 0.0], [1.9, 2.0], low=-1, high=4, tolerance=0.1) is None


def test_near_enough_is_done_once_the_strengths_around_it_are_near_too():
    assert next_strength([0.0, 0.4, 0.6], [-1.0, -0.05, 0.5], low=-1, high=4, tolerance=0.1) is None
    assert next_strength([0.0, 0.4], [-1.0, 1.0], low=-1, high=4, tolerance=0.1) == 0.2
    # The fit would stop beside the last point; how the curve runs between two far ones is not known.
    assert next_strength([0.0, 2.0], [-10.0, 0.1], low=-1, high=4, tolerance=0.1) == 1.5
    assert next_strength([0.0, 2.0], [-10.0, 0.0], low=-1, high=4, tolerance=0.1) is None
