"""How well each frame, moved back along the flow, explains the one before: the warping error of Lai et al. 2018."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dymos_probe.metrics.metric import Clip, Frames, Measurement, Metric, plain, without
from dymos_probe.metrics.optical_flow import FlowSettings, consistent, dense_flow

Curve = npt.NDArray[np.float64]


def warp_error_curve(video: Frames, settings: FlowSettings | None = None) -> Curve:
    """Return the warping error of each pair of neighbouring frames, (frames − 1,), squared full range.

    Frame t + 1 is sampled where the flow u from t to t + 1 points to, and compared with frame t:
    E_t = Σ M·(V_t(x) − V_{t+1}(x + u(x)))² / ΣM over pixels and channels, intensities in [0, 1]. M leaves out what
    is occluded, where the flow back does not lead back (Sundaram et al. 2010), and what comes from outside the
    frame. A pair of which nothing is left, such as a cut, has NaN.

    Parameters
    ----------
    video
        (frames, height, width, 3), uint8, every frame of the file.
    settings
        How the flow is found; only method, least_side and consistency matter here.

    References
    ----------
    Lai et al. 2018, Learning Blind Video Temporal Consistency, Sec. 4.2 (https://arxiv.org/abs/1808.00449). There the
    flow is FlowNet2's and motion boundaries are left out too, so values are not comparable with published ones.
    """
    settings = settings or FlowSettings()
    return np.array([_pair_error(first, second, settings) for first, second in pairwise(video)], dtype=np.float64)


def _pair_error(first: Frames, second: Frames, settings: FlowSettings) -> float:
    there, back = dense_flow(first, second, settings), dense_flow(second, first, settings)
    y, x = np.indices(there.shape[:2], dtype=np.float32)
    to_x, to_y = x + there[..., 0], y + there[..., 1]
    bottom, right = (side - 1 for side in there.shape[:2])
    inside = (to_x >= 0) & (to_x <= right) & (to_y >= 0) & (to_y <= bottom)
    visible = inside & consistent(there, back, settings)
    if not visible.any():
        return math.nan
    warped = cv2.remap(second.astype(np.float32), to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    squares = np.square((np.asarray(warped, dtype=np.float64) - first) / 255.0)
    return float(squares[visible].mean())


def _warp_error(clip: Clip) -> Measurement:
    if len(clip.frames) < 2:
        return without("a video of one frame does not move")
    curve = warp_error_curve(clip.frames)
    if np.isnan(curve).all():
        return without("the flow is consistent in no pixel of any pair")
    return Measurement(float(np.nanmean(curve)))


METRICS: Final = (
    Metric(
        name="warp_error",
        long_name="warping error, uncalibrated",
        units="1",
        calibrated=False,
        settings="mean squared difference of [0, 1] intensities after warping by OpenCV DIS medium, every frame; what "
        "is occluded is left out, and pairs in which all is",
        load=plain(_warp_error),
    ),
)
