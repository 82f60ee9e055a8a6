"""The videos of a study: where they are, and their frames as labelled data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import xarray as xr
from av.container import InputContainer
from av.video.stream import VideoStream

from dymos_probe.errors import CorruptStoreError, InputError, MissingFileError
from dymos_probe.store.schema import CONDITION, CONDITION_COLUMNS, SAMPLE, video_path

FRAME_DIMS = (CONDITION, "time", "y", "x", "rgb")


@dataclass(frozen=True)
class Video:
    """Frames of a video."""

    frames: npt.NDArray[np.uint8]
    """(time, y, x, rgb)."""
    indices: npt.NDArray[np.int64]
    """Which frames of the file they are, (time,)."""
    fps: float
    """How many frames of the file make a second."""


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What a video's file says of itself."""

    frames: int
    fps: float
    """Frames a second."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""


def video_facts(path: str | Path) -> VideoFacts:
    """Return length, rate and size of a video; no frame is decoded.

    Raises
    ------
    MissingFileError
        When there is no file.
    CorruptStoreError
        When it is no video, or says no length or rate.
    """
    path = Path(path)
    with _opened(path) as (container, stream):
        rate, height, width = stream.average_rate, stream.height, stream.width
        frames = _length(container, stream)
    if not frames or not rate:
        raise CorruptStoreError(f"the video {path} is cut off; make its run again")
    return VideoFacts(frames=frames, fps=float(rate), height=height, width=width)


def read_video(path: str | Path, *, count: int | None = None) -> Video:
    """Return frames of a video.

    Parameters
    ----------
    path
        Of the file.
    count
        How many evenly spaced frames to keep, from the first to the last; all by default, or where
        there are fewer. The others are decoded and dropped, so that memory is that of the result.

    Raises
    ------
    MissingFileError
        When there is no file.
    CorruptStoreError
        When it is no video, or is cut off.
    InputError
        When ``count`` is below 1.
    """
    if count is not None and count < 1:
        raise InputError(f"count {count} must be at least 1")
    path = Path(path)
    with _opened(path) as (container, stream):
        rate, there = stream.average_rate, _length(container, stream)
        container.seek(0)
        indices = np.linspace(0, there - 1, min(count or there, there)).round().astype(np.int64)
        wanted = set(indices.tolist())
        kept = [
            frame.to_ndarray(format="rgb24") for index, frame in enumerate(container.decode(stream)) if index in wanted
        ]
    if not kept or not rate or len(kept) < len(indices):
        raise CorruptStoreError(f"the video {path} is cut off; make its run again")
    return Video(np.stack(kept), indices, float(rate))


def read_frames(
    study: str | Path, ds: xr.Dataset, sample: str, conditions: Sequence[str], *, count: int
) -> xr.DataArray:
    """Return evenly spaced frames of one sample's videos, uint8 (condition, time, y, x, rgb), in memory.

    ``time`` is labelled with the index of the frame in the video; the coordinates of the sample and
    the conditions come along, so that a figure can name them.

    Parameters
    ----------
    study
        Folder of the study.
    ds
        The study, from ``open_study``.
    sample, conditions
        Ids.
    count
        Number of frames, as in :func:`read_video`.

    Raises
    ------
    MissingFileError
        When one has no video.
    CorruptStoreError
        When a video cannot be read, or they differ in size or length.
    """
    first, *others = (read_video(video_path(Path(study), sample, each), count=count) for each in conditions)
    for condition, other in zip(conditions[1:], others, strict=True):
        if other.frames.shape != first.frames.shape or not np.array_equal(other.indices, first.indices):
            raise CorruptStoreError(
                f"the videos of {sample} under {conditions[0]} and {condition} differ in size or length; "
                "make their runs again"
            )
    labels = ds.sel({SAMPLE: sample, CONDITION: list(conditions)}).coords
    columns = (column.name for column in CONDITION_COLUMNS.values())
    known = {name: labels[name] for name in ("prompt", "seed", SAMPLE, *columns)}
    return xr.DataArray(
        np.stack([video.frames for video in (first, *others)]),
        dims=FRAME_DIMS,
        coords={**known, "time": first.indices},
        name="frames",
        attrs={"long_name": "video frames", "units": "1"},
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video; what is wrong with its file, also while it is read, is told as that."""
    if not path.is_file():
        raise MissingFileError(f"there is no video {path}")
    try:
        with av.open(str(path)) as container:
            yield container, container.streams.video[0]
    except (av.error.FFmpegError, IndexError) as error:
        raise CorruptStoreError(f"the video {path} cannot be read ({error}); make its run again") from error


def _length(container: InputContainer, stream: VideoStream) -> int:
    # Not every file says its length; then its packets are counted, and none is decoded.
    return stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
