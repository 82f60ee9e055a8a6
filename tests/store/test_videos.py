"""Frames of a study's videos come back labelled, evenly spaced, or one line says what is wrong."""

import numpy as np
import pytest

from dymos_probe.errors import CorruptStoreError, InputError, MissingFileError
from dymos_probe.runs.media import write_video
from dymos_probe.store import open_study, video_path
from dymos_probe.store.videos import VideoFacts, read_frames, read_video, video_facts
from dymos_probe.testing.synthetic import synthetic_study


def flat(count, height=32, width=48, first=20):
    """A video whose frame i is grey of a level of its own."""
    levels = np.linspace(first, 230, count).round().astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, 3)).copy()


@pytest.mark.parametrize(("count", "indices"), [(None, range(9)), (3, (0, 4, 8)), (1, (0,)), (20, range(9))])
def test_the_frames_asked_for_are_those_of_the_video(tmp_path, count, indices):
    write_video(tmp_path / "a.mp4", flat(9), fps=8)
    video = read_video(tmp_path / "a.mp4", count=count)
    frames, found = video.frames, video.indices
    assert found.tolist() == list(indices) and frames.dtype == np.uint8
    assert abs(frames.astype(int) - flat(9)[list(indices)].astype(int)).max() <= 3
    assert video.fps == 8.0


def test_what_is_no_video_is_told(tmp_path):
    with pytest.raises(MissingFileError, match="there is no video"):
        read_video(tmp_path / "a.mp4")
    write_video(tmp_path / "a.mp4", np.random.default_rng(0).integers(0, 256, (9, 32, 48, 3), dtype=np.uint8), fps=8)
    with pytest.raises(InputError, match="at least 1"):
        read_video(tmp_path / "a.mp4", count=0)
    whole = (tmp_path / "a.mp4").read_bytes()
    for part in (b"", b"no video", whole[: len(whole) // 2], whole[:-500]):
        (tmp_path / "a.mp4").write_bytes(part)
        with pytest.raises(CorruptStoreError, match="make its run again"):
            read_video(tmp_path / "a.mp4")


def test_a_sample_under_several_conditions_is_one_labelled_array(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=1, lams=(1.0,))
    for condition, first in zip(known.conditions, (20, 60, 100), strict=True):
        write_video(video_path(known.path, "sample-0", condition), flat(9, first=first), fps=8)
    ds = open_study(known.path)
    frames = read_frames(known.path, ds, "sample-0", known.conditions, count=3)
    assert frames.dims == ("condition", "time", "y", "x", "rgb") and frames.shape == (3, 3, 32, 48, 3)
    assert frames["time"].values.tolist() == [0, 4, 8]
    assert frames["arm"].values.tolist() == ["t2v", "i2v", "i2v"] and frames["lam"].values.tolist() == [0.0, 0.0, 1.0]
    assert frames["prompt"].item() == "prompt 0"
    firsts = frames.isel(time=0).mean(["y", "x", "rgb"])
    np.testing.assert_allclose(firsts, [20, 60, 100], atol=3)
    write_video(video_path(known.path, "sample-0", "i2v"), flat(7), fps=8)
    with pytest.raises(CorruptStoreError, match="under t2v and i2v differ"):
        read_frames(known.path, ds, "sample-0", known.conditions, count=3)


def test_what_a_video_says_of_itself_is_how_it_was_written(tmp_path):
    write_video(tmp_path / "a.mp4", flat(9, height=32, width=46), fps=12)
    assert video_facts(tmp_path / "a.mp4") == VideoFacts(frames=9, fps=12.0, height=32, width=46)
    with pytest.raises(MissingFileError, match="there is no video"):
        video_facts(tmp_path / "b.mp4")
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(CorruptStoreError, match="make its run again"):
        video_facts(tmp_path / "a.mp4")
