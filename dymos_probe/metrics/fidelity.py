"""How well the reference image is kept through a video: PSNR and SSIM of every frame against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dymos_probe.errors import InputError
from dymos_probe.metrics.metric import Clip, Frames, Measurement, Metric, plain, without

Curve = npt.NDArray[np.float64]

LEAST_SQUARE: Final = 1.0 / 12.0
"""Squared levels: the mean error of rounding to 8 bits. Below it a PSNR says nothing, and without it equal frames
have an infinite one that no mean survives."""

_LEVELS: Final = 255.0
_SIGMA: Final = 1.5
_WINDOW: Final = 11
_C1, _C2 = (0.01 * _LEVELS) ** 2, (0.03 * _LEVELS) ** 2


def psnr_curve(video: Frames, reference: Frames) -> Curve:
    """Return the peak signal-to-noise ratio of every frame against the reference image, (frames,), dB.

    10·log₁₀(255² / MSE), MSE over pixels and channels and at least 1/12 squared level, so at most 58.9 dB.

    Parameters
    ----------
    video
        (frames, height, width, 3), uint8.
    reference
        (height, width, 3), uint8.

    Raises
    ------
    InputError
        When they differ in size.
    """
    _check(video, reference)
    image = reference.astype(np.float64)
    errors = np.array([np.square(frame - image).mean() for frame in video])
    curve: Curve = 10.0 * np.log10(_LEVELS**2 / np.maximum(errors, LEAST_SQUARE))
    return curve


def ssim_curve(video: Frames, reference: Frames) -> Curve:
    """Return the structural similarity of every frame to the reference image, (frames,), at most 1.

    Wang et al. 2004 (https://doi.org/10.1109/TIP.2003.819861): a Gaussian window of 11×11 pixels with σ = 1.5,
    K₁ = 0.01, K₂ = 0.03, population variances; mean over channels and over windows that lie inside the frame.

    Parameters
    ----------
    video
        (frames, height, width, 3), uint8, sides of at least 11 pixels.
    reference
        (height, width, 3), uint8.

    Raises
    ------
    InputError
        When they differ in size, or are smaller than the window.
    """
    _check(video, reference)
    if min(reference.shape[:2]) < _WINDOW:
        raise InputError(
            f"frames of {reference.shape[1]}×{reference.shape[0]} have no SSIM; its window is {_WINDOW}×{_WINDOW}"
        )
    image = reference.astype(np.float64)
    mean = _smooth(image)
    variance = _smooth(image * image) - mean * mean
    return np.array([_ssim(frame.astype(np.float64), image, mean, variance) for frame in video])


def _ssim(frame: Curve, image: Curve, image_mean: Curve, image_variance: Curve) -> float:
    mean = _smooth(frame)
    variance = _smooth(frame * frame) - mean * mean
    covariance = _smooth(frame * image) - mean * image_mean
    same_light = (2.0 * mean * image_mean + _C1) / (mean * mean + image_mean * image_mean + _C1)
    same_structure = (2.0 * covariance + _C2) / (variance + image_variance + _C2)
    return float((same_light * same_structure).mean())


def _smooth(image: Curve) -> Curve:
    edge = _WINDOW // 2
    smooth = np.asarray(cv2.GaussianBlur(image, (_WINDOW, _WINDOW), _SIGMA), dtype=np.float64)
    return smooth[edge:-edge, edge:-edge]


def _check(video: Frames, reference: Frames) -> None:
    if video.shape[1:] != reference.shape:
        raise InputError(f"frames of shape {video.shape[1:]} and a reference of {reference.shape} must have one size")


def _mean_of(curve: Callable[[Frames, Frames], Curve], least_side: int) -> Callable[[Clip], Measurement]:
    def measure(clip: Clip) -> Measurement:
        if clip.reference is None:
            return without("the sample has no reference image")
        height, width = clip.reference.shape[:2]
        # A file of H.264 has even sides: the last row or column of an odd frame is there twice.
        if clip.frames.shape[1:3] not in ((height, width), (height + height % 2, width + width % 2)):
            return without("the reference image has another size than the video")
        if min(height, width) < least_side:
            return without(f"the frames are smaller than {least_side} px")
        return Measurement(float(curve(clip.frames[:, :height, :width], clip.reference).mean()))

    return measure


METRICS: Final = (
    Metric(
        name="psnr_to_reference",
        long_name="PSNR to the reference image",
        units="dB",
        calibrated=True,
        settings="mean over frames, squared error at least 1/12 level²: at most 58.9 dB",
        load=plain(_mean_of(psnr_curve, 1)),
    ),
    Metric(
        name="ssim_to_reference",
        long_name="SSIM to the reference image",
        units="1",
        calibrated=True,
        settings="Wang et al. 2004, Gaussian window of 11 px, mean over channels and frames",
        load=plain(_mean_of(ssim_curve, _WINDOW)),
    ),
)
