"""Both arms of a pair start from the same noise, of the shape the pipeline itself would draw."""

from __future__ import annotations

import numpy as np
import pytest
import torch


def latents_of(arm, inputs):
    """The noisy latents in a transformer's input as (C, F, H, W), without the condition's channels."""
    latents = inputs["hidden_states"]
    channels, frames, height, width = arm.noise().shape[1:]
    if arm.name == "ltx-video":
        return latents[-1].T.reshape(channels, frames, height, width)
    if arm.name.startswith("cogvideox"):
        frames, channels = channels, frames
        return latents[-1].transpose(0, 1)[:channels]
    return latents[-1][:channels]


def channels_first(arm, noise):
    return noise[0].transpose(0, 1) if arm.name.startswith("cogvideox") else noise[0]


def test_the_shape_is_the_one_the_pipeline_draws(arm, monkeypatch):
    drawn, prepare = [], arm.pipe.prepare_latents

    def spy(*args, **kwargs):
        made = prepare(*args, **kwargs)
        drawn.append(made[0] if isinstance(made, tuple) else made)
        return made

    call = arm.arguments(arm.noise())
    given = call.pop("latents")
    monkeypatch.setattr(arm.pipe, "prepare_latents", spy)
    arm.pipe(**call | {"output_type": "latent"})
    assert drawn[0].shape == given.shape
    if arm.name != "ltx-video":  # packed there
        assert given.shape == arm.family.noise_shape(arm.pipe, arm.generation)


def test_the_same_generator_gives_both_arms_the_same_noise(pair):
    t2v, i2v = (arm.noise(seed=5) for arm in pair)
    assert torch.equal(t2v, i2v)
    assert not torch.equal(t2v, pair[0].noise(seed=6))
    assert t2v.dtype == torch.float32 and t2v.device.type == "cpu"
    assert abs(float(t2v.mean())) < 0.3 and 0.7 < float(t2v.std()) < 1.3


def test_both_arms_start_from_it(pair):
    noise = pair[0].noise()
    t2v, i2v = (latents_of(arm, arm.first_input(arm.arguments(noise))) for arm in pair)
    expected = channels_first(pair[0], noise)
    assert torch.equal(t2v, expected)
    name = pair[0].name
    if name.startswith("hunyuanvideo") and name != "hunyuanvideo1.5":
        # this pipeline always mixes 0.1 % of the image latent into the first noise
        later = slice(1, None) if name == "hunyuanvideo-token-replace" else slice(None)
        torch.testing.assert_close(i2v[:, later], 0.999 * expected[:, later], atol=0.02, rtol=0)
        mixed = (i2v - 0.999 * expected)[:, later]
        assert (mixed - mixed[:, :1]).abs().max() < 1e-6  # one image, the same in every frame
    elif name in ("wan2.2-ti2v-5b", "ltx-video"):  # frame 0 is the image
        assert torch.equal(i2v[:, 1:], expected[:, 1:])
        assert (i2v[:, 0] - expected[:, 0]).abs().max() > 0.1
    else:
        assert torch.equal(i2v, expected)


def test_the_same_seed_gives_the_same_run(arm):
    first, again = (arm.pipe(**arm.arguments(arm.noise(seed=1), seed=1)).frames[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert 0.0 <= first.min() and first.max() <= 1.0
    other = arm.pipe(**arm.arguments(arm.noise(seed=2), seed=1)).frames[0]
    assert np.abs(other - first).max() > 1e-3


def test_the_generator_of_the_call_draws_no_noise_of_the_start(pair):
    noise = pair[0].noise()
    for arm in pair:
        one, other = (latents_of(arm, arm.first_input(arm.arguments(noise, seed=seed))) for seed in (0, 1))
        torch.testing.assert_close(one[:, 1:], other[:, 1:], atol=0.02, rtol=0)


def test_ltx_puts_the_clean_image_latent_into_frame_0_and_tells_the_model(arm_of):
    arm = arm_of("ltx-video", "i2v")
    inputs = arm.first_input(arm.arguments(arm.noise()))
    latents = latents_of(arm, inputs)
    pixels = torch.from_numpy(np.array(arm.image)).permute(2, 0, 1)[None, :, None] / 127.5 - 1.0
    with torch.no_grad():
        encoded = arm.pipe.vae.encode(pixels).latent_dist.mean[0]
    mean, std = (x[:, None, None, None] for x in (arm.pipe.vae.latents_mean, arm.pipe.vae.latents_std))
    torch.testing.assert_close(latents[:, :1], (encoded - mean) / std, atol=1e-4, rtol=0)
    timestep = inputs["timestep"][-1].flatten().unflatten(0, (latents.shape[1], -1))
    assert (timestep[0] == 0).all() and (timestep[1:] > 0).all()


@pytest.mark.parametrize("name", ["wan2.1", "cogvideox"])
def test_latents_fit_a_half_precision_pipeline(arm_of, name):
    arm = arm_of(name, "t2v")
    noise = arm.noise()
    arm.pipe.to(torch.bfloat16)
    try:
        latents = latents_of(arm, arm.first_input(arm.arguments(noise)))
    finally:
        arm.pipe.to(torch.float32)
    torch.testing.assert_close(latents.float(), channels_first(arm, noise).bfloat16().float(), atol=0, rtol=0)
