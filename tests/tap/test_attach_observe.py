"""Observing changes no bit, and what is recorded is the attention that ran."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dymos_probe.bias import Bias
from dymos_probe.tap import attach


@pytest.mark.parametrize("bias", [None, Bias(lam=0.0)], ids=["no bias", "lam 0"])
def test_under_the_tap_and_after_it_the_video_is_bit_identical(case, bias):
    with case.untouched_afterwards():
        with attach(case.pipe, bias=bias) as probe:
            latents = case.run()
        np.testing.assert_array_equal(latents, case.video())
        assert len(probe.calls) == 1


def test_the_decoded_video_is_bit_identical(case):
    plain = case.run(output_type="np")
    with attach(case.pipe):
        video = case.run(output_type="np")
    assert np.isfinite(plain).all() and plain.std() > 0.01
    np.testing.assert_array_equal(video, plain)


def test_the_record_is_the_float64_softmax_of_every_call(case, capture):
    with attach(case.pipe) as probe, capture(case.pipe) as seen:
        case.run()
    steps, branches = 2, 2
    assert len(seen.calls) == len(seen.experts) * seen.layers
    assert probe.recording.attention.shape == (1, branches, steps, seen.layers, 2, case.frames, case.frames)
    assert probe.recording.grid == (case.frames, case.tiny.token_height, case.tiny.token_width)
    case.assert_records(probe.recording, seen)


def test_the_call_that_ran_is_the_models_own(case, capture):
    with attach(case.pipe), capture(case.pipe) as seen:
        case.run()
    for call in seen.calls:
        own = F.scaled_dot_product_attention(call.q, call.k, call.v, attn_mask=call.mask, scale=call.scale)
        assert torch.equal(call.out, own)


def test_fused_output_and_record_are_those_of_the_models_own_attention(case, capture):
    with attach(case.pipe) as observed:
        case.run()
    with case.untouched_afterwards():
        with attach(case.pipe, record="fused") as fused, capture(case.pipe) as seen:
            case.run()
    for call in seen.calls:
        own = F.scaled_dot_product_attention(call.q, call.k, call.v, attn_mask=call.mask, scale=call.scale)
        torch.testing.assert_close(call.out, own, atol=2e-5 * max(1.0, float(call.v.abs().max())), rtol=0)
    case.assert_records(fused.recording, seen)
    # at the first step both saw the same latents
    first, own = fused.recording.attention[:, :, 0], observed.recording.attention[:, :, 0]
    np.testing.assert_allclose(first[..., 0, :, :, :], own[..., 0, :, :, :], atol=1e-6)


@pytest.mark.parametrize("arm", ["t2v", "i2v"])
@pytest.mark.parametrize("name", ["cogvideox", "cogvideox1.5", "wan2.1", "wan2.2-ti2v-5b", "ltx-video"])
@pytest.mark.parametrize("mode", ["observe", "fused"])
def test_bfloat16_records_are_exact_for_the_rounded_queries_and_keys(fresh_case, capture, name, arm, mode):
    case = fresh_case(name, arm)
    case.pipe.to(torch.bfloat16)
    plain = case.run()
    with attach(case.pipe, record=mode) as probe, capture(case.pipe) as seen:
        video = case.run()
    assert {call.q.dtype for call in seen.calls} <= {torch.bfloat16, torch.float32}
    if mode == "observe":
        np.testing.assert_array_equal(video, plain)
    case.assert_records(probe.recording, seen, atol=1e-5)


def test_labels_of_the_record_come_from_the_scheduler(case):
    with attach(case.pipe) as probe:
        case.run(num_inference_steps=4)
    attention = probe.attention
    assert attention.dims == ("branch", "step", "layer", "head", "query_frame", "key_frame")
    assert probe.text_mass.dims == attention.dims[:-1]
    assert list(attention.branch.values) == ["cond", "uncond"]
    np.testing.assert_array_equal(attention.timestep, case.pipe.scheduler.timesteps.double())
    names = [str(name) for name in attention.layer_name.values]
    modules = dict(case.pipe.transformer.named_modules())
    assert len(set(names)) == len(names) and all(hasattr(modules[name], "to_q") for name in names)
    experts = [0, 0, 1, 1] if case.name == "wan2.2-a14b" else [0] * 4
    assert list(attention.expert.values) == experts


def test_only_cond_is_recorded_when_asked(case, capture):
    with attach(case.pipe) as both:
        case.run()
    with attach(case.pipe, branches="cond") as cond:
        video = case.run()
    np.testing.assert_array_equal(video, case.video())
    assert cond.recording.branches == ("cond",)
    np.testing.assert_array_equal(cond.attention.sel(branch="cond"), both.attention.sel(branch="cond"))


def test_two_calls_under_one_tap_are_two_records(case):
    with attach(case.pipe) as one:
        case.run()
    with attach(case.pipe) as other:
        case.run(prompt="two boats on a lake", num_inference_steps=3)
    with attach(case.pipe) as probe:
        case.run()
        assert probe.calls == ()  # the second call, or leaving, completes the first
        case.run(prompt="two boats on a lake", num_inference_steps=3)
    assert len(probe.calls) == 2
    for recording, single in zip(probe.calls, (one.recording, other.recording), strict=True):
        np.testing.assert_array_equal(recording.attention, single.attention)
        np.testing.assert_array_equal(recording.text_mass, single.text_mass)


def test_gradients_enabled_outside_change_nothing(case_of):
    case = case_of("wan2.1", "t2v")
    with torch.enable_grad(), attach(case.pipe, bias=Bias(lam=0.6)) as probe:
        case.run()
    assert np.isfinite(probe.recording.attention).all()


def test_every_step_is_announced_once(case):
    steps = []
    with attach(case.pipe, record=False, on_step=lambda step, total: steps.append((step, total))):
        case.run(num_inference_steps=3)
    assert steps == [(0, 3), (1, 3), (2, 3)]
