"""The maps λ gives by its direct effect: exact where a response was recorded, the known tilt of rows where not."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from dymos_probe.analysis.counterfactual import _tilt
from dymos_probe.bias import Bias
from dymos_probe.errors import InputError
from dymos_probe.store import forget_run, open_study
from dymos_probe.testing.synthetic import SMALL, synthetic_study, tilt

INF = float("inf")
GRID = (-1.0, 0.6, 1.0, INF)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("studies") / "study"
    return synthetic_study(path, samples=3, lams=(-1.0, 0.6, 1.0, 1.3), excess=0.3)


@pytest.fixture(scope="module")
def ds(known):
    return open_study(known.path)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A study whose response was recorded."""
    path = tmp_path_factory.mktemp("studies") / "study"
    shape = replace(SMALL, response=GRID)
    return open_study(synthetic_study(path, samples=3, lams=(0.6,), shape=shape, excess=0.3).path)


def by_hand(known, strengths, *, steps, early):
    """The mean over the first ``early`` steps of the I2V maps, tilted in the first ``steps``."""
    maps, mass = (part["i2v"][:, 0, :early].copy() for part in (known.attention, known.text_mass))
    maps[:, :steps], mass[:, :steps] = tilt(maps[:, :steps], mass[:, :steps], strengths)
    return maps.mean(axis=(0, 1, 2, 3)), mass.mean(axis=(0, 1, 2, 3))


@pytest.mark.parametrize("schedule", ["uniform", "linear", "log"])
def test_without_a_response_rows_are_tilted_one_by_one_and_said_to_be_approximate(ds, known, schedule):
    result = ds.probe.counterfactual([1.3, -0.4], schedule=schedule, early=0.5)
    assert result["attention"].dims == ("lam", "query_frame", "key_frame")
    assert result["text_mass"].dims == ("lam", "query_frame")
    assert result["attention"].chunks is not None and result["attention"].dtype == np.float64
    assert result.attrs["exact"] is False and "one query token a frame" in result.attrs["method"]
    for lam in (1.3, -0.4):
        strengths = lam * Bias(lam=1.0, schedule=schedule).phi(4)
        maps, mass = by_hand(known, strengths, steps=3, early=3)
        np.testing.assert_allclose(result["attention"].sel(lam=lam), maps, atol=1e-6)
        np.testing.assert_allclose(result["text_mass"].sel(lam=lam), mass, atol=1e-6)


def test_the_response_is_taken_as_it_was_recorded(answered):
    result = answered.probe.counterfactual([1.0, 0.0, -1.0], keep=("layer", "step"), early=1.0)
    assert result.attrs["exact"] is True and result["attention"].dims[:3] == ("lam", "layer", "step")
    i2v = answered.sel(condition="i2v", branch="cond")
    for name in ("attention", "text_mass"):
        response = i2v[f"{name}_response"].astype(float).mean(["sample", "head"])
        for lam in (1.0, -1.0):
            np.testing.assert_allclose(
                result[name].sel(lam=lam), response.sel(lam_response=lam).transpose("layer", "step", ...), atol=1e-12
            )
        recorded = i2v[name].astype(float).mean(["sample", "head"]).transpose("layer", "step", ...)
        np.testing.assert_allclose(result[name].sel(lam=0.0), recorded, atol=1e-15)


def test_a_response_that_disagrees_with_the_tilt_wins(tmp_path):
    """Real query tokens differ within a frame; then the recorded response is right and the tilt is not."""
    shape = replace(SMALL, response=(1.0,))
    ds = open_study(synthetic_study(tmp_path / "study", lams=(), shape=shape).path)
    other = ds.assign(attention_response=ds["attention_response"] * 0.5)
    halved = other.probe.counterfactual(1.0)["attention"]
    np.testing.assert_allclose(halved.isel(query_frame=slice(1, None)).sum("key_frame"), 0.45, atol=0.06)
    # One λ that is not in the grid makes all of them approximate, so that a curve has one method.
    mixed = other.probe.counterfactual([1.0, 1.5])
    assert mixed.attrs["exact"] is False
    xr.testing.assert_allclose(mixed["attention"].sel(lam=1.0), ds.probe.counterfactual(1.0)["attention"][0], atol=1e-6)


@pytest.mark.parametrize("schedule", ["linear", "log"])
def test_another_schedule_takes_each_frame_from_the_response_at_its_own_strength(tmp_path, schedule):
    wanted = 1.5 * Bias(lam=1.0, schedule=schedule).phi(4)[1:]
    shape = replace(SMALL, response=tuple(sorted({round(float(s), 12) for s in wanted})))
    known = synthetic_study(tmp_path / "study", lams=(), shape=shape)
    result = open_study(known.path).probe.counterfactual(1.5, schedule=schedule)
    assert result.attrs["exact"] is True and result.attrs["schedule"] == schedule
    maps, mass = by_hand(known, np.concatenate([[0.0], wanted]), steps=1, early=1)
    np.testing.assert_allclose(result["attention"][0], maps, atol=1e-6)
    np.testing.assert_allclose(result["text_mass"][0], mass, atol=1e-6)


@pytest.mark.parametrize("study", ["ds", "answered"])
def test_at_zero_it_is_the_recorded_map_and_at_infinity_frame_0_has_nothing(request, study):
    ds = request.getfixturevalue(study)
    result = ds.probe.counterfactual([0.0, INF], keep=("sample", "step", "layer", "head"), early=1.0)
    recorded = ds.sel(condition="i2v", branch="cond")
    np.testing.assert_array_equal(result["attention"].sel(lam=0.0), recorded["attention"])
    np.testing.assert_array_equal(result["text_mass"].sel(lam=0.0), recorded["text_mass"])
    gone = result.sel(lam=INF)
    assert (gone["attention"].isel(key_frame=0, query_frame=slice(1, None)) == 0.0).all()
    np.testing.assert_array_equal(gone["attention"].isel(query_frame=0), recorded["attention"].isel(query_frame=0))
    np.testing.assert_allclose(gone["attention"].sum("key_frame") + gone["text_mass"], 1.0, atol=1e-6)
    assert result.attrs["exact"] is (study == "answered")


def test_only_steps_that_would_be_modulated_are_changed(ds, known, answered):
    # A third of six steps is two, and early = 0.5 averages three: one of them stays as it was.
    for lam in (0.6, 1.0):
        maps, _ = by_hand(known, lam, steps=2, early=3)
        for study in (ds, answered):
            result = study.probe.counterfactual(lam, step_ratio=1 / 3, early=0.5)["attention"][0]
            np.testing.assert_allclose(result, maps, atol=1e-6)
    steps = ds.probe.counterfactual([INF], step_ratio=1 / 3, early=1.0, keep=("step",))["attention"][0]
    assert (steps[:2, 1:, 0] == 0.0).all() and (steps[2:, 1:, 0] > 0.1).all()
    still = ds.probe.counterfactual([INF], step_ratio=0.0)["attention"][0]
    np.testing.assert_allclose(still, by_hand(known, 0.0, steps=1, early=1)[0], atol=1e-6)


def test_the_unconditional_branch_is_never_modulated(ds):
    result = ds.probe.counterfactual([1.0, INF], branch="uncond", keep=("sample", "step", "layer", "head"), early=1.0)
    for lam in (1.0, INF):
        recorded = ds["attention"].sel(condition="i2v", branch="uncond")
        np.testing.assert_array_equal(result["attention"].sel(lam=lam), recorded)


def test_a_matched_table_has_its_own_strength_in_every_layer(ds, known):
    table = ((0.0, 1.0, -1.0, 0.5), (0.0, 0.0, 0.0, 0.0), (0.0, 2.0, 2.0, 2.0))
    result = ds.probe.counterfactual(0.5, schedule="matched", matched=table, keep=("layer",))["attention"][0]
    for layer, row in enumerate(table):
        maps, mass = (part["i2v"][:, 0, 0, layer] for part in (known.attention, known.text_mass))
        expected, _ = tilt(maps, mass, 0.5 * np.array(row))
        np.testing.assert_allclose(result[layer], expected.mean(axis=(0, 1)), atol=1e-6)
    with pytest.raises(InputError, match="for 1 layers and 4 latent frames; here are 3 layers and 4"):
        ds.probe.counterfactual(1.0, schedule="matched", matched=table[:1])


fractions = st.floats(1e-6, 1.0)


@settings(max_examples=80, deadline=None)
@given(st.lists(fractions, min_size=4, max_size=4), st.floats(0.0, 0.9), st.floats(-30, 30), st.floats(-30, 30))
def test_tilts_keep_rows_whole_add_up_and_leave_the_other_odds_alone(row, text, one, other):
    maps = np.array(row) / sum(row) * (1.0 - text)
    once, mass = _tilt(maps, np.array(text), np.array(one))
    np.testing.assert_allclose(once.sum() + mass, 1.0, rtol=1e-12)
    # Odds in logs, as one of them may be as small as exp(−30).
    np.testing.assert_allclose(np.log(once[0] / once[1]), np.log(maps[0] / maps[1]) - one, atol=1e-9)
    np.testing.assert_allclose(once[2] / once[1], maps[2] / maps[1], rtol=1e-9)
    twice, _ = _tilt(once, mass, np.array(other))
    np.testing.assert_allclose(twice, _tilt(maps, np.array(text), np.array(one + other))[0], atol=1e-9)


def test_infinite_strengths_leave_nothing_of_frame_0_or_nothing_else():
    maps, text = np.array([0.3, 0.5, 0.1]), np.array(0.1)
    gone, mass = _tilt(maps, text, np.array(INF))
    np.testing.assert_allclose([*gone, mass], [0.0, 5 / 7, 1 / 7, 1 / 7])
    alone, mass = _tilt(maps, text, np.array(-INF))
    np.testing.assert_array_equal([*alone, mass], [1.0, 0.0, 0.0, 0.0])
    with pytest.raises(InputError, match="leaves a row of attention without anything"):
        _tilt(np.array([1.0, 0.0, 0.0]), np.array(0.0), np.array(INF))


@pytest.mark.parametrize("order", ["mean_first", "distance_first"])
@pytest.mark.parametrize("text", ["renormalise", "bin"])
def test_its_distance_is_that_of_runs_which_the_network_does_not_react_in(ds, known, order, text):
    """A synthetic study's modulated runs are the direct effect, so both curves are one."""
    options = {"order": order, "text": text, "early": 0.5, "keep": ("query_frame", "sample"), "base": 2}
    measured = ds.probe.distance(**options)
    direct = ds.probe.counterfactual_distance(measured["lam"].values, **options)
    assert direct.dims == measured.dims and direct.chunks is not None
    np.testing.assert_allclose(direct, measured, atol=1e-6)
    assert (direct.attrs["order"], direct.attrs["text"], direct.attrs["exact"]) == (order, text, False)
    assert direct.attrs["units"] == "bits" and direct.attrs["samples_used"] == 3


def test_its_distance_vanishes_at_the_known_strength(ds, known):
    curve = ds.probe.counterfactual_distance([0.0, known.closest_lam, 2 * known.closest_lam])
    assert float(curve[1]) < 1e-10 < float(curve.isel(lam=[0, 2]).min())
    maps = [known.attention[arm][:, 0, :1].mean(axis=(0, 1, 2, 3))[1:] for arm in ("i2v", "t2v")]
    np.testing.assert_allclose(curve[0], (jensenshannon(*maps, axis=-1) ** 2).mean(), rtol=1e-4)


def test_it_stands_on_the_samples_that_are_there(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=3, lams=())
    forget_run(known.path, "sample-0", "i2v")
    forget_run(known.path, "sample-1", "t2v")
    ds = open_study(known.path)
    assert ds.probe.counterfactual(1.0).attrs["samples_used"] == 2
    assert ds.probe.counterfactual_distance(1.0).attrs["samples_used"] == 1
    assert ds.probe.counterfactual(1.0, condition="t2v", keep=("sample",))["sample"].values.tolist() == [
        "sample-0",
        "sample-2",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"lam": float("nan")}, "NaN"),
        ({"lam": []}, "at least one strength"),
        ({"lam": [1, 1.0]}, "twice"),
        ({"lam": 1.0, "condition": "i2v lam=1"}, "'i2v lam=1' is modulated already"),
        ({"lam": 1.0, "condition": "alg"}, "there is no condition 'alg'"),
        ({"lam": 1.0, "schedule": "cosine"}, "schedule 'cosine' is unknown"),
        ({"lam": 1.0, "schedule": "matched"}, "belong together"),
        ({"lam": 1.0, "step_ratio": 2.0}, r"outside \[0, 1\]"),
        ({"lam": 1.0, "keep": ("query_frame",)}, "dims that can be kept"),
        ({"lam": 1.0, "branch": "neither"}, "branch 'neither' was not recorded"),
    ],
)
def test_wrong_choices_are_refused(ds, arguments, words):
    with pytest.raises(InputError, match=words):
        ds.probe.counterfactual(**arguments)


@pytest.mark.parametrize("matched", [False, True])
def test_a_window_shows_a_part_of_what_all_of_it_shows(tmp_path, matched):
    ds = open_study(synthetic_study(tmp_path / "study", samples=3, lams=()).path)
    table = tuple((0.0, *np.linspace(0.2 + layer, 1.0, 3)) for layer in range(3))
    options = {"schedule": "matched", "matched": table} if matched else {}
    every = ("sample", "step", "layer", "head")
    whole = ds.probe.counterfactual([-1.0, 0.7], step_ratio=0.5, early=1.0, keep=every, **options)
    window = {"steps": [1, 4], "layers": [2, 0], "heads": [1], "samples": ["sample-2"]}
    part = ds.probe.counterfactual([-1.0, 0.7], step_ratio=0.5, keep=every, **window, **options)
    cut = whole.sel(step=[1, 4], layer=[0, 2], head=[1], sample=["sample-2"])
    for name in ("attention", "text_mass"):
        np.testing.assert_array_equal(part[name].values, cut[name].values)
    d = ds.probe.counterfactual_distance(0.7, step_ratio=0.5, **window, **options)
    t2v = ds.probe.maps(conditions=["t2v"], **window).isel(condition=0, query_frame=slice(1, None))
    rows = cut["attention"].sel(lam=0.7).mean(every).isel(query_frame=slice(1, None))
    expected = np.mean(jensenshannon(rows.values, t2v.values, axis=1) ** 2)
    assert float(d[0]) == pytest.approx(expected, abs=1e-12)
    assert part.attrs["steps"] == [1, 4] and part.attrs["layers"] == [0, 2]


def test_the_reaction_in_a_window_is_measured_there(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=2, lams=(1.0,), step_ratio=0.5)
    ds = open_study(known.path)
    early, late = (ds.probe.reaction(steps=steps) for steps in ([0, 1, 2], [3, 4, 5]))
    assert float(early["direct_share"][0]) == pytest.approx(1.0, abs=1e-5)
    # λ acts in the first half of the steps alone, and this study's network does not react.
    assert late["share_undefined"].item() == "dominance did not change" and late.attrs["steps"] == [3, 4, 5]
