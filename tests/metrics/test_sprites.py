"""The tracked way of a sprite is the way it was drawn on, and a lost sprite is said to be lost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dymos_probe.errors import InputError
from dymos_probe.metrics.sprites import track_sprite

SIDE, FRAMES, RADIUS = 48, 13, 5.0


def disc(path: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """An anti-aliased disc on a dark background that brightens downwards; ``path`` is (frames, 2), x and y."""
    centres = np.arange(SIDE) + 0.5
    y, x = np.meshgrid(centres, centres, indexing="ij")
    video = np.empty((len(path), SIDE, SIDE, 3))
    background = (np.array([0.05, 0.08, 0.25]) * (0.7 + 0.6 * centres[:, None] / SIDE))[:, None, :]
    for frame, (left, top) in enumerate(path):
        cover = np.clip(RADIUS + 0.5 - np.hypot(x - left, y - top), 0.0, 1.0)[..., None]
        video[frame] = background + cover * (np.array([0.9, 0.2, 0.2]) - background)
    return video


def line(start: tuple[float, float], end: tuple[float, float]) -> npt.NDArray[np.float64]:
    return np.linspace(start, end, FRAMES)


inside = st.floats(8.0, 40.0)


@given(start=st.tuples(inside, inside), end=st.tuples(inside, inside))
@settings(max_examples=25, deadline=None)
def test_the_displacement_is_the_drawn_one_to_a_tenth_of_a_pixel(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    track = track_sprite(disc(line(start, end)))
    assert not track.lost
    np.testing.assert_allclose(track.middles, line(start, end), atol=0.1)
    np.testing.assert_allclose(track.displacement, np.subtract(end, start), atol=0.1)


def test_eight_bits_give_the_same_track_as_floats() -> None:
    video = disc(line((10.3, 20.0), (31.7, 22.5)))
    as_bytes = track_sprite(np.round(video * 255).astype(np.uint8))
    np.testing.assert_allclose(as_bytes.middles, track_sprite(video).middles, atol=0.02)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [((1.0, 0.0), 12.0), ((-1.0, 0.0), -12.0), ((0.0, 1.0), 5.0), ((0.0, -3.0), -5.0), ((12.0, 5.0), 13.0)],
)
def test_along_is_the_component_in_pixels_whatever_the_length_of_the_direction(
    direction: tuple[float, float], expected: float
) -> None:
    track = track_sprite(disc(line((15.0, 15.0), (27.0, 20.0))))
    assert track.along(direction) == pytest.approx(expected, abs=0.1)
    assert track.distance == pytest.approx(13.0, abs=0.1)


def test_a_sprite_that_stands_still_has_moved_nothing() -> None:
    track = track_sprite(disc(line((20.0, 30.0), (20.0, 30.0))))
    assert track.distance < 1e-9


def test_a_sprite_on_rows_that_it_never_leaves_is_still_seen() -> None:
    """The row median of a slow sprite on a narrow frame must not become its colour."""
    video = disc(line((20.0, 20.0), (28.0, 20.0)))[:, :, 14:34]
    track = track_sprite(video)
    assert not track.lost


def test_a_sprite_that_vanishes_is_lost_in_those_frames() -> None:
    video = disc(line((10.0, 20.0), (30.0, 20.0)))
    video[5:7] = video[0, :, -1:]
    track = track_sprite(video)
    assert track.lost
    assert track.lost_frames == 2
    np.testing.assert_allclose(track.displacement, (20.0, 0.0), atol=0.1)


def test_two_sprites_are_an_ambiguous_track_and_a_speck_is_not() -> None:
    video = disc(line((10.0, 20.0), (30.0, 20.0)))
    twice = np.maximum(video, disc(line((10.0, 38.0), (30.0, 38.0))))
    assert track_sprite(twice).lost_frames == FRAMES
    speck = video.copy()
    speck[:, 2:4, 2:4] = 0.9
    assert not track_sprite(speck).lost


def test_a_sprite_that_jumps_across_the_frame_is_lost() -> None:
    path = line((10.0, 20.0), (14.0, 20.0))
    path[6:, 0] += 25.0
    assert track_sprite(disc(path)).lost_frames > 0


def test_an_empty_video_is_lost_and_has_no_displacement() -> None:
    track = track_sprite(np.zeros((4, SIDE, SIDE, 3)))
    assert track.lost_frames == 4
    assert np.isnan(track.along((1.0, 0.0)))


@pytest.mark.parametrize("shape", [(5, 48, 48), (5, 48, 48, 4), (1, 48, 48, 3)])
def test_other_shapes_are_refused_with_the_right_one(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="height, width, 3"):
        track_sprite(np.zeros(shape))


def test_values_outside_the_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        track_sprite(np.full((3, 48, 48, 3), 100.0))


def test_a_direction_without_length_is_refused() -> None:
    track = track_sprite(disc(line((10.0, 20.0), (30.0, 20.0))))
    with pytest.raises(InputError, match="no length"):
        track.along((0.0, 0.0))
