"""The response is what each λ does to the attention of the untouched model, on the same queries and keys."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dymos_probe.baselines import ALG
from dymos_probe.bias import Bias
from dymos_probe.errors import InputError, TapError
from dymos_probe.tap import attach

INF = math.inf
GRID = (-INF, -2.0, 0.0, 0.6, 4.0, INF)
MODES = ("observe", "fused")
SOME = ("cogvideox", "wan2.1", "hunyuanvideo", "ltx-video")


def shift_of(case, call, lam):
    """λ for every query frame but the reference frame, whatever the branch."""
    table = torch.full((call.q.shape[0], call.q.shape[1], case.frames), lam, dtype=torch.float64)
    table[..., 0] = 0.0
    return table


@pytest.mark.parametrize("mode", MODES)
def test_at_each_strength_it_is_float64_attention_with_the_bias(case, capture, mode):
    with attach(case.pipe, record=mode, response=GRID) as probe, capture(case.pipe) as seen:
        case.run()
    recording = probe.recording
    assert recording.attention_response.shape == (1, len(GRID), *recording.attention.shape[1:])
    assert recording.attention_response.dtype == recording.text_mass_response.dtype == np.float32
    case.assert_records(recording, seen)
    for call in seen.calls:
        labels = case.branches(call)
        for index, lam in enumerate(GRID):
            truth = case.truth(call, shift_of(case, call, lam))
            for row, branch in enumerate(labels):
                at = (0, index, recording.branches.index(branch), case.step(call), call.layer)
                np.testing.assert_allclose(recording.attention_response[at], truth.mass[row], atol=1e-6, rtol=0)
                np.testing.assert_allclose(recording.text_mass_response[at], truth.text[row], atol=1e-6, rtol=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SOME)
def test_asking_for_it_changes_neither_video_nor_record_and_at_zero_it_is_the_record(case_of, name, mode):
    case = case_of(name, "i2v")
    with attach(case.pipe, record=mode) as alone:
        expected = case.run()
    with case.untouched_afterwards(), attach(case.pipe, record=mode, response=[1, 0]) as probe:
        video = case.run()
    np.testing.assert_array_equal(video, expected)
    if mode == "observe":
        np.testing.assert_array_equal(video, case.video())
    np.testing.assert_array_equal(probe.attention_response.sel(lam=0.0, drop=True), probe.attention)
    np.testing.assert_array_equal(probe.text_mass_response.sel(lam=0.0, drop=True), probe.text_mass)
    np.testing.assert_allclose(probe.attention, alone.attention, atol=1e-6, rtol=0)
    np.testing.assert_allclose(probe.text_mass, alone.text_mass, atol=1e-6, rtol=0)
    assert abs(probe.attention_response.sel(lam=1.0) - probe.attention).max() > 1e-3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SOME)
def test_it_is_what_a_biased_run_records_where_queries_and_keys_are_still_the_same(case_of, name, mode):
    case = case_of(name, "i2v")
    lams = [-1.5, INF]
    with attach(case.pipe, record=mode, response=lams) as probe:
        case.run()
    for lam in lams:
        for layer in range(probe.attention.sizes["layer"]):
            # A bias in one layer alone: what comes before it in the first step is untouched.
            with attach(case.pipe, record=mode, bias=Bias(lam=lam, layers=(layer,))) as biased:
                case.run()
            here = {"branch": "cond", "step": 0, "layer": layer}
            found, wanted = probe.attention_response.sel(lam=lam).loc[here], biased.attention.loc[here]
            np.testing.assert_allclose(found, wanted, atol=1e-6, rtol=0)
            found, wanted = probe.text_mass_response.sel(lam=lam).loc[here], biased.text_mass.loc[here]
            np.testing.assert_allclose(found, wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("schedule", ["linear", "log"])
def test_another_schedule_is_read_off_the_rows_of_the_uniform_one(case_of, schedule):
    case = case_of("cogvideox", "i2v")
    bias = Bias(lam=2.0, schedule=schedule)
    strengths = bias.lam * bias.phi(case.frames)
    with attach(case.pipe, response=strengths) as probe:
        case.run(num_inference_steps=1)
    with attach(case.pipe, bias=bias) as biased:
        case.run(num_inference_steps=1)
    here = {"branch": "cond", "step": 0, "layer": 0}
    for frame, lam in enumerate(strengths):
        found = probe.attention_response.sel(lam=lam).loc[here].isel(query_frame=frame)
        np.testing.assert_allclose(found, biased.attention.loc[here].isel(query_frame=frame), atol=1e-6, rtol=0)


def test_it_is_labelled_in_rising_order_and_its_rows_sum_to_one(case_of):
    case = case_of("cogvideox", "i2v")
    with attach(case.pipe, response=[1, -0.0, -2.5, INF], branches="cond") as probe:
        case.run()
    response = probe.attention_response
    assert response.dims == ("lam", "branch", "step", "layer", "head", "query_frame", "key_frame")
    assert probe.text_mass_response.dims == response.dims[:-1]
    assert (response.name, probe.text_mass_response.name) == ("attention_response", "text_mass_response")
    assert response["lam"].values.tolist() == [-2.5, 0.0, 1.0, INF]
    assert math.copysign(1, response["lam"].values[1]) == 1
    assert response["branch"].values.tolist() == ["cond"]
    np.testing.assert_array_equal(response["timestep"], probe.attention["timestep"])
    np.testing.assert_allclose(response.sum("key_frame") + probe.text_mass_response, 1.0, atol=1e-6)
    np.testing.assert_array_equal(response.sel(lam=INF).isel(key_frame=0, query_frame=slice(1, None)), 0.0)


@pytest.mark.parametrize("mode", MODES)
def test_each_video_of_a_batch_has_its_own(case_of, mode):
    case = case_of("wan2.1", "t2v")
    with attach(case.pipe, record=mode, response=[0.0, 1.0]) as probe:
        case.run(num_videos_per_prompt=2)
    assert probe.attention_response.dims[:2] == ("video", "lam")
    np.testing.assert_array_equal(probe.attention_response.sel(lam=0.0, drop=True), probe.attention)
    one, other = probe.attention_response.sel(lam=1.0)
    assert abs(one - other).max() > 1e-3


def test_a_bias_of_no_strength_is_the_untouched_model(case_of):
    case = case_of("wan2.1", "i2v")
    with attach(case.pipe, bias=Bias(lam=0.0), response=[0.6]) as probe:
        video = case.run()
    np.testing.assert_array_equal(video, case.video())
    assert probe.attention_response["lam"].values.tolist() == [0.6]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"response": []}, "response is empty; give at least one"),
        ({"response": [0.6, math.nan]}, "has a λ that is NaN"),
        ({"response": [0.6, 1, 0.6]}, "response 0.6, 1, 0.6 has a λ twice"),
        ({"response": [0.0, -0.0]}, "has a λ twice"),
        ({"response": 0.6}, r"response 0.6 is no list of strengths λ, such as \[-1, 0.6, 1\]"),
        ({"response": "-1,0.6"}, "response '-1,0.6' is no list of strengths"),
        ({"response": [0.6], "record": False}, "record=False"),
        ({"response": [0.6], "bias": Bias(lam=2.0)}, r"of the untouched attention, but a bias \(λ = 2\) is"),
        ({"response": [0.6], "bias": Bias(lam=-INF, step_ratio=0.2), "record": "fused"}, r"\(λ = -inf\) is"),
        ({"response": [0.6], "alg": ALG(resize_factor=0.4, interval_end=0.2)}, "but ALG is given"),
    ],
)
def test_what_no_response_can_be_of_is_refused_in_one_line(case_of, changes, words):
    with pytest.raises(InputError, match=words) as refused:
        attach(case_of("wan2.1", "i2v").pipe, **changes)
    assert "\n" not in str(refused.value)


def test_a_response_nobody_asked_for_is_not_there(case_of):
    case = case_of("wan2.1", "i2v")
    with attach(case.pipe) as probe:
        case.run(num_inference_steps=1)
    assert probe.recording.response == () and probe.recording.attention_response is None
    for name in ("attention_response", "text_mass_response"):
        with pytest.raises(TapError, match=r"no response is recorded; attach with response="):
            getattr(probe, name)
