"""Every metric of the registry says what a drawn clip does, or why it cannot."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.metrics.metric import Clip as VideoClip
from dymos_probe.metrics.metric import Derived, Metric, resources
from dymos_probe.metrics.registry import METRICS, default_metrics, get_metric
from dymos_probe.metrics.sprites import prompt_direction
from dymos_probe.runs.media import write_video
from dymos_probe.store.schema import metric_variable
from dymos_probe.store.videos import read_video
from studies.sprites.config import VideoConfig
from studies.sprites.data import DIRECTIONS, Clip, draw_clips, render

SIZE = VideoConfig()
A_CLIP = Clip(
    colour="red",
    shape="circle",
    background="navy",
    direction="right",
    speed="steadily",
    radius=6.5,
    start=(12.0, 24.0),
    pace=0.75,
)


def drawn(clip):
    return np.round(render(clip, SIZE).video * 255).astype(np.uint8)


READY = [name for name, metric in METRICS.items() if isinstance(metric, Metric) and not metric.needs]


def measured(name, video, prompt=A_CLIP.caption, fps=8.0, reference=None):
    return (
        METRICS[name].prepare(resources()).measure(VideoClip(frames=video, fps=fps, prompt=prompt, reference=reference))
    )


@pytest.mark.parametrize(
    ("prompt", "along"), [("it moves Right.", 18.0), ("to the left!", -18.0), ("up", 0.0), ("down", 0.0)]
)
def test_the_way_along_is_that_of_the_direction_the_prompt_names(prompt, along):
    video = drawn(A_CLIP)
    assert measured("sprite_along", video, prompt).value == pytest.approx(along, abs=0.1)
    assert measured("sprite_displacement", video, prompt).value == pytest.approx(18.0, abs=0.1)
    assert measured("sprite_lost_frames", video, prompt).value == 0


@pytest.mark.parametrize("prompt", ["a dog runs", "left, then right", "bright upward downs", ""])
def test_without_one_direction_in_the_prompt_there_is_no_way_along_it(prompt):
    found = measured("sprite_along", drawn(A_CLIP), prompt)
    assert math.isnan(found.value) and "does not name one direction (right, left, up, down)" in found.why


def test_directions_of_captions_are_the_ones_clips_are_drawn_by():
    for word, direction in DIRECTIONS.items():
        clip = replace(A_CLIP, direction=word, start=(24.0, 24.0), pace=0.5)
        assert prompt_direction(clip.caption) == word
        found = measured("sprite_along", drawn(clip), clip.caption)
        assert found.value == pytest.approx(12.0, abs=0.1), direction


def test_a_lost_sprite_has_no_way_but_a_number_of_lost_frames():
    video = drawn(A_CLIP)
    video[7:10] = video[0, :, -1:]
    for name in ("sprite_displacement", "sprite_along"):
        found = measured(name, video)
        assert math.isnan(found.value) and found.why == "the sprite is lost in some frame"
    assert measured("sprite_lost_frames", video).value == 3


def test_the_frame_difference_is_the_mean_over_pairs_of_the_full_range():
    video = np.zeros((3, 16, 16, 3), np.uint8)
    video[1] = 255
    video[2] = 204
    assert measured("frame_difference", video).value == pytest.approx((1 + 0.2) / 2)


def test_optical_flow_orders_clips_by_their_pace_and_depends_on_the_rate():
    slow, quick = (measured("optical_flow", drawn(replace(A_CLIP, pace=pace))).value for pace in (0.3, 0.9))
    assert 0.2 < slow < 0.4 and 0.75 < quick < 1.05
    assert measured("optical_flow", drawn(A_CLIP), fps=16.0).value == pytest.approx(1.5, rel=0.15)


@pytest.mark.parametrize("name", READY)
def test_a_single_frame_without_a_reference_has_no_value_and_says_why(name):
    found = measured(name, drawn(A_CLIP)[:1])
    assert math.isnan(found.value) and found.why


@pytest.mark.parametrize("name", READY)
def test_a_drawn_clip_with_its_first_frame_as_reference_has_a_value(name):
    video = drawn(A_CLIP)
    found = measured(name, video, reference=video[0])
    assert math.isfinite(found.value) and not found.why


def test_metrics_of_one_flow_agree_with_one_another():
    video = drawn(replace(A_CLIP, pace=2.0, start=(4.0, 24.0)))
    flow = measured("optical_flow", video).value
    assert measured("motion_relative", video).value == flow / 48
    # The threshold of 48 px is 1.125 px a pair.
    assert flow > 1.125 and measured("dynamic_dis", video).value == 1.0
    assert measured("dynamic_dis", drawn(A_CLIP)).value == 0.0
    farneback = measured("optical_flow_farneback", video).value
    assert farneback != flow and measured("dynamic_farneback", video).value == float(farneback > 1.125)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"frames": np.zeros((3, 16, 16, 3))}, "no video"),
        ({"frames": np.zeros((0, 16, 16, 3), np.uint8)}, "no video"),
        ({"reference": np.zeros((16, 16), np.uint8)}, "no image"),
        ({"fps": 0.0}, "fps 0.0"),
    ],
)
def test_what_is_no_clip_is_refused(wrong, match):
    with pytest.raises(InputError, match=match):
        VideoClip(**{"frames": np.zeros((3, 16, 16, 3), np.uint8), "fps": 8.0} | wrong)


def test_coding_as_mp4_moves_a_track_by_less_than_a_third_of_a_pixel(tmp_path):
    for clip in draw_clips(4, seed=(11,), size=SIZE, split="held-out"):
        video = drawn(clip)
        write_video(tmp_path / "a.mp4", video, fps=8)
        read = read_video(tmp_path / "a.mp4")
        coded, fps = read.frames, read.fps
        for name in ("sprite_along", "sprite_displacement"):
            raw, decoded = (measured(name, frames, clip.caption, fps).value for frames in (video, coded))
            assert decoded == pytest.approx(raw, abs=0.3)
        assert measured("sprite_lost_frames", coded).value == 0
        still = drawn(replace(clip, motion=0.0))
        write_video(tmp_path / "a.mp4", still, fps=8)
        assert measured("optical_flow", read_video(tmp_path / "a.mp4").frames).value < 0.05


def test_every_metric_says_what_it_is_in_words_the_store_keeps():
    for name, metric in METRICS.items():
        assert metric.name == name and metric_variable(name).name == f"metric_{name}"
        assert json.loads(json.dumps(metric.attrs)) == metric.attrs
        assert metric.attrs["units"] and (metric.attrs["weights"] == "none") == (name in READY)
        assert "dynamic degree" not in metric.long_name.lower() or "raft=tv_C_T_V2" in metric.long_name
    for name in ("optical_flow", "optical_flow_farneback", "dynamic_dis", "dynamic_farneback", "motion_relative"):
        assert METRICS[name].attrs["calibrated"] is False and "uncalibrated" in METRICS[name].long_name
    assert {name for name, metric in METRICS.items() if isinstance(metric, Derived)} == {
        "quality_mean",
        "quality_paper_scale",
    }


def test_no_default_needs_weights():
    for config in ({"pair": {"preset": "sprites"}}, {}):
        assert set(default_metrics(config)) <= set(READY)


def test_the_pair_of_sprites_is_tracked_and_others_are_not():
    assert default_metrics({"pair": {"preset": "sprites"}})[1:] == (
        "sprite_along",
        "sprite_lost_frames",
        "optical_flow",
        "psnr_to_reference",
    )
    for config in ({"pair": {"preset": None}}, {"pair": "synthetic"}, {}):
        assert default_metrics(config) == ("optical_flow", "frame_difference", "psnr_to_reference")


def test_a_metric_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"'raft' is unknown; choose from sprite_displacement, .*, quality_mean"):
        get_metric("raft")
