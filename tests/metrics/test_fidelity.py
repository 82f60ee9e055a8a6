"""PSNR and SSIM are those of the definitions, summed out pixel by pixel in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.metrics.fidelity import METRICS, psnr_curve, ssim_curve
from dymos_probe.metrics.metric import Clip, resources

RNG = np.random.default_rng(3)
IMAGE = RNG.integers(0, 256, (17, 15, 3), dtype=np.uint8)
VIDEO = np.stack(
    [
        IMAGE,
        np.clip(IMAGE + RNG.normal(0, 20, IMAGE.shape), 0, 255).astype(np.uint8),
        RNG.integers(0, 256, IMAGE.shape, dtype=np.uint8),
    ]
)


def ssim_by_definition(frame: np.ndarray, image: np.ndarray) -> float:
    """Eq. 13 of Wang et al. 2004 in every whole 11×11 window, as weighted sums of centred values."""
    offsets = np.arange(11) - 5
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for channel in range(3):
        for top in range(frame.shape[0] - 10):
            for left in range(frame.shape[1] - 10):
                x, y = (part[top : top + 11, left : left + 11, channel].astype(np.float64) for part in (frame, image))
                mx, my = (window * x).sum(), (window * y).sum()
                vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
                cov = (window * (x - mx) * (y - my)).sum()
                values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(values))


def value(name: str, **about: object) -> object:
    metric = next(metric for metric in METRICS if metric.name == name)
    return metric.prepare(resources()).measure(Clip(**({"frames": VIDEO, "fps": 8.0, "reference": IMAGE} | about)))


def test_ssim_is_the_definition_in_every_window() -> None:
    expected = [ssim_by_definition(frame, IMAGE) for frame in VIDEO]
    np.testing.assert_allclose(ssim_curve(VIDEO, IMAGE), expected, rtol=1e-9)
    assert expected[0] == pytest.approx(1.0) and expected[0] > expected[1] > expected[2]


def test_psnr_is_the_definition_and_equal_frames_have_that_of_rounding() -> None:
    errors = ((VIDEO[1:].astype(np.float64) - IMAGE) ** 2).mean(axis=(1, 2, 3))
    curve = psnr_curve(VIDEO, IMAGE)
    np.testing.assert_allclose(curve[1:], 20 * np.log10(255) - 10 * np.log10(errors), rtol=1e-12)
    assert curve[0] == pytest.approx(10 * math.log10(255**2 * 12)) and curve.argmax() == 0


@pytest.mark.parametrize(("name", "curve"), [("psnr_to_reference", psnr_curve), ("ssim_to_reference", ssim_curve)])
def test_the_metric_is_the_mean_of_the_curve(name, curve) -> None:
    assert value(name).value == pytest.approx(curve(VIDEO, IMAGE).mean())


def test_an_odd_frame_is_compared_without_the_row_and_column_that_coding_added() -> None:
    coded = np.pad(VIDEO, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")
    for name in ("psnr_to_reference", "ssim_to_reference"):
        assert value(name, frames=coded).value == value(name).value


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"reference": None}, "no reference image"),
        ({"reference": IMAGE[:-2]}, "another size"),
        ({"reference": IMAGE[1:]}, "another size"),
        ({"frames": VIDEO[:, :10], "reference": IMAGE[:10]}, "smaller than 11 px"),
    ],
)
def test_what_cannot_be_compared_says_why(about, why) -> None:
    found = value("ssim_to_reference", **about)
    assert math.isnan(found.value) and why in found.why


def test_curves_of_two_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="one size"):
        psnr_curve(VIDEO, IMAGE[:-1])
    with pytest.raises(InputError, match="window is 11×11"):
        ssim_curve(VIDEO[:, :10], IMAGE[:10])
