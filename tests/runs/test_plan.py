"""Ids say what differs, never collide, and fit into a file name; runs come in an order that loads a model once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.baselines import ALG
from dymos_probe.bias import Bias
from dymos_probe.cli.options import indices
from dymos_probe.errors import InputError
from dymos_probe.runs.plan import I2V, T2V, Way, all_runs, format_indices, make_sample, shares, ways

INDICES = st.lists(st.integers(0, 60), min_size=1, max_size=60, unique=True).map(lambda found: tuple(sorted(found)))
BIASES = st.builds(
    Bias,
    lam=st.floats(allow_nan=False).filter(bool),
    step_ratio=st.floats(0.001, 1.0),
    schedule=st.sampled_from(["uniform", "linear", "log"]),
    layers=st.none() | INDICES,
    heads=st.none() | INDICES,
    query_frames=st.none() | INDICES,
    key_frame=st.integers(0, 20),
    branches=st.sampled_from([("cond",), ("uncond",), ("cond", "uncond")]),
)
WAYS = st.builds(Way, arm=st.sampled_from(["t2v", "i2v"]), bias=BIASES)
UNIT = st.floats(0.01, 1.0)
FILTERS = st.fixed_dictionaries({"resize_factor": UNIT}) | st.fixed_dictionaries(
    {
        "filter": st.just("gaussian_blur"),
        "blur_sigma": st.floats(0, 9),
        "blur_kernel_size": st.floats(0.01, 0.99) | st.integers(1, 9),
    }
)
STRENGTHS = (
    st.tuples(UNIT, UNIT).map(sorted).map(lambda ends: {"interval_start": ends[0], "interval_end": ends[1]})
    | st.fixed_dictionaries(
        {"strength": st.just("linear"), "linear_start_weight": UNIT, "linear_end_weight": UNIT, "linear_end_time": UNIT}
    )
    | st.fixed_dictionaries({"strength": st.just("exponential"), "exp_decay_rate": st.floats(0, 99)})
    | st.just({"strength": "none"})
)
ALGS = st.builds(lambda filter, strength: Way(arm="i2v", alg=ALG(**filter, **strength)), FILTERS, STRENGTHS)


@given(WAYS | ALGS, WAYS | ALGS)
def test_two_ways_share_an_id_only_if_they_are_one(first, second):
    assert (first.id == second.id) == (first == second)
    assert len(f"{first.id}.mp4".encode()) < 150 and "/" not in first.id


def test_strengths_that_differ_in_the_last_digit_are_two_conditions():
    near = ways([0.1, math.nextafter(0.1, 1)], step_ratio=0.2)
    assert len({way.id for way in near}) == 2 and near[0].id == "i2v_lam0.1_ratio0.2"


@given(WAYS)
def test_a_condition_keeps_everything_its_bias_says(way):
    row = way.condition
    assert (row.arm, row.lam, row.step_ratio, row.schedule) == (
        way.arm, way.bias.lam, way.bias.step_ratio, way.bias.schedule,
    )  # fmt: skip
    assert row.key_frame == way.bias.key_frame
    assert tuple(row.branches.split("+")) == way.bias.branches
    for text, chosen in ((row.layers, way.bias.layers), (row.heads, way.bias.heads)):
        assert (text == "") == (chosen is None)
        assert chosen is None or indices(text, "layers") == chosen


@given(INDICES)
def test_indices_read_back_from_their_text(chosen):
    assert indices(format_indices(chosen), "layers") == chosen


def test_a_way_without_effect_is_the_untouched_arm_and_lists_are_taken():
    assert ways([0.0, -0.0]) == (I2V,)
    assert ways([1.0], step_ratio=0.0) == (I2V,)
    assert ways([0.0], arm="t2v") == (T2V,)
    assert ways([1], layers=[0, 1], heads=range(2))[0].bias == Bias(lam=1.0, layers=(0, 1), heads=(0, 1))


@given(st.text(min_size=1), st.text(min_size=1), st.integers(0, 3), st.integers(0, 3))
def test_two_samples_share_an_id_only_if_prompt_seed_and_image_agree(first, second, seed, other):
    same = (first, seed) == (second, other)
    assert (make_sample(first, seed).id == make_sample(second, other).id) == same
    assert make_sample(first, seed, b"png").id != make_sample(first, seed).id
    assert make_sample(first, seed).id.isascii() and "/" not in make_sample(first, seed).id


def test_all_t2v_runs_come_before_the_i2v_runs_that_need_their_first_frames():
    samples = [make_sample(prompt, 0) for prompt in ("a", "b", "c")]
    runs = all_runs(samples, (I2V, T2V))
    assert [run.way.id for run in runs] == ["t2v"] * 3 + ["i2v"] * 3
    assert [run.sample for run in runs[:3]] == samples


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_shares_hold_every_run_once_and_differ_by_at_most_one(count):
    runs = all_runs([make_sample("a", seed) for seed in range(5)], (I2V,))
    dealt = shares(runs, count)
    assert sorted(run.sample.seed for part in dealt for run in part) == list(range(5))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1 and all(dealt)


def test_a_condition_keeps_the_query_frames_chosen_also_where_the_reference_is_not_exempt():
    def kept(**bias):
        return Way(arm="i2v", bias=Bias(lam=1.0, **bias)).condition.query_frames

    assert kept() == ""
    assert kept(exempt_reference_queries=False) == "all"
    assert kept(query_frames=(1, 2, 5)) == kept(query_frames=(1, 2, 5), exempt_reference_queries=False) == "1-2,5"


def test_alg_is_named_by_its_filter_and_strength_and_has_nothing_of_a_bias():
    way = Way(arm="i2v", alg=ALG(resize_factor=0.25, interval_end=0.04))
    assert way.id == way.condition.id == "i2v_alg_resize0.25_0-0.04"
    blurred = ALG(filter="gaussian_blur", blur_sigma=2, blur_kernel_size=0.05, strength="exponential", exp_decay_rate=7)
    assert Way(arm="i2v", alg=blurred).id == "i2v_alg_blur2k0.05_exponential7"
    row = way.condition
    assert (row.arm, row.method, row.schedule, row.key_frame) == ("i2v", "alg", "", -1)
    assert math.isnan(row.lam) and math.isnan(row.step_ratio)
    assert (row.branches, row.layers, row.heads, row.query_frames) == ("", "", "", "")


def test_alg_takes_no_bias_beside_it_and_needs_a_reference_image():
    alg = ALG(resize_factor=0.25, interval_end=0.04)
    with pytest.raises(InputError, match="arm 't2v' has no reference image for ALG to filter; choose i2v"):
        Way(arm="t2v", alg=alg)
    with pytest.raises(InputError, match=r"a bias \(λ = 2\) and ALG are given; a condition has one of the two"):
        Way(arm="i2v", alg=alg, bias=Bias(lam=2.0))
