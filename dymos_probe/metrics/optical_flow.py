"""How much a video moves, by dense optical flow without learned weights: uncalibrated, never "VBench Dynamic Degree".

Frames are taken and counted as VBench's Dynamic Degree does it: every ``round(fps / 8)``-th frame, the mean of the
largest 5 % of flow magnitudes of each pair, more than 6 px per 256 px of the short side in a quarter of the pairs of
16 frames. The flow is OpenCV's instead of RAFT's, so these numbers and that threshold are not VBench's.

Both flows invent motion where there is nothing to see. A pixel counts as still unless the smoothed first frame has
some gradient around it and the flow back from the second frame agrees. What is left, measured with OpenCV 5.0:

=============================================  ==================  ==================
true motion, largest 5 %                       ``dis``             ``farneback``
=============================================  ==================  ==================
one flat sprite, 48×48, 0.2 to 1.1 px (60)     0.98 ± 0.05 of it   1.02 ± 0.03 of it
the same, still, with noise of σ = 3 levels    0.09 px             0.02 px
texture of 832×480 shifted by 11, 24, 60 px    11.2, 24.4, 62.8    11.1, 24.3, **23**
200-px texture on flat, 24, 40, 60 px          24, 40, 60          24, **13**, **9**
200-px texture on texture, 24, 40, 60 px       24, **4**, **5**    24, **9**, **9**
flat, still, noise of 3, 10, 15, worst of 3    0, 0.6, **8**       0, 0, **2**
=============================================  ==================  ==================

So fast objects before a textured background are missed by both, and fast motion of any kind by ``farneback``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from dymos_probe.errors import InputError
from dymos_probe.metrics.metric import Clip, Frames, Measure, Measurement, Metric, plain, without

Floats = npt.NDArray[np.float32]
FlowMethod = Literal["dis", "farneback"]

_Flow = Callable[[Frames, Frames], Floats]


@dataclass(frozen=True, kw_only=True)
class FlowSettings:
    """How motion is measured; the defaults are what the module's figures were measured with.

    Raises
    ------
    InputError
        When the method is unknown or a number is out of range.
    """

    method: FlowMethod = "dis"
    """DIS at its medium preset, or Farneback with 5 levels and a window of 21 px; one sprite of the sixty was 16 % off
    with DIS, 11 % with Farneback."""
    frame_rate: float = 8.0
    """Frames per second that are looked at, as nearly as whole strides allow (VBench)."""
    top_share: float = 0.05
    """Share of the pixels, the fastest, whose mean magnitude stands for a pair (VBench)."""
    least_side: int = 96
    """Frames with a shorter side are enlarged by the least whole factor that reaches it: DIS works on half the
    resolution and in patches of 8 px, too coarse for small frames."""
    gradient_blur: float = 1.5
    """Standard deviation of the Gaussian before gradients are taken, pixels."""
    gradient_window: int = 5
    """Side of the square in which gradients count, pixels."""
    least_gradient: float = 2.0
    """Least root-mean-square gradient in that square, levels of 255 a pixel; flatter places count as still."""
    consistency: tuple[float, float] = (0.01, 0.5)
    """(a, b): flows u there and v back agree when |u + v|² < a·(|u|² + |v|²) + b, px² (Sundaram et al. 2010)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if self.method not in get_args(FlowMethod):
            raise InputError(f"method {self.method!r} is unknown; choose one of {', '.join(get_args(FlowMethod))}")
        if not 0.0 < self.top_share <= 1.0:
            raise InputError(f"top_share {self.top_share} must be above 0 and at most 1")
        if not self.frame_rate > 0.0:
            raise InputError(f"frame_rate {self.frame_rate} must be above 0")


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Flow magnitudes of a video, a value a pair of frames; lengths are pixels of the video as given."""

    top_means: npt.NDArray[np.float64]
    """(pairs,): mean magnitude of the fastest pixels of each pair, pixels between its two frames."""
    short_side: int
    """The shorter of height and width."""

    @property
    def mean(self) -> float:
        """Mean over pairs, pixels; NaN where there is none."""
        return float(self.top_means.mean()) if self.top_means.size else math.nan

    @property
    def relative(self) -> float:
        """The same as a fraction of the short side."""
        return self.mean / self.short_side

    @property
    def threshold(self) -> float:
        """VBench's threshold for RAFT, 6 px per 256 px of the short side; for this flow it is not calibrated."""
        return 6.0 * self.short_side / 256.0

    @property
    def pairs_over(self) -> int:
        """Pairs strictly above the threshold."""
        return int((self.top_means > self.threshold).sum())

    @property
    def pairs_needed(self) -> int:
        """Pairs VBench asks for: a quarter of the frames looked at, rounded half to even."""
        return round(4 * (self.top_means.size + 1) / 16)

    @property
    def dynamic(self) -> bool:
        """VBench's rule applied to this flow, uncalibrated; false where there is no pair."""
        return self.top_means.size > 0 and self.pairs_over >= self.pairs_needed


def measure_motion(video: Frames, *, fps: float, settings: FlowSettings | None = None) -> Motion:
    """Return how much ``video`` moves, by dense flow between the frames that VBench would compare.

    Parameters
    ----------
    video
        (frames, height, width, 3), uint8, RGB.
    fps
        Its frames per second, which decide the stride: a wrong rate gives another result.
    settings
        How it is measured.

    Raises
    ------
    InputError
        When the video has another shape or type, or the rate is not above 0.
    """
    settings = settings or FlowSettings()
    if video.ndim != 4 or video.shape[-1] != 3 or video.dtype != np.uint8 or not video.size:
        raise InputError(
            f"a video of shape {video.shape} and type {video.dtype} has no flow; "
            "give (frames, height, width, 3) of uint8"
        )
    frames = video[:: frame_stride(fps, settings)]
    means = [
        top_mean(pair_magnitudes(first, second, settings), settings.top_share) for first, second in pairwise(frames)
    ]
    return Motion(top_means=np.array(means, dtype=np.float64), short_side=min(video.shape[1:3]))


def frame_stride(fps: float, settings: FlowSettings | None = None) -> int:
    """Return the distance of the frames compared: 1 up to 12 fps, 2 at 16, 3 at 24, 4 at 30.

    Raises
    ------
    InputError
        When the rate is not a number above 0.
    """
    if not 0.0 < fps < math.inf:
        raise InputError(f"fps {fps} must be a number above 0")
    return max(1, round(fps / (settings or FlowSettings()).frame_rate))


def pair_magnitudes(first: Frames, second: Frames, settings: FlowSettings | None = None) -> Floats:
    """Return flow magnitudes from ``first`` to ``second``, 0 where nothing can be seen to move.

    Parameters
    ----------
    first, second
        (height, width, 3), uint8, RGB.

    Returns
    -------
    numpy.ndarray
        float32, in pixels of the frames as given; one value a pixel of the enlarged frames where they are small.
    """
    settings = settings or FlowSettings()
    enlarged = max(1, math.ceil(settings.least_side / min(first.shape[:2])))
    one, other = (_grey(frame, enlarged) for frame in (first, second))
    flow = _flow(settings.method)
    there, back = flow(one, other), flow(other, one)
    seen = _has_gradient(one, settings) & consistent(there, back, settings)
    magnitudes: Floats = np.where(seen, np.hypot(there[..., 0], there[..., 1]) / enlarged, 0.0).astype(np.float32)
    return magnitudes


def dense_flow(first: Frames, second: Frames, settings: FlowSettings | None = None) -> Floats:
    """Return the flow from ``first`` to ``second``, unmasked, float32 (height, width, 2), x and y in pixels."""
    settings = settings or FlowSettings()
    enlarged = max(1, math.ceil(settings.least_side / min(first.shape[:2])))
    flow = _flow(settings.method)(_grey(first, enlarged), _grey(second, enlarged))
    if enlarged > 1:
        flow = _float32(cv2.resize(flow, first.shape[1::-1], interpolation=cv2.INTER_AREA)) / enlarged
    return flow


def consistent(there: Floats, back: Floats, settings: FlowSettings | None = None) -> npt.NDArray[np.bool_]:
    """Return where following ``there`` and then ``back`` leads home, (height, width)."""
    share, floor = (settings or FlowSettings()).consistency
    y, x = np.indices(there.shape[:2], dtype=np.float32)
    met = _float32(
        cv2.remap(back, x + there[..., 0], y + there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )
    apart = ((there + met) ** 2).sum(axis=-1)
    agree: npt.NDArray[np.bool_] = apart < share * ((there**2).sum(axis=-1) + (met**2).sum(axis=-1)) + floor
    return agree


def top_mean(magnitudes: Floats, share: float = 0.05) -> float:
    """Return the mean of the largest ``share`` of the magnitudes, at least of one."""
    count = max(1, int(share * magnitudes.size))
    return float(np.partition(magnitudes.ravel(), -count)[-count:].mean(dtype=np.float64))


def _grey(frame: Frames, enlarged: int) -> Frames:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if enlarged > 1:
        grey = cv2.resize(grey, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
    return np.asarray(grey, dtype=np.uint8)


def _flow(method: FlowMethod) -> _Flow:
    if method == "dis":
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        return lambda one, other: _float32(dis.calc(one, other, None))  # type: ignore[call-overload]
    return lambda one, other: _float32(
        cv2.calcOpticalFlowFarneback(one, other, None, 0.5, 5, 21, 3, 7, 1.5, 0)  # type: ignore[call-overload]
    )


def _float32(flow: object) -> Floats:
    return np.asarray(flow, dtype=np.float32)


def _has_gradient(grey: Frames, settings: FlowSettings) -> npt.NDArray[np.bool_]:
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), settings.gradient_blur)
    # An eighth of Sobel's kernel is the derivative.
    x, y = (_float32(cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3, scale=0.125)) for order in ((1, 0), (0, 1)))
    window = (settings.gradient_window, settings.gradient_window)
    energy = _float32(cv2.boxFilter(x * x + y * y, -1, window))
    return energy > settings.least_gradient**2


@lru_cache(maxsize=2)
def _motion(clip: Clip, method: FlowMethod) -> Motion:
    """Return the motion of a clip; several metrics of one clip ask for the same."""
    return measure_motion(clip.frames, fps=clip.fps, settings=FlowSettings(method=method))


TOO_SHORT: Final = "the video is too short for two frames at the rate compared"


def _flow_mean(method: FlowMethod) -> Measure:
    def measure(clip: Clip) -> Measurement:
        motion = _motion(clip, method)
        return Measurement(motion.mean) if motion.top_means.size else without(TOO_SHORT)

    return measure


def _relative(clip: Clip) -> Measurement:
    motion = _motion(clip, "dis")
    return Measurement(motion.relative) if motion.top_means.size else without(TOO_SHORT)


def _dynamic(method: FlowMethod) -> Measure:
    def measure(clip: Clip) -> Measurement:
        motion = _motion(clip, method)
        return Measurement(float(motion.dynamic)) if motion.top_means.size else without(TOO_SHORT)

    return measure


_DEFAULT: Final = FlowSettings()
_KIND: Final = {"dis": "OpenCV DIS medium", "farneback": "OpenCV Farneback, 5 levels, window 21 px"}


def _settings(method: FlowMethod) -> str:
    return (
        f"largest {_DEFAULT.top_share:.0%} of {_KIND[method]}, mean over pairs, about "
        f"{_DEFAULT.frame_rate:g} frames a second, sides from {_DEFAULT.least_side} px, gradient from "
        f"{_DEFAULT.least_gradient:g} levels a pixel, forward-backward consistent"
    )


def _rule(method: FlowMethod) -> str:
    return (
        f"1 where the largest {_DEFAULT.top_share:.0%} of {_KIND[method]} exceed 6 px per 256 px of the short side in "
        "a quarter of the pairs of 16 frames; stride, share, threshold and count are VBench's, the flow is not: its "
        "threshold is not calibrated for it"
    )


METRICS: Final = (
    Metric(
        name="optical_flow",
        long_name="optical flow, uncalibrated",
        units="px",
        calibrated=False,
        settings=_settings("dis"),
        load=plain(_flow_mean("dis")),
    ),
    Metric(
        name="optical_flow_farneback",
        long_name="optical flow by Farneback, uncalibrated",
        units="px",
        calibrated=False,
        settings=_settings("farneback"),
        load=plain(_flow_mean("farneback")),
    ),
    Metric(
        name="motion_relative",
        long_name="optical flow over the short side, uncalibrated",
        units="1",
        calibrated=False,
        settings=_settings("dis") + "; divided by the shorter of height and width",
        load=plain(_relative),
    ),
    Metric(
        name="dynamic_dis",
        long_name="moves, by DIS flow, uncalibrated",
        units="1",
        calibrated=False,
        settings=_rule("dis"),
        load=plain(_dynamic("dis")),
    ),
    Metric(
        name="dynamic_farneback",
        long_name="moves, by Farneback flow, uncalibrated",
        units="1",
        calibrated=False,
        settings=_rule("farneback"),
        load=plain(_dynamic("farneback")),
    ),
)
