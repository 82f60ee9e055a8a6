"""The λ of equal motion of studies whose motion is a known function of λ."""

import math

import numpy as np
import pytest

from dymos_probe.analysis.closest import predicted_closest, strength_grid
from dymos_probe.analysis.compare import compare_conditions
from dymos_probe.analysis.equal_motion import equal_motion
from dymos_probe.errors import InputError
from dymos_probe.store import open_study, write_metric
from dymos_probe.testing.synthetic import SMALL, synthetic_study

LAMS = (-1.0, 1.0, 2.0, math.inf)
ATTRS = {"long_name": "motion", "units": "px"}


def measured(path, motion, *, samples=4, lams=LAMS, skip=(), **options):
    """A study whose samples move as ``motion(sample, λ or None for T2V)`` says."""
    known = synthetic_study(path, samples=samples, lams=lams, **options)
    ds = open_study(known.path)
    for number, sample in enumerate(known.samples):
        for condition in known.conditions:
            if (number, condition) not in skip:
                lam = None if condition == "t2v" else float(ds["lam"].sel(condition=condition))
                write_metric(known.path, "motion", sample, condition, motion(number, lam), ATTRS)
    return open_study(known.path)


def line(number, lam):
    """Sample k moves 2 px a λ from k on, and in T2V as it does at λ = 0.5 + k/4."""
    return number + (2.0 * (0.5 + number / 4) if lam is None else 20.0 if math.isinf(lam) else 2.0 * lam)


def test_of_lines_it_is_where_they_meet_for_the_pair_and_each_prompt(tmp_path):
    found = equal_motion(measured(tmp_path / "study", line), "motion")
    assert found.lam == pytest.approx(0.875) and found.why == ""
    assert [one.lam for one in found.prompts] == [pytest.approx(0.5 + k / 4) for k in range(4)]
    assert 0.5 <= found.low < 0.875 < found.high <= 1.25 and found.crossed == 1.0
    assert [point.lam for point in found.points] == [-1.0, 0.0, 1.0, 2.0], "an infinite λ is on no curve"
    assert found.points[1].gap == pytest.approx(-1.75) and found.points[1].mean == pytest.approx(1.5)
    gaps = np.array([1.0, 1.5, 2.0, 2.5])
    assert found.points[1].gap_standard_error == pytest.approx(gaps.std(ddof=1) / 2)
    assert (found.samples_used, found.units, found.long_name) == (4, "px", "motion")


def test_where_t2vs_motion_is_not_reached_that_is_said_and_no_number_is_made_up(tmp_path):
    def less(number, lam):
        return 9.0 if lam is None else 1.0 + 0.1 * min(lam, 5)

    found = equal_motion(measured(tmp_path / "less", less), "motion")
    assert found.lam is None and found.why == "the pair moves less than T2V at every λ tried"
    assert (found.low, found.high, found.crossed) == (math.inf, math.inf, 0.0)
    assert {one.why for one in found.prompts} == {"moves less than T2V at every λ tried"}
    more = equal_motion(measured(tmp_path / "more", lambda number, lam: 0.0 if lam is None else 1.0), "motion")
    assert more.lam is None and "moves more than T2V" in more.why and more.low == -math.inf


def test_an_interval_that_is_open_above_is_said_to_be(tmp_path):
    """Two of four samples reach T2V's motion at λ = 0.5, two never do; their mean does, at 2."""

    def motion(number, lam):
        if lam is None:
            return 10.0
        return (5.0 + 10.0 * min(lam, 5)) if number < 2 else 5.0 - 3.0 * min(max(lam, 0), 1)

    found = equal_motion(measured(tmp_path / "study", motion), "motion")
    assert 0.5 < found.lam < 2.0 and found.high == math.inf and 0.5 < found.crossed < 1.0
    assert [one.lam is None for one in found.prompts] == [False, False, True, True]


def test_every_mean_stands_on_the_samples_measured_everywhere(tmp_path):
    skip = {(3, "i2v lam=1"), (2, "t2v")}
    found = equal_motion(measured(tmp_path / "study", line, skip=skip), "motion")
    assert found.samples_used == 2 and found.lam == pytest.approx(0.625)
    assert found.prompts[2].why == "the metric has no value in T2V"
    assert found.prompts[3].lam == pytest.approx(1.25), "its own curve has other points"


def test_one_sample_has_no_interval_and_one_strength_no_crossing(tmp_path):
    one = equal_motion(measured(tmp_path / "one", line, samples=1), "motion")
    assert one.lam == pytest.approx(0.5) and (one.low, one.crossed, one.t2v_standard_error) == (None, None, None)
    bare = equal_motion(measured(tmp_path / "bare", line, lams=()), "motion")
    assert bare.lam is None and "moves less" in bare.why
    assert {p.why for p in bare.prompts} == {"the metric has no value at two λ or more"}


def test_it_is_the_same_each_time_and_wrong_requests_are_refused(tmp_path):
    ds = measured(tmp_path / "study", line)
    assert equal_motion(ds, "motion") == equal_motion(ds, "motion")
    with pytest.raises(InputError, match="no metric 'flow'; it has motion"):
        equal_motion(ds, "flow")
    with pytest.raises(InputError, match="level 1"):
        equal_motion(ds, "motion", level=1)


@pytest.mark.parametrize("response", [(), (-1.0, 0.5, 1.0, 1.5, 2.0)])
def test_the_predicted_strength_is_the_known_one(tmp_path, response):
    from dataclasses import replace

    shape = replace(SMALL, response=response)
    known = synthetic_study(tmp_path / "study", samples=3, lams=(), shape=shape, excess=0.3)
    found = predicted_closest(open_study(known.path), low=-1, high=4, step=0.25)
    assert found.exact is bool(response) and found.samples == 3
    assert found.pair.place == "inside" and found.pair.lam == pytest.approx(known.closest_lam, abs=0.05)
    assert list(found.prompts) == ["prompt 0", "prompt 1", "prompt 2"]
    for one in found.prompts.values():
        assert one.lam == pytest.approx(known.closest_lam, abs=0.05)


def test_a_response_that_ends_before_the_least_distance_gives_way_to_frame_means(tmp_path):
    from dataclasses import replace

    shape = replace(SMALL, response=(0.2, 0.4, 0.6, 0.8))
    known = synthetic_study(tmp_path / "study", lams=(), shape=shape, excess=0.3)
    found = predicted_closest(open_study(known.path), low=-1, high=4, step=0.25)
    assert not found.exact and found.pair.lam == pytest.approx(known.closest_lam, abs=0.03)


def test_a_range_that_ends_before_it_is_said_to(tmp_path):
    known = synthetic_study(tmp_path / "study", lams=(), excess=0.3)
    found = predicted_closest(open_study(known.path), low=-1, high=1, step=0.5)
    assert (found.pair.lam, found.pair.place) == (1.0, "largest")


def test_a_grid_holds_zero_and_its_ends():
    assert strength_grid(-1, 1, 0.5) == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert strength_grid(-0.3, 0.4, 0.2) == [-0.3, -0.1, 0.0, 0.1, 0.3]
    for low, high, step in ((1, 4, 0.5), (0, 0, 1), (-1, 1, 0), (-1, math.inf, 1), (-1, 1, -1)):
        with pytest.raises(InputError, match="must rise, be finite and hold"):
            strength_grid(low, high, step)
    with pytest.raises(InputError, match="over 1000"):
        strength_grid(-1, 4, 1e-4)


def test_conditions_are_compared_on_the_same_samples(tmp_path):
    ds = measured(tmp_path / "study", line, skip={(3, "i2v lam=1")})
    rows = compare_conditions(ds, ["i2v", "i2v lam=1"], "motion")
    d, mass = ds.probe.distance(), ds.probe.dominance(early=0.1)
    for row, lam in zip(rows, (0.0, 1.0), strict=True):
        assert (row.lam, row.samples) == (lam, 3)
        assert row.distance == pytest.approx(float(d.sel(lam=lam)), abs=1e-9)
        assert row.dominance == pytest.approx(float(mass.sel(condition=row.condition)), abs=1e-9)
        assert row.metric == pytest.approx(1.0 + 2.0 * lam) and row.gap == pytest.approx(2.0 * lam - 1.5)
    with pytest.raises(InputError, match="there is no condition 'alg'"):
        compare_conditions(ds, ["alg"], "motion")
