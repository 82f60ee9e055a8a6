"""ALG on real pipelines: its formula reaches the scheduler, at the cost of one forward a step, and no more."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import dymos_probe as dp
from dymos_probe.baselines import ALG
from dymos_probe.errors import InputError, TapError
from dymos_probe.families import family_of
from dymos_probe.tap import attach
from dymos_probe.testing import build_pipeline, reference_image, settings

NAMES = (
    "cogvideox",
    "cogvideox1.5",
    "wan2.1",
    "wan2.2-a14b",
    "wan2.2-ti2v-5b",
    "hunyuanvideo1.5",
    "hunyuanvideo",
    "hunyuanvideo-token-replace",
)
ONE_OF_A_KIND = ("cogvideox", "wan2.1", "hunyuanvideo1.5", "hunyuanvideo-token-replace")
STRONG = ALG(resize_factor=0.3, interval_end=0.5)  # of 3 steps the first two: s = 0, 0.5, 1
SCALE = 4.0


@pytest.fixture(params=NAMES)
def tiny(request, tiny_of):
    return tiny_of(request.param)


def low_passed(tiny, hidden):
    """``hidden`` with its image latents plane by plane down to 0.3 of their sides and up again."""
    hidden = hidden.clone()
    image = tiny.image_part(hidden)
    for index in np.ndindex(*image.shape[:-2]):
        plane = image[index][None, None].float()
        small = [max(1, round(0.3 * side)) for side in plane.shape[-2:]]
        down = F.interpolate(plane, size=small, mode="bilinear", antialias=True)
        image[index] = F.interpolate(down, size=plane.shape[-2:], mode="bilinear", antialias=True)[0, 0]
    return hidden


def predicted(transformer, inputs, hidden):
    with torch.no_grad():
        return transformer(**inputs | {"hidden_states": hidden})[0]


def noise_shape(tiny):
    with tiny.watched() as seen:
        tiny.run(steps=1)
    shape = list(seen.inputs[0]["hidden_states"].shape[1:])
    shape[1 if tiny.frames_first else 0] = tiny.pipe.transformer.config.out_channels
    return (1, *shape)


def rows_apart(inputs):
    """The inputs of the unconditional and the conditional half of a guidance batch."""
    rows = inputs["hidden_states"].shape[0]
    batched = {k: v for k, v in inputs.items() if torch.is_tensor(v) and v.shape[0] == rows}
    return [inputs | {k: v[half] for k, v in batched.items()} for half in (slice(rows // 2), slice(rows // 2, rows))]


def formula(tiny, calls):
    """v(x,∅,c) + g·[v(x,p,LP(c)) − v(x,∅,LP(c))] by three plain forwards, from the plain inputs of a step."""
    transformer = calls[0][0]
    if tiny.one_batch:
        uncond, cond = rows_apart(calls[0][1])
    else:
        cond, uncond = calls[0][1], calls[1][1]
    plain = uncond["hidden_states"]
    filtered = low_passed(tiny, plain)
    assert not torch.equal(plain, filtered)
    away = predicted(transformer, uncond, filtered)
    return predicted(transformer, uncond, plain) + SCALE * (predicted(transformer, cond, filtered) - away)


def test_the_prediction_of_an_active_step_is_the_formula_and_costs_one_forward(tiny):
    with attach(tiny.pipe, alg=STRONG, record=False), tiny.watched() as seen:
        tiny.run(scale=SCALE)
    plain = 1 if tiny.one_batch else 2
    assert seen.forwards() == [plain + 1, plain + 1, plain]
    assert [len(inputs["hidden_states"]) for _, inputs in seen.of_step(0)] == ([2, 1] if tiny.one_batch else [1, 1, 1])
    for step in (0, 1):
        expected = formula(tiny, seen.of_step(step))
        if tiny.name == "hunyuanvideo-token-replace":
            expected = expected[:, :, 1:]  # frame 0, the image, is not stepped
        torch.testing.assert_close(seen.guided[step].float(), expected, atol=3e-5, rtol=1e-4)
    for step, acts in enumerate((True, True, False)):
        given = seen.of_step(step)[0][1]["hidden_states"][-1:]  # the conditional one
        clean = seen.of_step(step)[0 if tiny.one_batch else 1][1]["hidden_states"][:1]
        torch.testing.assert_close(given, low_passed(tiny, clean) if acts else clean, atol=1e-6, rtol=0)


def test_outside_its_steps_it_leaves_the_pipeline_alone(tiny):
    plain = tiny.run()
    for off in (
        ALG(resize_factor=1.0, strength="none"),
        ALG(filter="gaussian_blur", blur_sigma=0.0, blur_kernel_size=3, strength="none"),
        ALG(resize_factor=0.3, interval_start=0.1, interval_end=0.2),  # between the first step and the second
        ALG(resize_factor=0.3, strength="linear", linear_start_weight=0, linear_end_weight=0, linear_end_time=1),
    ):
        with attach(tiny.pipe, alg=off, record=False), tiny.watched() as seen:
            assert torch.equal(tiny.run(), plain)
        assert set(seen.forwards()) == {1 if tiny.one_batch else 2}
    with attach(tiny.pipe, alg=STRONG, record=False):
        changed = tiny.run()
    assert (changed - plain).abs().max() > 1e-3
    assert torch.equal(tiny.run(), plain), "afterwards the pipeline is what it was"


def test_without_guidance_a_step_is_a_single_pass_on_the_filtered_image(tiny):
    with attach(tiny.pipe, alg=STRONG), tiny.watched() as seen:
        tiny.run(scale=1.0)
    assert seen.forwards() == [1, 1, 1]
    with tiny.watched() as plain:
        tiny.run(scale=1.0)
    ours, theirs = (of.of_step(0)[0][1]["hidden_states"] for of in (seen, plain))
    torch.testing.assert_close(ours, low_passed(tiny, theirs), atol=1e-6, rtol=0)


@pytest.mark.parametrize("mode", ["observe", "fused"])
@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_recording_goes_on_and_takes_the_extra_forward_for_no_branch(tiny_of, name, mode):
    tiny = tiny_of(name)
    steps = []
    with attach(tiny.pipe, alg=STRONG, record=False):
        expected = tiny.run()
    with attach(tiny.pipe, alg=STRONG, record=mode, on_step=lambda s, n: steps.append((s, n))) as probe:
        latents = tiny.run()
    assert steps == [(0, 3), (1, 3), (2, 3)] and len(probe.calls) == 1
    if mode == "observe":
        assert torch.equal(latents, expected)
    else:
        torch.testing.assert_close(latents, expected, atol=1e-3, rtol=1e-3)
    assert probe.recording.branches == ("cond", "uncond") and probe.recording.attention.shape[2] == 3
    np.testing.assert_allclose(probe.attention.sum("key_frame") + probe.text_mass, 1.0, atol=1e-5)
    with attach(tiny.pipe, record=mode) as plain:
        tiny.run()
    # The first step starts from the same latents: the unconditional branch sees c as ever, the conditional one LP(c).
    apart = np.abs(probe.attention - plain.attention).isel(step=0).max(("layer", "head", "query_frame", "key_frame"))
    assert float(apart.sel(branch="uncond")) < 1e-6
    assert float(apart.sel(branch="cond")) > 1e-5


@pytest.mark.parametrize("name", ["cogvideox", "wan2.1"])  # the pipelines that can
def test_two_videos_in_a_batch_are_both_guided(tiny_of, name):
    tiny = tiny_of(name)
    image = reference_image(settings(name).height, settings(name).width)
    several = image if name == "wan2.1" else [image, image.rotate(180)]
    prompts = {"prompt": ["a red fox", "two boats on a lake"], "negative_prompt": ["blurry", "dull"]}
    with attach(tiny.pipe, alg=STRONG) as probe, tiny.watched() as seen:
        tiny.run(scale=SCALE, image=several, **prompts)
    assert seen.guided[0].shape[0] == probe.recording.attention.shape[0] == 2
    torch.testing.assert_close(seen.guided[0], formula(tiny, seen.of_step(0)), atol=3e-5, rtol=1e-4)


def test_dynamic_guidance_keeps_its_own_scale(tiny_of):
    tiny = tiny_of("cogvideox")
    with attach(tiny.pipe, alg=STRONG, record=False), tiny.watched() as seen:
        tiny.run(scale=SCALE, use_dynamic_cfg=True)
    timestep = float(tiny.pipe.scheduler.timesteps[0])
    scale = 1 + SCALE * (1 - math.cos(math.pi * ((3 - timestep) / 3) ** 5.0)) / 2
    rows = rows_apart(seen.of_step(0)[0][1])
    clean = rows[0]["hidden_states"]
    transformer, filtered = tiny.pipe.transformer, low_passed(tiny, clean)
    lp = predicted(transformer, rows[1], filtered) - predicted(transformer, rows[0], filtered)
    expected = predicted(transformer, rows[0], clean) + scale * lp
    torch.testing.assert_close(seen.guided[0], expected, atol=3e-5, rtol=1e-4)


def test_bfloat16_stays_bfloat16(tiny_of):
    pipe = build_pipeline("wan2.1", "i2v")
    pipe.transformer.to(torch.bfloat16)
    tiny = type(tiny_of("wan2.1"))("wan2.1", pipe)
    with attach(pipe, alg=STRONG, record=False), tiny.watched() as seen:
        latents = tiny.run()
    assert {inputs["hidden_states"].dtype for inputs in seen.inputs} == {torch.bfloat16}
    assert latents.isfinite().all()


@pytest.mark.parametrize("name", ["cogvideox", "wan2.1", "wan2.2-ti2v-5b", "hunyuanvideo1.5", "hunyuanvideo"])
def test_the_image_latents_are_where_another_image_shows(tiny_of, name):
    tiny = tiny_of(name)
    family, _ = family_of(tiny.pipe)
    image = reference_image(settings(name).height, settings(name).width)
    noise = {"latents": torch.randn(noise_shape(tiny), generator=torch.Generator().manual_seed(0))}
    first = []
    for picture in (image, image.rotate(180)):
        with tiny.watched() as seen:
            tiny.run(steps=1, image=picture, **noise)
        first.append(seen.inputs[0]["hidden_states"])
    moved = (first[0] - first[1]).abs()
    where = moved[family.image_latents(tiny.pipe.transformer)]
    assert where.max() > 0.05
    where.zero_()
    # HunyuanVideo 1.0 also mixes 0.1 % of the image latents into the noise it is given.
    assert moved.max() < (0.02 if name == "hunyuanvideo" else 1e-6)


def test_what_it_cannot_run_is_refused_before_anything_runs():
    with pytest.raises(InputError, match="ALG filters the reference image, which WanPipeline has not; give WanImage"):
        attach(build_pipeline("wan2.1", "t2v"), alg=STRONG)
    with pytest.raises(InputError, match="transformer of ltx-video is not declared, so it cannot be filtered"):
        attach(build_pipeline("ltx-video", "i2v"), alg=STRONG)
    with pytest.raises(InputError, match=r"a bias \(λ = 1\) and ALG are given; attach one of the two"):
        attach(build_pipeline("wan2.1", "i2v"), alg=STRONG, bias=dp.Bias(lam=1.0))


def test_a_kernel_larger_than_the_latents_is_refused_with_their_size(tiny_of):
    tiny = tiny_of("wan2.1")
    wide = ALG(filter="gaussian_blur", blur_sigma=1.0, blur_kernel_size=9, interval_end=1.0)
    with pytest.raises(InputError, match="blur_kernel_size 9 does not fit latents of 4×6; at most 7 does"):
        with attach(tiny.pipe, alg=wide):
            tiny.run()


def test_a_cache_that_skips_layers_of_the_extra_forward_is_refused():
    from diffusers import FirstBlockCacheConfig

    pipe = build_pipeline("wan2.1", "i2v")
    pipe.transformer.enable_cache(FirstBlockCacheConfig(threshold=1e9))
    with (
        warnings.catch_warnings(),
        pytest.raises(TapError, match=r"did not go through the tap in step .*disable_cache"),
    ):
        warnings.simplefilter("ignore")
        with attach(pipe, alg=STRONG, record=False):
            call = settings("wan2.1").kwargs("i2v") | {"image": reference_image(32, 48), "output_type": "latent"}
            # In a single step both branches are computed for the first time: only the extra forward is skipped.
            pipe(prompt="a", negative_prompt="b", **call | {"num_inference_steps": 1})
