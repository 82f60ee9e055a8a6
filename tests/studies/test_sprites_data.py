"""Captions tell what the pixels show, held-out combinations stay out, and a seed decides everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dymos_probe.metrics.sprites import track_sprite
from studies.sprites.config import VideoConfig
from studies.sprites.data import (
    BACKGROUNDS,
    COLOURS,
    DIRECTIONS,
    SHAPES,
    SPEEDS,
    Clip,
    combinations,
    draw_clips,
    held_out,
    render,
)

SIZE = VideoConfig()
seeds = st.tuples(st.integers(0, 2**31))

A_CLIP = Clip(
    colour="red",
    shape="square",
    background="navy",
    direction="right",
    speed="quickly",
    radius=6.0,
    start=(12.0, 24.0),
    pace=1.0,
)


def test_the_caption_is_a_sentence_of_what_is_drawn() -> None:
    assert A_CLIP.caption == "a red square moves right quickly on a navy background"
    assert replace(A_CLIP, colour="orange").caption.startswith("an orange square")


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_sprite_moves_in_the_captioned_direction_at_the_captioned_speed(seed: tuple[int]) -> None:
    (clip,) = draw_clips(1, seed=seed, size=SIZE, split="training")
    track = track_sprite(render(clip, SIZE).video)
    assert not track.lost
    low, high = (speed * (SIZE.frames - 1) for speed in SPEEDS[clip.speed])
    assert low - 0.5 <= track.along(DIRECTIONS[clip.direction]) <= high + 0.5
    assert track.distance == pytest.approx(track.along(DIRECTIONS[clip.direction]), abs=0.3)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_sprite_has_the_captioned_colour_and_the_frame_the_captioned_background(seed: tuple[int]) -> None:
    (clip,) = draw_clips(1, seed=seed, size=SIZE, split="training")
    drawn = render(clip, SIZE)
    np.testing.assert_allclose(drawn.video[drawn.coverage == 1.0][0] * 255, COLOURS[clip.colour], atol=0.01)
    behind = drawn.video[drawn.coverage == 0.0].mean(axis=0) * 255
    nearest = min(BACKGROUNDS, key=lambda name: np.abs(behind - BACKGROUNDS[name]).sum())
    assert nearest == clip.background


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ("circle", np.pi),
        ("square", (2 * 0.81) ** 2),
        ("triangle", 3 * np.sqrt(3) / 4 * 1.15**2),
        ("plus", 4 * 1.05 * 0.36 * 2 - 4 * 0.36**2),
        ("star", 5 * 1.15 * 0.5 * np.sin(np.pi / 5)),
    ],
)
def test_each_shape_covers_its_area(shape: str, area: float) -> None:
    clip = replace(A_CLIP, shape=shape, start=(24.0, 24.0), motion=0.0)
    covered = render(clip, SIZE, frames=slice(0, 1)).coverage.sum()
    assert covered == pytest.approx(area * clip.radius**2, rel=0.04)


def test_edges_are_anti_aliased_so_that_a_fraction_of_a_pixel_shows() -> None:
    def middle(x: float) -> float:
        coverage = render(replace(A_CLIP, start=(x, 24.0)), SIZE, frames=slice(0, 1)).coverage[0]
        return float((coverage.sum(axis=0) * np.arange(SIZE.side)).sum() / coverage.sum())

    assert middle(24.25) - middle(24.0) == pytest.approx(0.25, abs=0.03)


@given(seed=seeds, split=st.sampled_from(["training", "held-out"]), curation=st.sampled_from(["curated", "uncurated"]))
@settings(max_examples=30, deadline=None)
def test_the_captioned_path_stays_inside_the_frame(seed: tuple[int], split: str, curation: str) -> None:
    (clip,) = draw_clips(1, seed=seed, size=SIZE, split=split, curation=curation)  # type: ignore[arg-type]
    covered = render(replace(clip, motion=1.0), SIZE).coverage.sum(axis=(1, 2))
    whole = render(replace(clip, motion=0.0, start=(24.0, 24.0)), SIZE, frames=slice(0, 1)).coverage.sum()
    # Anti-aliasing of the same shape elsewhere; a shape that is cut off loses more.
    assert covered.min() > 0.98 * whole


def test_held_out_combinations_are_never_drawn_for_training() -> None:
    drawn = draw_clips(4000, seed=(1,), size=SIZE, split="training")
    combined = {(clip.colour, clip.shape, clip.direction) for clip in drawn}
    assert combined == set(combinations("training"))
    assert not any(held_out(*names) for names in combined)
    assert all(
        held_out(clip.colour, clip.shape, clip.direction)
        for clip in draw_clips(200, seed=(1,), size=SIZE, split="held-out")
    )


def test_every_word_and_every_pair_of_words_of_a_held_out_caption_is_trained() -> None:
    training = combinations("training")
    for colour, shape, direction in combinations("held-out"):
        assert any(names[:2] == (colour, shape) for names in training)
        assert any(names[1:] == (shape, direction) for names in training)
        assert any(names[::2] == (colour, direction) for names in training)
    assert len(training) + len(combinations("held-out")) == len(COLOURS) * len(SHAPES) * len(DIRECTIONS)


def test_a_seed_decides_the_clips_and_a_longer_list_begins_with_the_shorter() -> None:
    first = draw_clips(5, seed=(3, 1), size=SIZE, split="training")
    assert draw_clips(8, seed=(3, 1), size=SIZE, split="training")[:5] == first
    assert draw_clips(5, seed=(3, 2), size=SIZE, split="training") != first


def test_curation_changes_the_motion_and_nothing_else() -> None:
    sets = {
        curation: draw_clips(400, seed=(4,), size=SIZE, split="training", curation=curation)
        for curation in ("curated", "uncurated")
    }
    assert [replace(clip, motion=1.0) for clip in sets["curated"]] == sets["uncurated"]
    motion = np.array([clip.motion for clip in sets["curated"]])
    assert 0.4 < (motion == 0.0).mean() < 0.6
    assert 0.4 < motion[motion > 0.0].mean() < 0.6


def test_a_window_is_cut_out_of_the_whole_picture() -> None:
    whole = render(A_CLIP, SIZE)
    part = render(A_CLIP, SIZE, frames=slice(2, 7), window=(8, 14, 20))
    np.testing.assert_allclose(part.video, whole.video[2:7, 14:34, 8:28], atol=1e-6)
