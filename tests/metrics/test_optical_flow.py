"""Flow finds drawn motion in pixels, nothing where nothing moves, and counts as VBench counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from dymos_probe.errors import InputError
from dymos_probe.metrics.optical_flow import FlowSettings, Motion, frame_stride, measure_motion, pair_magnitudes
from studies.sprites.config import VideoConfig
from studies.sprites.data import Clip, render

Frames = npt.NDArray[np.uint8]

METHODS = ("dis", "farneback")
A_CLIP = Clip(
    colour="red",
    shape="circle",
    background="navy",
    direction="right",
    speed="steadily",
    radius=6.5,
    start=(10.0, 24.0),
    pace=0.6,
)


def drawn(clip: Clip, frames: int = 9) -> Frames:
    video: Frames = np.round(render(clip, VideoConfig(frames=frames)).video * 255).astype(np.uint8)
    return video


def texture(height: int, width: int, seed: int = 0) -> Frames:
    rough = ndimage.gaussian_filter(np.random.default_rng(seed).uniform(size=(height, width, 3)), (3, 3, 0))
    scaled: Frames = np.clip((rough - 0.5) / rough.std() * 40 + 128, 0, 255).astype(np.uint8)
    return scaled


def moved(shift: tuple[int, int], frames: int = 3) -> Frames:
    """A window of 120 × 200 that moves over a texture by ``shift`` (x, y) a frame; the picture moves against it."""
    whole = texture(160, 260)
    return np.stack([whole[20 + k * shift[1] :][:120, 20 + k * shift[0] :][:, :200] for k in range(frames)])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [(3, 0), (0, 5), (6, 6)])
def test_a_shifted_texture_moves_by_its_shift(method, shift):
    motion = measure_motion(moved(shift), fps=8, settings=FlowSettings(method=method))
    assert motion.top_means.shape == (2,)
    assert motion.mean == pytest.approx(np.hypot(*shift), rel=0.1)
    assert motion.relative == motion.mean / 120


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", ["circle", "star"])
@pytest.mark.parametrize("direction", ["right", "down"])
def test_a_small_flat_sprite_moves_by_its_pace(method, shape, direction):
    clip = replace(A_CLIP, shape=shape, direction=direction, start=(16.0, 16.0))
    paces = (0.25, 0.6, 1.0)
    means = [
        measure_motion(drawn(replace(clip, pace=pace)), fps=8, settings=FlowSettings(method=method)).mean
        for pace in paces
    ]
    assert means == sorted(means)
    np.testing.assert_allclose(means, paces, rtol=0.2)


@pytest.mark.parametrize("method", METHODS)
def test_what_stands_still_has_no_motion(method):
    settings = FlowSettings(method=method)
    assert measure_motion(drawn(replace(A_CLIP, motion=0.0)), fps=8, settings=settings).mean < 1e-3
    assert measure_motion(np.stack([texture(120, 200)] * 3), fps=8, settings=settings).mean < 0.02


def test_noise_where_there_is_nothing_to_see_does_not_move():
    """The control takes the mask away: then the flow invents many pixels of motion."""
    noise = np.random.default_rng(1).normal(100, 3, (2, 480, 832, 1)).round().astype(np.uint8).repeat(3, axis=-1)
    unmasked = FlowSettings(least_gradient=0.0, consistency=(0.0, math.inf))
    assert measure_motion(noise, fps=8, settings=unmasked).mean > 10
    assert measure_motion(noise, fps=8).mean < 0.1


def test_gradient_and_consistency_each_take_away_motion_of_their_own():
    """A slide onto something that was not there: textured, but the way back leads elsewhere."""
    first, second = texture(120, 200, seed=1), texture(120, 200, seed=2)
    loose, strict = FlowSettings(consistency=(0.0, math.inf)), FlowSettings()
    assert (pair_magnitudes(first, second, loose) > 0).mean() > 0.9
    assert (pair_magnitudes(first, second, strict) > 0).mean() < 0.5
    flat = moved((3, 0))
    flat[:, :, 100:] = 90
    far = (slice(None), slice(110, None))
    assert (pair_magnitudes(*flat[:2])[far] == 0).all()
    assert np.median(pair_magnitudes(*flat[:2])[:, 10:80]) == pytest.approx(3, rel=0.1)


def test_magnitudes_of_a_small_frame_are_in_its_own_pixels():
    small = moved((2, 0))[:, 40:88, 60:108]
    magnitudes = pair_magnitudes(*small[:2])
    assert magnitudes.shape == (96, 96)
    assert np.median(magnitudes[magnitudes > 0]) == pytest.approx(2, rel=0.1)


def test_the_fastest_twentieth_stands_for_a_pair():
    """A tenth of the picture moves: the largest 5 % are its motion, the largest half are mostly still."""
    still, video = texture(120, 200), moved((4, 0), frames=2)
    frames = np.stack([still, still])
    frames[:, 40:80, 60:120] = video[:, 40:80, 60:120]
    assert measure_motion(frames, fps=8).mean == pytest.approx(4, rel=0.1)
    assert measure_motion(frames, fps=8, settings=FlowSettings(top_share=0.5)).mean < 1.5


def test_the_stride_is_vbenchs():
    assert [frame_stride(fps) for fps in (4, 8, 12, 16, 20, 24, 30)] == [1, 1, 2, 2, 2, 3, 4]
    video = moved((2, 0), frames=5)
    at_16 = measure_motion(video, fps=16)
    assert at_16.top_means.shape == (2,)
    assert at_16.mean == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(("frames", "needed"), [(41, 10), (49, 12), (16, 4), (2, 0)])
def test_the_count_is_vbenchs(frames, needed):
    moving = np.zeros(frames - 1)
    moving[:needed] = 11.26
    motion = Motion(top_means=moving, short_side=480)
    assert (motion.threshold, motion.pairs_needed) == (11.25, needed)
    assert motion.pairs_over == needed and motion.dynamic
    moving[:1] = 11.25
    assert replace(motion, top_means=moving).dynamic is (needed == 0)


def test_without_a_pair_there_is_no_mean_and_no_dynamic():
    motion = measure_motion(moved((2, 0))[:1], fps=8)
    assert math.isnan(motion.mean) and not motion.dynamic


@pytest.mark.parametrize(
    "video", [np.zeros((3, 48, 48), np.uint8), np.zeros((3, 48, 48, 3)), np.zeros((0, 48, 48, 3), np.uint8)]
)
def test_what_is_no_video_is_refused(video):
    with pytest.raises(InputError, match="uint8"):
        measure_motion(video, fps=8)


@pytest.mark.parametrize("fps", [0, -8, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(fps):
    with pytest.raises(InputError, match="fps"):
        measure_motion(moved((1, 0)), fps=fps)


@pytest.mark.parametrize("wrong", [{"method": "raft"}, {"top_share": 0.0}, {"frame_rate": 0.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        FlowSettings(**wrong)
