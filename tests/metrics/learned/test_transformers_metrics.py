"""The learned metrics give what their networks give when called by hand, one picture at a time."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from transformers import CLIPModel, CLIPVisionModelWithProjection, ViTModel

from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.metrics.learned.dino import subject_score
from dymos_probe.metrics.learned.networks import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD
from dymos_probe.metrics.metric import resources
from dymos_probe.metrics.registry import METRICS

SIDE = 32


def by_hand(picture, short_side, antialias, mean, std):
    """One picture through the documented steps, written out."""
    height, width = picture.shape[:2]
    scale = short_side / min(height, width)
    size = (int(height * scale + 1e-9), int(width * scale + 1e-9))
    tensor = torch.from_numpy(picture.astype(np.float32).transpose(2, 0, 1))[None]
    tensor = torch.nn.functional.interpolate(tensor, size, mode="bicubic", antialias=antialias).clamp(0, 255) / 255
    top, left = round((size[0] - SIDE) / 2), round((size[1] - SIDE) / 2)
    tensor = tensor[:, :, top : top + SIDE, left : left + SIDE]
    return (tensor - torch.tensor(mean)[None, :, None, None]) / torch.tensor(std)[None, :, None, None]


@pytest.fixture(scope="module")
def clip_feature(weights):
    # Not the class the metric loads: the image tower alone, with its projection.
    model = CLIPVisionModelWithProjection.from_pretrained(weights / "clip-vit-large-patch14").eval()

    @torch.no_grad()
    def feature(picture):
        embeds = model(pixel_values=by_hand(picture, SIDE, False, CLIP_MEAN, CLIP_STD)).image_embeds[0]
        return embeds / embeds.norm()

    return feature


@pytest.fixture(scope="module")
def dino_feature(weights):
    model = ViTModel.from_pretrained(weights / "dino-vitb16", add_pooling_layer=False).eval()

    @torch.no_grad()
    def feature(picture):
        pixels = by_hand(picture, SIDE * 256 // 224, True, IMAGENET_MEAN, IMAGENET_STD)
        return model(pixel_values=pixels).last_hidden_state[0, 0]

    return feature


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_clip_similarity_is_the_mean_cosine_to_the_reference(measured, clip, clip_feature, batch):
    expected = np.mean([float(clip_feature(frame) @ clip_feature(clip.reference)) for frame in clip.frames])
    assert measured("clip_image_similarity", clip, batch=batch).value == pytest.approx(expected, abs=1e-5)
    assert expected < 0.9999


def test_a_video_of_its_reference_is_as_similar_as_can_be(measured, clip):
    still = replace(clip, frames=np.repeat(clip.reference[None], 3, axis=0))
    assert measured("clip_image_similarity", still).value == pytest.approx(1.0, abs=1e-5)
    assert measured("dino_i2v_subject", still).value == pytest.approx(1.0, abs=1e-5)


def test_the_aesthetic_score_is_the_head_on_unit_features_over_ten(measured, clip, clip_feature, weights):
    head = torch.load(weights / "sa_0_4_vit_l_14_linear.pth", weights_only=True)
    linear = torch.nn.Linear(24, 1)
    linear.load_state_dict(head)
    linear.requires_grad_(False)
    expected = np.mean([float(linear(clip_feature(frame))) / 10 for frame in clip.frames])
    assert measured("laion_aesthetic", clip).value == pytest.approx(expected, abs=1e-6)
    assert measured("laion_aesthetic", replace(clip, reference=None)).value == pytest.approx(expected, abs=1e-6)


def test_the_subject_score_is_vbenchs_formula_on_the_class_token(measured, clip, dino_feature):
    cosine = torch.nn.CosineSimilarity(dim=0)
    features = [dino_feature(frame) for frame in clip.frames]
    to_image = [max(0.0, float(cosine(f, dino_feature(clip.reference)))) for f in features]
    to_former = [max(0.0, float(cosine(*pair))) for pair in pairwise(features)]
    expected = 0.4 * max(to_image) + 0.3 * np.mean(to_former) + 0.3 * min(to_former)
    assert measured("dino_i2v_subject", clip).value == pytest.approx(expected, abs=1e-5)


def test_the_subject_score_of_known_angles():
    degrees = torch.tensor([0.0, 60.0, 90.0, 180.0]) * math.pi / 180
    frames = torch.stack([degrees.cos(), degrees.sin()], dim=-1) * torch.tensor([1.0, 3.0, 0.5, 2.0])[:, None]
    reference = torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)]) * 7
    # To the reference at 30°: cos 30° twice, cos 60°, none. To the former: cos 60°, cos 30°, cos 90°.
    half, root = 0.5, math.sqrt(3) / 2
    assert subject_score(reference, frames) == pytest.approx(0.4 * root + 0.3 * (half + root + 0) / 3, abs=1e-6)


@pytest.mark.parametrize("name", ["clip_image_similarity", "dino_i2v_subject"])
def test_without_a_reference_there_is_no_similarity_to_it(measured, clip, name):
    found = measured(name, replace(clip, reference=None))
    assert math.isnan(found.value) and "no reference image" in found.why


def test_one_frame_has_no_neighbour(measured, clip):
    assert "one frame" in measured("dino_i2v_subject", replace(clip, frames=clip.frames[:1])).why


def test_a_head_for_another_network_is_refused(weights, tmp_path):
    (tmp_path / "clip-vit-large-patch14").symlink_to(weights / "clip-vit-large-patch14")
    torch.save(torch.nn.Linear(768, 1).state_dict(), tmp_path / "sa_0_4_vit_l_14_linear.pth")
    with pytest.raises(EnvironmentLacksError, match=r"holds .*768.*; the predictor has .*24"):
        METRICS["laion_aesthetic"].prepare(resources(tmp_path))


def test_the_files_that_decide_the_values_are_kept_with_their_hashes(weights):
    prepared = METRICS["laion_aesthetic"].prepare(resources(weights))
    assert set(prepared.files) == {"clip-vit-large-patch14/model.safetensors", "sa_0_4_vit_l_14_linear.pth"}
    assert all(len(digest) == 64 for digest in prepared.files.values())


def test_the_folder_of_the_whole_model_is_what_is_published(weights):
    assert CLIPModel.from_pretrained(weights / "clip-vit-large-patch14").config.projection_dim == 24
