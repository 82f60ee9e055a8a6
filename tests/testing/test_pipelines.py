from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import DiffusionPipeline

from dymos_probe.errors import InputError
from dymos_probe.testing import PIPELINES, Arm, build_pipeline, load_pipeline, reference_image, settings

ARMS: tuple[Arm, Arm] = ("t2v", "i2v")
PROMPT = "a red fox runs over the snow"
NEGATIVE = "blurry"

CLASSES = {
    ("cogvideox", "t2v"): "CogVideoXPipeline",
    ("cogvideox", "i2v"): "CogVideoXImageToVideoPipeline",
    ("cogvideox1.5", "t2v"): "CogVideoXPipeline",
    ("cogvideox1.5", "i2v"): "CogVideoXImageToVideoPipeline",
    ("cogvideox1.5-even", "t2v"): "CogVideoXPipeline",
    ("cogvideox1.5-even", "i2v"): "CogVideoXImageToVideoPipeline",
    ("wan2.1", "t2v"): "WanPipeline",
    ("wan2.1", "i2v"): "WanImageToVideoPipeline",
    ("wan2.2-a14b", "t2v"): "WanPipeline",
    ("wan2.2-a14b", "i2v"): "WanImageToVideoPipeline",
    ("wan2.2-ti2v-5b", "t2v"): "WanPipeline",
    ("wan2.2-ti2v-5b", "i2v"): "WanImageToVideoPipeline",
    ("hunyuanvideo1.5", "t2v"): "HunyuanVideo15Pipeline",
    ("hunyuanvideo1.5", "i2v"): "HunyuanVideo15ImageToVideoPipeline",
    ("hunyuanvideo", "t2v"): "HunyuanVideoPipeline",
    ("hunyuanvideo", "i2v"): "HunyuanVideoImageToVideoPipeline",
    ("hunyuanvideo-token-replace", "t2v"): "HunyuanVideoPipeline",
    ("hunyuanvideo-token-replace", "i2v"): "HunyuanVideoImageToVideoPipeline",
    ("ltx-video", "t2v"): "LTXPipeline",
    ("ltx-video", "i2v"): "LTXImageToVideoPipeline",
}

Video = npt.NDArray[np.float32]


def generate(
    pipe: DiffusionPipeline,
    name: str,
    arm: Arm,
    *,
    prompt: str = PROMPT,
    negative: str = NEGATIVE,
    image: int = 0,
    **call: Any,
) -> Video:
    tiny = settings(name)
    given: dict[str, Any] = {**tiny.kwargs(arm), "generator": torch.Generator().manual_seed(0), "output_type": "np"}
    if arm == "i2v":
        given["image"] = reference_image(tiny.height, tiny.width, seed=image)
    video: Video = pipe(prompt=prompt, negative_prompt=negative, **given | call).frames[0]
    return video


@dataclass(frozen=True)
class Case:
    """One arm of one tiny pipeline, built, with the video of the standard call."""

    name: str
    arm: Arm
    pipe: DiffusionPipeline
    video: Video

    def again(self, **changed: Any) -> Video:
        return generate(self.pipe, self.name, self.arm, **changed)


@pytest.fixture(scope="module", params=[(name, arm) for name in PIPELINES for arm in ARMS], ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    name, arm = request.param
    pipe = build_pipeline(name, arm)
    return Case(name, arm, pipe, generate(pipe, name, arm))


def transformers(pipe: DiffusionPipeline) -> Iterator[torch.nn.Module]:
    for key in ("transformer", "transformer_2"):
        if getattr(pipe, key, None) is not None:
            yield getattr(pipe, key)


def test_the_video_is_finite_and_of_the_size_asked_for(case: Case) -> None:
    tiny = settings(case.name)
    assert case.video.shape == (tiny.video_frames(case.arm), tiny.height, tiny.width, 3)
    assert np.isfinite(case.video).all()
    assert case.video.std() > 0.05
    assert tiny.height % 2 == tiny.width % 2 == 0


def test_the_same_seed_gives_the_same_bits(case: Case) -> None:
    np.testing.assert_array_equal(case.again(), case.video)


def test_building_again_gives_the_same_bits_and_leaves_the_global_random_state(case: Case) -> None:
    state = torch.get_rng_state()
    other = build_pipeline(case.name, case.arm)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(generate(other, case.name, case.arm), case.video)


def test_every_component_is_in_eval_mode_and_float32(case: Case) -> None:
    modules = [part for part in case.pipe.components.values() if isinstance(part, torch.nn.Module)]
    assert modules
    assert not any(child.training for module in modules for child in module.modules())
    assert {parameter.dtype for module in modules for parameter in module.parameters()} == {torch.float32}


def test_a_saved_arm_loads_as_its_own_class_and_gives_the_same_bits(
    case: Case, tiny_pair: Callable[[str], tuple[Path, Path]]
) -> None:
    folder = dict(zip(ARMS, tiny_pair(case.name), strict=True))[case.arm]
    loaded = load_pipeline(folder)
    assert type(loaded).__name__ == CLASSES[case.name, case.arm]
    np.testing.assert_array_equal(generate(loaded, case.name, case.arm), case.video)


def test_from_pretrained_alone_gives_the_same_weights_and_video(
    case: Case, tiny_pair: Callable[[str], tuple[Path, Path]]
) -> None:
    folder = dict(zip(ARMS, tiny_pair(case.name), strict=True))[case.arm]
    loaded = DiffusionPipeline.from_pretrained(folder)
    loaded.set_progress_bar_config(disable=True)
    for name, part in case.pipe.components.items():
        if isinstance(part, torch.nn.Module):
            other = getattr(loaded, name).state_dict()
            assert all(torch.equal(weight, other[key]) for key, weight in part.state_dict().items())
    # memory-mapped weights are not aligned, which moves the last bit of single-row products
    np.testing.assert_allclose(generate(loaded, case.name, case.arm), case.video, atol=1e-4, rtol=0)


def test_the_prompt_decides_the_video(case: Case) -> None:
    assert np.abs(case.again(prompt="two boats on a lake") - case.video).mean() > 5e-4


def test_the_last_word_of_a_long_prompt_is_not_cut_off(case: Case) -> None:
    begin = "a red fox runs over the snow under a pale sky, towards the "
    sea, hut = (case.again(prompt=begin + word, num_inference_steps=2) for word in ("sea", "hut"))
    assert np.abs(sea - hut).max() > 1e-4


def test_the_negative_prompt_decides_the_video_too(case: Case) -> None:
    assert np.abs(case.again(negative="low quality, static") - case.video).mean() > 5e-4


def test_the_image_decides_the_i2v_video(case: Case) -> None:
    if case.arm == "i2v":
        assert np.abs(case.again(image=1) - case.video).mean() > 1e-3


def test_the_token_grid_is_the_one_the_settings_name(case: Case) -> None:
    tiny = settings(case.name)
    block = next(transformers(case.pipe))
    seen: list[torch.Size] = []
    embed = next(
        getattr(block, part)
        for part in ("patch_embed", "patch_embedding", "x_embedder", "proj_in")
        if hasattr(block, part)
    )
    handle = embed.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape))
    case.again(num_inference_steps=2)
    handle.remove()
    video = tiny.frames * tiny.token_height * tiny.token_width
    if case.name.startswith("cogvideox"):
        video += tiny.extra["max_sequence_length"]
    counted = seen[0][2:].numel() if case.name.startswith("wan") else seen[0][1]
    assert counted == video
    assert tiny.frames >= 3
    assert tiny.token_height * tiny.token_width >= 4


def self_attention_maps(case: Case, monkeypatch: pytest.MonkeyPatch, prompt: str) -> torch.Tensor:
    """Eq. 8 in float64 for every self-attention call, masks left out: (calls, heads, frames, frames)."""
    tiny = settings(case.name)
    grid = (tiny.frames, tiny.token_height * tiny.token_width)
    video = grid[0] * grid[1]
    start = tiny.extra["max_sequence_length"] if case.name.startswith("cogvideox") else 0
    original = torch.nn.functional.scaled_dot_product_attention
    maps: list[torch.Tensor] = []
    inside: list[bool] = []

    def record(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if inside:
            q, k = (side[:, :, start : start + video].double() for side in (query, key))
            weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
            maps.extend(weights.unflatten(-1, grid).sum(-1).unflatten(2, grid).mean(3))
        return original(query, key, value, *args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", record)
    handles = []
    for transformer in transformers(case.pipe):
        for name, module in transformer.named_modules():
            if name.endswith((".attn", ".attn1")) and "context_embedder" not in name:
                handles.append(module.register_forward_pre_hook(lambda *_: inside.append(True)))
                handles.append(module.register_forward_hook(lambda *_: inside.clear()))
    case.again(prompt=prompt, num_inference_steps=2)
    for handle in handles:
        handle.remove()
    monkeypatch.undo()
    return torch.stack(maps)


def test_frames_share_their_attention_unevenly_and_by_prompt(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    fox = self_attention_maps(case, monkeypatch, PROMPT)
    boats = self_attention_maps(case, monkeypatch, "two boats on a lake")
    assert fox.shape[0] >= 2 * 2 * 2  # layers, branches, steps
    assert fox.shape[1] == 2
    assert fox.std(-1).mean() > 0.1
    assert (fox - boats).abs().max() > 0.01


def test_cogvideox15_covers_an_odd_and_an_even_number_of_latent_frames() -> None:
    latent_frames = {name: (settings(name).num_frames - 1) // 4 + 1 for name in ("cogvideox1.5", "cogvideox1.5-even")}
    assert latent_frames == {"cogvideox1.5": 5, "cogvideox1.5-even": 6}


@pytest.mark.parametrize("arm", ARMS)
def test_both_experts_of_wan22_a14b_run(arm: Arm) -> None:
    pipe = build_pipeline("wan2.2-a14b", arm)
    calls = []
    for key in ("transformer", "transformer_2"):
        getattr(pipe, key).register_forward_pre_hook(lambda _module, _inputs, key=key: calls.append(key))
    generate(pipe, "wan2.2-a14b", arm)
    assert calls == ["transformer"] * 4 + ["transformer_2"] * 4


@pytest.mark.parametrize("name", PIPELINES)
def test_the_i2v_arm_is_derived_from_the_t2v_arm(name: str) -> None:
    t2v, i2v = (build_pipeline(name, arm) for arm in ARMS)
    for source, derived in zip(transformers(t2v), transformers(i2v), strict=True):
        weights = derived.state_dict()
        wider = []
        for key, weight in source.state_dict().items():
            if weights[key].shape == weight.shape:
                assert torch.equal(weights[key], weight), key
            else:
                wider.append(key)
                assert torch.equal(weights[key][:, : weight.shape[1]], weight), key
                assert weights[key][:, weight.shape[1] :].abs().min() > 0
        assert len(wider) <= 1
    for key in ("vae", "text_encoder_2"):
        if hasattr(t2v, key):
            other = getattr(i2v, key).state_dict()
            assert all(torch.equal(weight, other[part]) for part, weight in getattr(t2v, key).state_dict().items())
    assert t2v.scheduler.config == i2v.scheduler.config
    assert t2v.tokenizer.get_vocab() == i2v.tokenizer.get_vocab()


@pytest.mark.parametrize("name", PIPELINES)
def test_another_seed_is_another_model(name: str) -> None:
    first, second = (next(transformers(build_pipeline(name, "i2v", seed=seed))) for seed in (0, 1))
    assert any(
        not torch.equal(weight, other) for weight, other in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_an_unknown_name_or_arm_is_refused_with_the_right_ones() -> None:
    with pytest.raises(InputError, match=r"no tiny pipeline is called 'sora'; there are cogvideox, "):
        settings("sora")
    with pytest.raises(InputError, match=r"is 't2v' or 'i2v', got 'v2v'"):
        build_pipeline("wan2.1", "v2v")  # type: ignore[arg-type]


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, dymos_probe.testing as t; assert t.PIPELINES; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
