"""Frames on disk: browser-playable MP4 and PNG, written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape as glob_escape
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from dymos_probe.errors import InputError, MissingFileError

Frames = npt.NDArray[np.uint8]

# Without x264's macroblock tree: for small frames it reads memory nobody wrote, and then the same frames come out
# in other bytes now and then.
_CODING = {"crf": "12", "preset": "medium", "x264-params": "mbtree=0"}


def to_uint8(frames: npt.NDArray[np.floating]) -> Frames:
    """Return float frames in [0, 1] as uint8, rounded as diffusers rounds them."""
    return (np.asarray(frames) * 255).round().astype(np.uint8)


def write_video(path: Path, frames: Frames, *, fps: int) -> None:
    """Write ``frames`` (time, y, x, 3) as H.264 in 4:2:0, which every browser plays.

    Odd sides are extended by repeating the last row or column, because 4:2:0 needs even ones.

    Raises
    ------
    OSError
        When the file cannot be written; nothing of it is left then.
    """
    even = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    with _whole(path) as partial:
        with av.open(str(partial), mode="w", format="mp4", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=fps, options=_CODING)
            stream.height, stream.width = even.shape[1:3]
            stream.pix_fmt = "yuv420p"
            for frame in even:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        if _frames_in(partial) != len(even):
            # ffmpeg says nothing when the disk fills while it closes its file.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def read_video(path: Path) -> tuple[Frames, float]:
    """Return all frames of a video, (time, y, x, 3), and how many of them make a second.

    Raises
    ------
    MissingFileError
        When there is no such file.
    InputError
        When it is no video, or not a whole one.
    """
    if not path.is_file():
        raise MissingFileError(f"there is no video {path}")
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
            told, rate = stream.frames, stream.average_rate
    except (av.FFmpegError, IndexError) as error:
        raise InputError(f"{path} is no video, or a damaged one ({error})") from error
    if not frames or not rate or len(frames) < told:
        raise InputError(f"{path} is a damaged video: it has {len(frames)} of {told} frames")
    return np.stack(frames).astype(np.uint8, copy=False), float(rate)


def _frames_in(path: Path) -> int:
    """Return how many whole frames a video file holds."""
    with av.open(str(path)) as container:
        return sum(packet.size > 0 and not packet.is_corrupt for packet in container.demux(video=0))


def write_image(path: Path, frame: Frames) -> None:
    """Write one frame (y, x, 3) as PNG.

    Raises
    ------
    OSError
        When the file cannot be written; nothing of it is left then.
    """
    with _whole(path) as partial:
        Image.fromarray(frame).save(partial, format="png")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Yield a name to write to, which becomes ``path`` once the block is through."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # What a killed process left of this very file; only one process at a time writes a run.
    for leftover in path.parent.glob(f".{glob_escape(path.name)}.*.part"):
        leftover.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
