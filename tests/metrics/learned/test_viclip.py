"""ViCLIP's towers are those of its weights: CLIP's for a text and a single frame, one joint attention for eight."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import CLIPConfig, CLIPTextModelWithProjection, CLIPVisionModelWithProjection

from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.metrics.learned.networks import CLIP_MEAN, CLIP_STD, resized
from dymos_probe.metrics.learned.viclip import FILE, middle_frames, text_feature, video_feature
from dymos_probe.metrics.metric import resources
from dymos_probe.metrics.registry import METRICS
from dymos_probe.testing.tokenizers import clip_tokenizer

WIDTH, LAYERS, SIDE, PATCH = 128, 2, 16, 8


@pytest.fixture(scope="module")
def towers():
    """CLIP's two towers of transformers, of random weights."""
    torch.manual_seed(0)
    shape = {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_hidden_layers": LAYERS, "projection_dim": 48}
    config = CLIPConfig(
        text_config={
            **shape,
            "num_attention_heads": 2,
            "vocab_size": 2000,
            "max_position_embeddings": 32,
            "eos_token_id": 1999,
        },
        vision_config={**shape, "num_attention_heads": 2, "image_size": SIDE, "patch_size": PATCH},
    )
    text = CLIPTextModelWithProjection(config.text_config).eval()
    vision = CLIPVisionModelWithProjection(config.vision_config).eval()
    for tower in (text, vision):
        for name, parameter in tower.named_parameters():
            # Large enough that a wrong order or a missing norm shows; biases are zero otherwise.
            torch.nn.init.normal_(parameter, mean=float("norm" in name and "weight" in name), std=0.2)
        tower.requires_grad_(False)
    return text, vision


@pytest.fixture(scope="module")
def published(towers):
    """The same weights under the names and in the shapes of ViCLIP's file."""
    text, vision = (
        {n.replace("text_model.", "").replace("vision_model.", ""): t for n, t in tower.state_dict().items()}
        for tower in towers
    )
    weights = {
        "text_encoder.token_embedding.weight": text["embeddings.token_embedding.weight"],
        "text_encoder.positional_embedding": text["embeddings.position_embedding.weight"],
        "text_encoder.text_projection": text["text_projection.weight"].T,
        "vision_encoder.class_embedding": vision["embeddings.class_embedding"],
        "vision_encoder.positional_embedding": vision["embeddings.position_embedding.weight"],
        "vision_encoder.conv1.weight": vision["embeddings.patch_embedding.weight"][:, :, None],
        "vision_encoder.proj": vision["visual_projection.weight"].T,
        "vision_encoder.temporal_positional_embedding": torch.zeros(1, 1, WIDTH),
        "temp": torch.tensor(0.01),
    }
    norms = (("text_encoder.ln_final", text, "final_layer_norm"), ("vision_encoder.ln_pre", vision, "pre_layrnorm"))
    for ours, tower, theirs in (*norms, ("vision_encoder.ln_post", vision, "post_layernorm")):
        for kind in ("weight", "bias"):
            weights[f"{ours}.{kind}"] = tower[f"{theirs}.{kind}"]
    renamed = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    for side, tower in (("text_encoder", text), ("vision_encoder", vision)):
        for layer in range(LAYERS):
            block, own = f"encoder.layers.{layer}", f"{side}.transformer.resblocks.{layer}"
            for kind in ("weight", "bias"):
                parts = [tower[f"{block}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
                weights[f"{own}.attn.in_proj_{kind}"] = torch.cat(parts)
                weights[f"{own}.attn.out_proj.{kind}"] = tower[f"{block}.self_attn.out_proj.{kind}"]
                for theirs, ours in renamed.items():
                    weights[f"{own}.{ours}.{kind}"] = tower[f"{block}.{theirs}.{kind}"]
    return weights


def eight_frames(weights, images):
    """The image tower over all patches at once by torch's own attention, in float64."""
    w = {name.removeprefix("vision_encoder."): tensor.double() for name, tensor in weights.items()}
    tokens = [w["class_embedding"] + w["positional_embedding"][0]]
    for time, image in enumerate(images.double()):
        for place in range((SIDE // PATCH) ** 2):
            top, left = (PATCH * part for part in divmod(place, SIDE // PATCH))
            patch = image[:, top : top + PATCH, left : left + PATCH].flatten()
            embedded = w["conv1.weight"].flatten(1) @ patch
            tokens.append(embedded + w["positional_embedding"][place + 1] + w["temporal_positional_embedding"][0, time])

    def norm(x, name):
        return torch.nn.functional.layer_norm(x, (WIDTH,), w[f"{name}.weight"], w[f"{name}.bias"])

    x = norm(torch.stack(tokens), "ln_pre")
    for layer in range(LAYERS):
        own = f"transformer.resblocks.{layer}"
        attention = torch.nn.MultiheadAttention(WIDTH, WIDTH // 64, dtype=torch.float64).requires_grad_(False)
        names = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
        attention.load_state_dict({name: w[f"{own}.attn.{name}"] for name in names})
        y = norm(x, f"{own}.ln_1")
        x = x + attention(y, y, y, need_weights=False)[0]
        y = norm(x, f"{own}.ln_2") @ w[f"{own}.mlp.c_fc.weight"].T + w[f"{own}.mlp.c_fc.bias"]
        x = x + (y / (1 + (-1.702 * y).exp())) @ w[f"{own}.mlp.c_proj.weight"].T + w[f"{own}.mlp.c_proj.bias"]
    return norm(x[0], "ln_post") @ w["proj"]


def test_the_text_tower_is_clips(towers, published):
    ids = torch.tensor([1998, 5, 700, 41, 12, 1999, 0, 0])
    expected = towers[0](input_ids=ids[None]).text_embeds[0]
    torch.testing.assert_close(text_feature(published, ids), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(text_feature(published, ids[:6]), expected, rtol=1e-4, atol=1e-4)


def test_the_image_tower_is_clips_for_a_single_frame(towers, published):
    image = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    expected = towers[1](pixel_values=image).image_embeds[0]
    torch.testing.assert_close(video_feature(published, image), expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def with_time(published):
    moments = torch.randn(1, 8, WIDTH, generator=torch.Generator().manual_seed(2))
    return published | {"vision_encoder.temporal_positional_embedding": moments}


def test_eight_frames_are_attended_to_at_once(with_time):
    images = torch.randn(8, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    found = video_feature(with_time, images).double()
    torch.testing.assert_close(found, eight_frames(with_time, images), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, video_feature(with_time, images.flip(0)).double(), atol=1e-2)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (16, [0, 2, 4, 6, 8, 10, 12, 14]),
        (24, [1, 4, 7, 10, 13, 16, 19, 22]),
        (49, [2, 8, 14, 20, 26, 32, 38, 45]),
        (8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (3, [0, 1, 2, 2, 2, 2, 2, 2]),
    ],
)
def test_frames_are_taken_from_the_middle_of_each_part(count, expected):
    assert middle_frames(count).tolist() == expected


@pytest.fixture
def folder(with_time, tmp_path):
    torch.save({"model": with_time}, tmp_path / FILE)
    clip_tokenizer().save_pretrained(tmp_path / "clip-vit-large-patch14")
    # CLIP is published with these beside the one file that is saved here; it is the one that is read.
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / "clip-vit-large-patch14" / name).touch()
    return tmp_path


def test_the_metric_is_the_cosine_of_both(folder, with_time, clip):
    clip = replace(clip, prompt="a dog runs")
    found = METRICS["viclip"].prepare(resources(folder)).measure(clip).value
    frames = torch.from_numpy(clip.frames[middle_frames(5)]).permute(0, 3, 1, 2).float()
    pixels = resized(frames, short_side=SIDE, crop=SIDE, antialias=False, mean=CLIP_MEAN, std=CLIP_STD)
    ids = torch.tensor(clip_tokenizer()("a dog runs")["input_ids"])
    video, text = video_feature(with_time, pixels).numpy(), text_feature(with_time, ids).numpy()
    assert found == pytest.approx(video @ text / np.linalg.norm(video) / np.linalg.norm(text), abs=1e-5)


def test_a_long_prompt_is_cut_and_an_empty_one_has_none(folder, clip):
    metric = METRICS["viclip"].prepare(resources(folder))
    assert math.isfinite(metric.measure(replace(clip, prompt="a dog runs over the hills " * 30)).value)
    assert metric.measure(replace(clip, prompt=" ")).why == "the prompt is empty"


def test_a_file_that_lacks_weights_is_refused_before_anything_is_measured(folder, with_time):
    lacking = {name: tensor for name, tensor in with_time.items() if "1.mlp.c_fc" not in name}
    torch.save({"model": lacking}, folder / FILE)
    with pytest.raises(EnvironmentLacksError, match=r"holds no weights of ViCLIP .*mlp.c_fc"):
        METRICS["viclip"].prepare(resources(folder))
