"""Videos and pictures are there whole or not at all."""

from __future__ import annotations

import resource

import av
import numpy as np
import pytest
from PIL import Image

from dymos_probe.runs.media import _frames_in, read_video, to_uint8, write_image, write_video


def frames(count=5, height=32, width=48):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def decoded(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.average_rate, np.stack([f.to_ndarray(format="rgb24") for f in container.decode(stream)])


@pytest.mark.parametrize(("count", "height", "width", "fps"), [(1, 32, 48, 8), (9, 30, 46, 24), (4, 33, 47, 16)])
def test_every_frame_comes_back_and_odd_sides_grow_by_one(tmp_path, count, height, width, fps):
    flat = np.repeat(np.linspace(20, 230, count).round().astype(np.uint8), height * width * 3)
    given = flat.reshape(count, height, width, 3)
    write_video(tmp_path / "new" / "a.mp4", given, fps=fps)
    rate, shown = decoded(tmp_path / "new" / "a.mp4")
    assert rate == fps
    assert shown.shape == (count, height + height % 2, width + width % 2, 3)
    assert abs(shown.astype(int) - given[:, :1, :1].astype(int)).max() <= 3
    read, read_rate = read_video(tmp_path / "new" / "a.mp4")
    assert read_rate == fps and read.dtype == np.uint8
    np.testing.assert_array_equal(read, shown)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.mp4"
    write_video(target, frames(), fps=8)
    before = target.read_bytes()
    with pytest.raises(ValueError):
        write_video(target, frames().astype(np.float64), fps=8)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    try:
        with pytest.raises(OSError):
            write_video(target, frames(20), fps=8)
        with pytest.raises(OSError):
            write_image(tmp_path / "a.png", frames(1, 200, 200)[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert target.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["a.mp4"]


def test_a_video_that_was_cut_off_is_told_by_its_frames(tmp_path):
    write_video(tmp_path / "a.mp4", frames(9), fps=8)
    assert _frames_in(tmp_path / "a.mp4") == 9
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[:-1])
    assert _frames_in(tmp_path / "a.mp4") < 9


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_attempt(tmp_path):
    (tmp_path / ".a.mp4.4711.part").write_bytes(b"half")
    (tmp_path / ".b.mp4.4711.part").write_bytes(b"of another")
    write_video(tmp_path / "a.mp4", frames(), fps=8)
    assert sorted(f.name for f in tmp_path.iterdir()) == [".b.mp4.4711.part", "a.mp4"]


def test_the_same_frames_give_the_same_bytes(tmp_path, by_hand):
    generated = to_uint8(by_hand("t2v", "A dog runs across a beach", 3).frames)
    made = set()
    for _ in range(200):
        write_video(tmp_path / "a.mp4", generated, fps=8)
        made.add((tmp_path / "a.mp4").read_bytes())
    assert len(made) == 1


def test_pictures_lose_nothing(tmp_path):
    write_image(tmp_path / "a.png", frames()[0])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), frames()[0])


def test_float_frames_are_rounded_as_diffusers_rounds_them():
    from diffusers.image_processor import VaeImageProcessor

    given = np.random.default_rng(0).random((2, 8, 8, 3))
    pictures = VaeImageProcessor.numpy_to_pil(given)
    np.testing.assert_array_equal(to_uint8(given), np.stack([np.asarray(p) for p in pictures]))
