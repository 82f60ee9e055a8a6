"""Other ways to call a pipeline: guidance off, several videos at once, weights that move between devices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from accelerate import cpu_offload_with_hook
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from diffusers.hooks import apply_group_offloading

from dymos_probe.bias import Bias
from dymos_probe.families import Generation, family_of
from dymos_probe.tap import attach

BATCHED = ("cogvideox", "wan2.1", "hunyuanvideo", "ltx-video")
PROMPTS = ["a red fox", "two boats on a lake at night under a pale sky"]


def test_without_guidance_only_cond_is_recorded(case, capture, monkeypatch):
    plain = case.run(scale=1.0)
    with attach(case.pipe) as probe, capture(case.pipe) as seen:
        latents = case.run(scale=1.0)
    np.testing.assert_array_equal(latents, plain)
    assert probe.recording.branches == ("cond",)
    assert len(seen.experts) == 2
    monkeypatch.setattr(type(case), "branches", lambda _case, call: ["cond"] * call.q.shape[0])
    monkeypatch.setattr(type(case), "step", lambda _case, call: call.forward)
    case.assert_records(probe.recording, seen)


def noises(case):
    family, _ = family_of(case.pipe)
    tiny = case.tiny
    size = {"height": tiny.height, "width": tiny.width, "num_frames": tiny.num_frames}
    generation = Generation(**size, num_inference_steps=2, guidance_scale=4.0)
    generator = torch.Generator().manual_seed(3)
    return [
        family.latents(case.pipe, "t2v", family.draw_noise(case.pipe, generation, generator), None) for _ in PROMPTS
    ]


@pytest.mark.parametrize("bias", [None, Bias(lam=1.0)], ids=["plain", "biased"])
@pytest.mark.parametrize("name", BATCHED)
def test_two_prompts_in_a_batch_are_recorded_as_two_videos(case_of, capture, name, bias):
    case = case_of(name, "t2v")
    apart = []
    for prompt, noise in zip(PROMPTS, noises(case), strict=True):
        with attach(case.pipe, bias=bias) as probe:
            case.run(prompt=prompt, latents=noise)
        apart.append(probe.recording)
    with attach(case.pipe, bias=bias) as probe, capture(case.pipe) as seen:
        case.run(prompt=PROMPTS, negative=["blurry"] * 2, latents=torch.cat(noises(case)))
    together = probe.recording
    assert probe.attention.dims[0] == "video" and together.attention.shape[0] == 2
    for video, single in enumerate(apart):
        np.testing.assert_allclose(together.attention[video], single.attention[0], atol=1e-4)
        np.testing.assert_allclose(together.text_mass[video], single.text_mass[0], atol=1e-4)
    assert np.abs(together.attention[0] - together.attention[1]).max() > 1e-2
    if bias is None:
        case.assert_records(together, seen)


@pytest.mark.parametrize("name", ["wan2.1", "hunyuanvideo", "ltx-video"])  # the pipelines that can
def test_several_videos_of_a_prompt_are_recorded_each(case_of, capture, name):
    case = case_of(name, "t2v")
    plain = case.run(num_videos_per_prompt=2)
    with attach(case.pipe) as probe, capture(case.pipe) as seen:
        latents = case.run(num_videos_per_prompt=2)
    np.testing.assert_array_equal(latents, plain)
    assert probe.recording.attention.shape[0] == 2
    case.assert_records(probe.recording, seen)


@pytest.mark.parametrize("name", ["hunyuanvideo", "hunyuanvideo1.5"])
@pytest.mark.parametrize("mode", ["observe", "fused"])
def test_padded_text_gets_no_mass_and_padded_queries_give_zero(case_of, capture, name, mode):
    case = case_of(name, "t2v")
    with attach(case.pipe, record=mode, bias=Bias(lam=1.0, step_ratio=0.5)), capture(case.pipe) as seen:
        case.run(prompt=PROMPTS, negative=["blurry", "low quality, static, dull and grey"])
    assert all(call.q.shape[0] == 2 for call in seen.calls)
    masked = 0
    for call in seen.calls:
        padded = ~call.mask[:, 0].any(-2)
        assert not torch.equal(padded[0], padded[1])
        length = call.q.shape[2]
        scrambled = call.k.clone()
        scrambled[padded[:, None].expand(*call.k.shape[:3])] += 100.0
        shift = None
        if case.step(call) == 0 and case.branches(call)[0] == "cond":
            shift = torch.ones(2, 2, case.frames) * torch.tensor([0.0, 1.0, 1.0])
        torch.testing.assert_close(call.out.double(), case.truth(call, shift).out, atol=5e-5, rtol=0)
        call.k = scrambled
        torch.testing.assert_close(call.out.double(), case.truth(call, shift).out, atol=5e-5, rtol=0)
        empty = ~call.mask.expand(2, 1, length, length).any(-1)[:, 0]
        assert (call.out[empty[:, None].expand(*call.out.shape[:3])] == 0).all()
        masked += int(padded.sum())
    assert masked


@pytest.mark.parametrize("arm", ["t2v", "i2v"])
def test_cogvideox_with_dynamic_guidance_keeps_its_labels(case_of, capture, arm):
    case = case_of("cogvideox1.5", arm)
    plain = case.run(use_dynamic_cfg=True, num_inference_steps=4)
    with attach(case.pipe) as probe, capture(case.pipe) as seen:
        latents = case.run(use_dynamic_cfg=True, num_inference_steps=4)
    np.testing.assert_array_equal(latents, plain)
    case.assert_records(probe.recording, seen)


@pytest.mark.parametrize("name", ["cogvideox", "wan2.1", "ltx-video"])
def test_fused_projections_are_recorded_alike(fresh_case, capture, name):
    case = fresh_case(name, "t2v")
    case.pipe.transformer.fuse_qkv_projections()
    plain = case.run()
    with attach(case.pipe) as probe, capture(case.pipe) as seen:
        latents = case.run()
    np.testing.assert_array_equal(latents, plain)
    case.assert_records(probe.recording, seen)


def offload_whole(pipe):
    cpu_offload_with_hook(pipe.transformer, execution_device="cpu")


def offload_each_module(pipe):
    for module in pipe.transformer.modules():
        add_hook_to_module(module, AlignDevicesHook(execution_device="cpu"))


def offload_leaves(pipe):
    cpu = torch.device("cpu")
    apply_group_offloading(pipe.transformer, onload_device=cpu, offload_device=cpu, offload_type="leaf_level")


@pytest.mark.parametrize("offload", [offload_whole, offload_each_module, offload_leaves])
@pytest.mark.parametrize("name", ["cogvideox", "wan2.2-a14b", "hunyuanvideo1.5", "hunyuanvideo", "ltx-video"])
def test_offloading_changes_neither_video_nor_record(fresh_case, case_of, name, offload):
    reference, case = case_of(name, "i2v"), fresh_case(name, "i2v")
    with attach(reference.pipe) as expected:
        reference.run()
    offload(case.pipe)
    with case.untouched_afterwards(), attach(case.pipe) as probe:
        latents = case.run()
    np.testing.assert_array_equal(latents, reference.video())
    np.testing.assert_array_equal(probe.recording.attention, expected.recording.attention)
    assert len(probe.calls) == 1
