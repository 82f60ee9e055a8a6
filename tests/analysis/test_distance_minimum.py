"""The least distance is found where the synthetic study's maps are T2V's, between the λ that were run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from dymos_probe.analysis.distance_minimum import spline_minimum
from dymos_probe.errors import InputError
from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import SMALL, synthetic_study

PAPER = (-2.0, -1.0, 0.6, 1.0)
FINE = (-2.0, -1.0, -0.5, 0.3, 0.6, 1.0, 1.5, 2.0)


def study(tmp_path, **options):
    known = synthetic_study(tmp_path / "study", **options)
    return known, open_study(known.path)


@pytest.mark.parametrize("order", ["mean_first", "distance_first"])
@pytest.mark.parametrize("text", ["renormalise", "bin"])
@pytest.mark.parametrize("excess", [0.05, 0.2])
def test_it_lies_at_the_strength_that_undoes_the_excess(tmp_path, order, text, excess):
    known, ds = study(tmp_path, samples=3, lams=FINE, excess=excess)
    found = ds.probe.distance_minimum(order=order, text=text, resamples=100)
    assert known.closest_lam not in FINE
    assert float(found["closest_lam"]) == pytest.approx(known.closest_lam, abs=0.01)
    assert 0.0 <= float(found["least_distance"]) < 1e-5
    assert found["place"].item() == "inside" and found["closest_lam"].dims == ()


def test_five_strengths_of_the_paper_are_enough_for_a_tenth(tmp_path):
    known, ds = study(tmp_path, samples=2, lams=PAPER, excess=0.2)
    assert float(ds.probe.distance_minimum(resamples=100)["closest_lam"]) == pytest.approx(known.closest_lam, abs=0.05)


def test_each_layer_head_and_sample_has_its_own(tmp_path):
    rng = np.random.default_rng(0)
    excess = rng.uniform(0.05, 0.35, (4, len(SMALL.layers), SMALL.heads))
    known, ds = study(tmp_path, samples=4, lams=FINE, excess=excess)
    of_all = ds.probe.distance_minimum(keep=("head", "sample", "layer"))
    assert of_all["closest_lam"].dims == ("head", "sample", "layer")
    expected = known.closest_lam_by
    np.testing.assert_allclose(of_all["closest_lam"].transpose("sample", "layer", "head"), expected, atol=0.02)
    assert of_all["closest_lam_low"].isnull().all() and not of_all["closest_lam"].isnull().any()
    by_head = ds.probe.distance_minimum(keep=("layer", "head"), resamples=400)
    assert by_head["closest_lam"].dims == ("layer", "head") and by_head["layer_name"].dims == ("layer",)
    # Of the mean over samples: between the least and the largest of them, and so is its interval.
    for name in ("closest_lam_low", "closest_lam", "closest_lam_high"):
        assert (expected.min(axis=0) - 0.02 < by_head[name]).all() and (
            by_head[name] < expected.max(axis=0) + 0.02
        ).all()
    assert (by_head["closest_lam_high"] - by_head["closest_lam_low"] > 0.05).all()


def test_an_interval_over_samples_holds_the_minimum_and_widens_with_their_spread(tmp_path):
    widths = []
    for place, spread in enumerate((0.02, 0.15)):
        excess = 0.2 + spread * np.linspace(-1, 1, 8)[:, None, None]
        _, ds = study(tmp_path / str(place), samples=8, lams=FINE, excess=excess)
        found = ds.probe.distance_minimum(resamples=500)
        for name in ("closest_lam", "least_distance"):
            assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]
        widths.append(float(found["closest_lam_high"] - found["closest_lam_low"]))
    assert 0.0 < 4 * widths[0] < widths[1]


def test_a_minimum_beyond_the_strengths_is_said_to_be_at_the_edge(tmp_path):
    known, ds = study(tmp_path / "above", samples=2, lams=(-1.0, 0.3, 0.6), excess=0.4)
    found = ds.probe.distance_minimum(resamples=100)
    assert known.closest_lam > 0.6 == float(found["closest_lam"])
    assert found["place"].item() == "largest"
    _, ds = study(tmp_path / "below", samples=2, lams=(0.3, 0.6), excess=-0.1)
    found = ds.probe.distance_minimum(resamples=100)
    assert (found["place"].item(), float(found["closest_lam"])) == ("smallest", 0.0)


def test_an_infinite_strength_is_left_out_and_named(tmp_path):
    _, ds = study(tmp_path, samples=2, lams=(*FINE, float("inf")))
    found = ds.probe.distance_minimum(resamples=100)
    without = ds.isel(condition=slice(-1)).probe.distance_minimum(resamples=100)
    assert found.attrs["lam_left_out"] == [float("inf")] and without.attrs["lam_left_out"] == []
    assert float(found["closest_lam"]) == float(without["closest_lam"])


def test_the_fit_passes_through_what_was_measured_and_never_below_zero(tmp_path):
    _, ds = study(tmp_path, samples=2, lams=FINE)
    found, measured = ds.probe.distance_minimum(resamples=100, keep=("head",)), ds.probe.distance(keep=("head",))
    assert found["fitted"].dims == ("head", "lam_fit")
    np.testing.assert_allclose(
        found["fitted"].sel(lam_fit=measured["lam"].values), measured.transpose("head", "lam"), rtol=1e-5, atol=1e-9
    )
    assert (found["fitted"] >= 0.0).all() and found["fitted"]["lam_fit"].size >= 201
    assert found["fitted"].min() >= found["least_distance"].min()


def test_one_sample_has_a_minimum_without_an_interval(tmp_path):
    _, ds = study(tmp_path, samples=1, lams=FINE)
    found = ds.probe.distance_minimum()
    assert found["closest_lam_low"].isnull() and found["least_distance_high"].isnull()
    assert not found["closest_lam"].isnull()


def test_one_strength_has_no_least(tmp_path):
    _, ds = study(tmp_path, samples=1, lams=(float("inf"),))
    with pytest.raises(InputError, match="at least two finite λ, the study has 1"):
        ds.probe.distance_minimum()


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 7), st.integers(0, 10_000))
def test_a_splines_minimum_is_what_a_search_finds(count, seed):
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.uniform(0.2, 2.0, count))
    values = rng.uniform(1.0, 2.0, (count, 3)) + 3.0
    curve = CubicSpline(knots, values)
    where, least = spline_minimum(curve, values)
    for column in range(3):
        at = int(np.argmin(values[:, column]))
        low, high = knots[max(at - 1, 0)], knots[min(at + 1, count - 1)]
        grid = np.linspace(low, high, 400)
        start = grid[np.argmin(curve(grid)[:, column])]
        step = (high - low) / 399
        found = minimize_scalar(
            lambda lam, column=column: curve(lam)[column],
            bounds=(max(low, start - step), min(high, start + step)),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert least[column] <= max(found.fun, 0.0) + 1e-9
        assert max(curve(where[column])[column], 0.0) == pytest.approx(least[column], abs=1e-9)
        assert least[column] == pytest.approx(max(min(found.fun, values[at, column]), 0.0), abs=1e-6)
