"""How much neighbouring frames differ, at the video's own rate: frame difference and VBench's temporal flickering."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from dymos_probe.metrics.metric import Clip, Frames, Measurement, Metric, plain, without


def mean_absolute_difference(video: Frames) -> float:
    """Return the mean over pairs of neighbouring frames of their mean absolute difference, in levels of 255.

    Parameters
    ----------
    video
        (frames ≥ 2, height, width, 3), uint8.
    """
    # One pair at a time and in 16 bits: a whole video of floats is four times the video.
    errors = [np.abs(later.astype(np.int16) - earlier).mean() for earlier, later in pairwise(video)]
    return float(np.mean(errors))


def temporal_flickering(video: Frames) -> float:
    """Return VBench's Temporal Flickering, (255 − MAE) / 255: 1 where nothing changes at all.

    Parameters
    ----------
    video
        (frames ≥ 2, height, width, 3), uint8, every frame of the file.

    References
    ----------
    ``vbench/temporal_flickering.py`` of https://github.com/Vchitect/VBench
    """
    return (255.0 - mean_absolute_difference(video)) / 255.0


def _of_pairs(clip: Clip) -> Measurement | None:
    return without("a video of one frame does not move") if len(clip.frames) < 2 else None


def _flickering(clip: Clip) -> Measurement:
    return _of_pairs(clip) or Measurement(temporal_flickering(clip.frames))


def _difference(clip: Clip) -> Measurement:
    return _of_pairs(clip) or Measurement(mean_absolute_difference(clip.frames) / 255.0)


METRICS: Final = (
    Metric(
        name="frame_difference",
        long_name="difference of neighbouring frames",
        units="1",
        calibrated=True,
        settings="mean absolute, all frames and channels, of the full range",
        load=plain(_difference),
    ),
    Metric(
        name="temporal_flickering",
        long_name="temporal flickering (VBench), 1 is still",
        units="1",
        calibrated=True,
        settings="(255 − mean absolute difference of neighbouring frames) / 255, every frame; no filter: VBench counts "
        "it on videos that its static filter lets through only, so motion lowers it here",
        load=plain(_flickering),
    ),
)
