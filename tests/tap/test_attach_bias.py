"""The bias reaches the attention inside the running pipeline: Eq. 6 where it should, nothing elsewhere."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dymos_probe.bias import Bias
from dymos_probe.tap import attach

INF = math.inf
PHI = {
    "uniform": lambda f, frames: 1.0,
    "linear": lambda f, frames: f / (frames - 1),
    "log": lambda f, frames: math.log(1 + f) / math.log(frames),
}

# Layers × three latent frames; the tiny models have two layers but for one.
MATCHED = ((0.0, 2.0, -1.5), (0.0, 0.0, 3.0), (0.0, -1.0, 1.0))
LAYERS = {"hunyuanvideo": 3}

SUBSETS = {
    "matched": Bias(lam=1.0, schedule="matched", matched=MATCHED),
    "matched, scaled, one head and frame": Bias(
        lam=-2.0, schedule="matched", matched=MATCHED, heads=(0,), query_frames=(2,), step_ratio=0.5
    ),
    "linear": Bias(lam=2.0, schedule="linear"),
    "log": Bias(lam=-2.0, schedule="log"),
    "one layer": Bias(lam=2.0, layers=(1,)),
    "one head": Bias(lam=2.0, heads=(1,)),
    "one query frame": Bias(lam=2.0, query_frames=(2,)),
    "placebo": Bias(lam=2.0, key_frame=1),
    "placebo -inf": Bias(lam=-INF, key_frame=2),
    "both branches": Bias(lam=2.0, branches=("cond", "uncond")),
    "uncond alone": Bias(lam=2.0, branches=("uncond",)),
    "reference queries too": Bias(lam=2.0, exempt_reference_queries=False),
    "first step": Bias(lam=2.0, step_ratio=0.5),
}


def shift_of(case, bias, call):
    """λ·φ for every batch row, head and query frame of a call, from the words of Eq. 6; None where it does nothing."""
    table = torch.zeros(call.q.shape[0], call.q.shape[1], case.frames, dtype=torch.float64)
    phi = PHI.get(bias.schedule, lambda f, frames: MATCHED[call.layer][f])
    if case.step(call) >= math.ceil(bias.step_ratio * 2 - 1e-9) or call.layer not in (bias.layers or range(99)):
        return None
    for row, branch in enumerate(case.branches(call)):
        for head in bias.heads or range(call.q.shape[1]):
            for f in bias.query_frames or range(1 if bias.exempt_reference_queries else 0, case.frames):
                table[row, head, f] = bias.lam * phi(f, case.frames) if branch in bias.branches else 0.0
    return (table, bias.key_frame) if table.any() else None


def own_attention(call):
    return F.scaled_dot_product_attention(call.q, call.k, call.v, attn_mask=call.mask, scale=call.scale)


def assert_output_is_biased(case, bias, seen):
    """Every call gave the float64 attention with its shift; calls without one gave the model's own bits."""
    biased = 0
    for call in seen.calls:
        assert call.out.isfinite().all()
        shift = shift_of(case, bias, call)
        if shift is None:
            assert torch.equal(call.out, own_attention(call))
            continue
        biased += 1
        rounding = 2e-5 * max(1.0, float(call.v.abs().max()))
        torch.testing.assert_close(call.out.double(), case.truth(call, *shift).out, atol=rounding, rtol=0)
        untouched = torch.ones(call.out.shape[:3], dtype=torch.bool)
        frame = case.frame_of_token(call.q.shape[2])
        for b, h, f in shift[0].nonzero().tolist():
            untouched[b, h, frame == f] = False
        assert untouched[:, :, frame <= 0].all() or not bias.exempt_reference_queries
        torch.testing.assert_close(call.out[untouched], own_attention(call)[untouched], atol=rounding, rtol=0)
        if abs(bias.lam) > 1:
            assert (call.out - own_attention(call))[~untouched].abs().max() > 1e-3
    assert biased


@pytest.mark.parametrize("lam", [0.6, -2.0, 10.0, INF, -INF])
def test_the_output_is_float64_attention_with_the_bias(i2v_case, capture, lam):
    bias = Bias(lam=lam)
    with i2v_case.untouched_afterwards():
        with attach(i2v_case.pipe, bias=bias) as probe, capture(i2v_case.pipe) as seen:
            i2v_case.run()
    assert_output_is_biased(i2v_case, bias, seen)
    i2v_case.assert_records(probe.recording, seen, shifts=lambda call: shift_of(i2v_case, bias, call))
    cond = probe.attention.sel(branch="cond").values
    if lam == INF:
        assert (cond[..., 1:, 0] == 0).all() and (cond[..., 0, 0] > 0).all()
    if lam == -INF:
        assert (cond[..., 1:, 1:] == 0).all() and (probe.text_mass.sel(branch="cond").values[..., 1:] == 0).all()
        np.testing.assert_allclose(cond[..., 1:, 0], 1.0, atol=1e-6)


@pytest.mark.parametrize("name", ["cogvideox", "cogvideox1.5", "wan2.2-a14b", "hunyuanvideo1.5", "hunyuanvideo"])
@pytest.mark.parametrize("choice", SUBSETS)
def test_every_choice_of_the_bias_acts_exactly_where_it_says(case_of, capture, name, choice):
    case, bias = case_of(name, "i2v"), SUBSETS[choice]
    if bias.matched is not None:
        bias = replace(bias, matched=MATCHED[: LAYERS.get(name, 2)])
    with attach(case.pipe, bias=bias) as probe, capture(case.pipe) as seen:
        case.run()
    assert_output_is_biased(case, bias, seen)
    case.assert_records(probe.recording, seen, shifts=lambda call: shift_of(case, bias, call))


@pytest.mark.parametrize("name", ["cogvideox", "hunyuanvideo1.5", "wan2.1"])
def test_without_a_record_and_in_fused_mode_the_biased_video_is_the_same_within_rounding(case_of, capture, name):
    case, bias = case_of(name, "i2v"), Bias(lam=1.0)
    videos = []
    for mode in ("observe", "fused", False):
        with attach(case.pipe, record=mode, bias=bias), capture(case.pipe) as seen:
            videos.append(case.run())
        if mode is False:
            assert_output_is_biased(case, bias, seen)
    np.testing.assert_allclose(videos[1], videos[0], atol=1e-4)
    np.testing.assert_allclose(videos[2], videos[0], atol=1e-4)
    assert np.abs(videos[0] - case.video()).max() > 1e-3


@pytest.mark.parametrize("impl", ["reference", "chunked", "lse"])
def test_every_implementation_gives_the_same_biased_run(case_of, capture, impl):
    case, bias = case_of("cogvideox", "i2v"), Bias(lam=1.5)
    with attach(case.pipe, bias=bias, impl=impl), capture(case.pipe) as seen:
        case.run()
    assert_output_is_biased(case, bias, seen)


@pytest.mark.parametrize(
    ("name", "steps", "ratio", "expected"),
    [
        ("ltx-video", 10, 0.0, 0),
        ("ltx-video", 10, 0.01, 1),
        ("ltx-video", 10, 0.1, 1),
        ("ltx-video", 10, 0.11, 2),
        ("ltx-video", 10, 0.3, 3),  # 0.3 · 10 is above 3 in no float, 0.7 · 10 is
        ("ltx-video", 10, 0.7, 7),
        ("ltx-video", 10, 1.0, 10),
        ("wan2.2-a14b", 4, 0.25, 1),
        ("wan2.2-a14b", 4, 0.5, 2),
        ("wan2.2-a14b", 4, 0.51, 3),
        ("wan2.2-a14b", 4, 0.75, 3),
        ("hunyuanvideo", 4, 0.5, 2),
        ("cogvideox1.5", 5, 0.2, 1),
    ],
)
def test_exactly_the_first_steps_are_modulated(case_of, capture, name, steps, ratio, expected):
    case = case_of(name, "i2v")
    bias = Bias(lam=3.0, step_ratio=ratio)
    with attach(case.pipe, bias=bias), capture(case.pipe) as seen:
        case.run(num_inference_steps=steps)
    changed = {case.step(call) for call in seen.calls if not torch.equal(call.out, own_attention(call))}
    assert {case.step(call) for call in seen.calls} == set(range(steps))
    assert changed == set(range(expected))


def test_the_step_count_spans_both_experts(case_of, capture):
    case = case_of("wan2.2-a14b", "i2v")
    with attach(case.pipe, bias=Bias(lam=3.0, step_ratio=0.75)) as probe, capture(case.pipe) as seen:
        case.run(num_inference_steps=4)
    assert seen.experts == [0, 0, 0, 0, 1, 1, 1, 1]
    assert list(probe.recording.expert) == [0, 0, 1, 1]
    touched = {(call.forward, call.layer) for call in seen.calls if not torch.equal(call.out, own_attention(call))}
    assert touched == {(forward, layer) for forward in (0, 2, 4) for layer in (0, 1)}


def test_a_biased_run_moves_the_video_and_the_other_arm_too(case):
    with attach(case.pipe, record=False, bias=Bias(lam=3.0)):
        video = case.run()
    assert np.abs(video - case.video()).max() > 1e-3
