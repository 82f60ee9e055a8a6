"""A preview is what it says it is, and never costs the job anything but a little time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dymos_probe.jobs.preview import Budget, Preview, false_colours, frames_shown, picture_of
from dymos_probe.runs.images import read_image
from dymos_probe.tap import watch_steps
from dymos_probe.testing import build_pipeline, reference_image, settings


@pytest.fixture(scope="module")
def ended():
    """A pipeline, the end of its last step, and the frames it made."""

    def run(name: str, arm: str = "i2v"):
        pipe, ends = build_pipeline(name, arm), []
        pipe.set_progress_bar_config(disable=True)
        call = settings(name).kwargs(arm) | {"prompt": "a red cat", "output_type": "latent"}
        if arm == "i2v":
            call["image"] = reference_image(settings(name).height, settings(name).width)
        with watch_steps(pipe, ends.append):
            latents = pipe(**call).frames
        return pipe, ends, latents

    return run


def test_frames_shown_are_even_with_the_first_and_the_last() -> None:
    assert [frames_shown(n) for n in (1, 2, 4, 7, 21)] == [[0], [0, 1], [0, 1, 2, 3], [0, 2, 4, 6], [0, 7, 13, 20]]


def test_false_colours_are_a_linear_map_that_keeps_what_differs_apart() -> None:
    generator = np.random.default_rng(0)
    sources = generator.random((2, 3, 5, 6))
    sources *= np.array([9.0, 3.0, 1.0])[None, :, None, None]
    mixed = np.einsum("ck,fkyx->fcyx", np.linalg.qr(generator.normal(size=(16, 3)))[0], sources)
    coloured = false_colours(mixed.astype(np.float32)).astype(float)
    for component in range(3):
        correlations = [
            abs(np.corrcoef(coloured[..., c].ravel(), sources[:, component].ravel())[0, 1]) for c in range(3)
        ]
        assert correlations[component] > 0.95, "channels that vary most come first"
    assert coloured.min() == 0 and coloured.max() == 255
    np.testing.assert_array_equal(false_colours(mixed * 7 + 3), false_colours(mixed))


def test_flat_latents_and_few_channels_are_drawn_without_nan() -> None:
    assert (false_colours(np.zeros((2, 4, 3, 3))) == 0).all()
    assert false_colours(np.random.default_rng(0).random((2, 1, 3, 3))).shape == (2, 3, 3, 3)


def test_a_decoded_frame_is_that_of_a_video_of_this_frame_alone(ended) -> None:
    pipe, ends, latents = ended("cogvideox")
    picture, what = picture_of(pipe, ends[-1], decode=True)
    assert "each decoded alone" in what and f"after step {len(ends)} of {len(ends)}" in what
    with torch.no_grad():
        alone = pipe.vae.decode(latents[:, -1:].movedim(1, 2) / pipe.vae.config.scaling_factor).sample
    wanted = (alone[0, :, 0].movedim(0, -1) / 2 + 0.5).clamp(0, 1).numpy()
    height, width = wanted.shape[:2]
    scale = picture.shape[0] // height
    shown = picture[::scale, -width * scale :: scale]
    # The last step has no noise left, so its estimate is the finished latents.
    np.testing.assert_allclose(shown / 255, wanted, atol=0.02)


@pytest.mark.parametrize("name", ["wan2.1", "hunyuanvideo1.5", "hunyuanvideo", "ltx-video"])
def test_families_without_a_decoder_at_hand_are_drawn_in_false_colours(ended, name) -> None:
    pipe, ends, _ = ended(name)
    picture, what = picture_of(pipe, ends[0], decode=True)
    assert "false colours" in what and picture.dtype == np.uint8 and picture.std() > 0


def test_the_vae_stays_alone_while_it_waits_in_main_memory(ended) -> None:
    pipe, ends, _ = ended("cogvideox")
    del pipe.vae.decoder  # whatever touches it fails
    assert "false colours" in picture_of(pipe, ends[0], decode=False)[1]


def test_a_preview_that_cannot_be_made_says_why_and_no_other_is_tried(ended, tmp_path) -> None:
    pipe, ends, _ = ended("cogvideox")
    preview = Preview(tmp_path / "p.png", budget=Budget(least_seconds=0.0, share=float("inf")))
    assert "decoded alone" in preview.draw(pipe, ends[0], decode=True)
    assert read_image(tmp_path / "p.png").height >= 192
    del pipe.vae.decoder
    assert preview.draw(pipe, ends[1], decode=True).startswith("No preview: ")
    assert preview.draw(pipe, ends[1], decode=False) is None and not (tmp_path / "p.png").exists()


def test_previews_keep_to_their_budget(ended, tmp_path) -> None:
    pipe, ends, _ = ended("cogvideox")
    preview = Preview(tmp_path / "p.png", budget=Budget(least_seconds=60.0))
    assert preview.draw(pipe, ends[0], decode=True) and preview.draw(pipe, ends[1], decode=True) is None
    assert preview.draw(pipe, ends[0], decode=True), "a new run has one in any case"
