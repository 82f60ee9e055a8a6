"""The filters against float64 matrices, scipy and torch's own resize, on planes of odd and even sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from dymos_probe.baselines import ALG
from dymos_probe.baselines.low_pass import odd_kernel_size
from dymos_probe.errors import InputError

SIDES = st.integers(4, 13)


def planes(height, width, seed=0):
    return torch.randn((2, 3, height, width), generator=torch.Generator().manual_seed(seed))


def resize_matrix(old, new):
    """Antialiased bilinear resize of a line, from its definition: a triangle as wide as a pixel of the coarser grid."""
    scale = old / new
    wide = max(scale, 1.0)
    centres = (np.arange(new) + 0.5) * scale
    weights = np.clip(1.0 - np.abs(np.arange(old) + 0.5 - centres[:, None]) / wide, 0.0, None)
    return weights / weights.sum(axis=1, keepdims=True)


def low_pass(given, weight=1.0, **settings):
    return ALG(interval_end=0.2, **settings).low_pass(given, weight)


@given(SIDES, SIDES, st.sampled_from([0.1, 0.25, 0.4, 0.625, 0.9]), st.sampled_from([1.0, 0.5, 0.1]))
@example(6, 4, 0.25, 1.0)  # to 2 × 1, where torch's own resize of both axes at once is wrong
def test_down_up_is_the_antialiased_resize_there_and_back(height, width, factor, weight):
    r = 1.0 - (1.0 - factor) * weight
    there_and_back = []
    for side in (height, width):
        small = max(1, round(r * side))
        there_and_back.append(resize_matrix(small, side) @ resize_matrix(side, small))
    given = planes(height, width)
    expected = there_and_back[0] @ given.double().numpy() @ there_and_back[1].T
    np.testing.assert_allclose(low_pass(given, weight, resize_factor=factor), expected, atol=1e-5)


def test_down_up_is_torchs_own_resize_of_every_plane():
    given = planes(60, 90)
    small = F.interpolate(given[0, :1, None], size=(15, 22), mode="bilinear", antialias=True, align_corners=False)
    back = F.interpolate(small, size=(60, 90), mode="bilinear", antialias=True, align_corners=False)
    # 0.25 · 90 = 22.5 rounds to the even 22, as Python does
    torch.testing.assert_close(low_pass(given, resize_factor=0.25)[0, :1], back[:, 0])


@given(SIDES, SIDES, st.floats(0.2, 3.0), st.sampled_from([1, 2, 3, 5, 6]), st.sampled_from([1.0, 0.3]))
def test_blur_is_scipys_gaussian_over_mirrored_edges(height, width, sigma, size, weight):
    radius = size // 2  # an even side becomes the odd one above
    given = planes(height, width)
    if radius >= min(height, width):
        return
    expected = (
        gaussian_filter(given.double().numpy(), sigma * weight, mode="mirror", radius=(0, 0, radius, radius), axes=None)
        if radius
        else given.double().numpy()
    )
    found = low_pass(given, weight, filter="gaussian_blur", blur_sigma=sigma, blur_kernel_size=size)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_kernel_is_pixels_or_a_fraction_of_the_height_and_odd():
    assert [odd_kernel_size(size, 60) for size in (1, 4, 9, 0.05, 0.1, 0.01, 0.5)] == [1, 5, 9, 3, 7, 1, 31]


def test_a_kernel_that_does_not_fit_is_refused_with_the_largest_that_does():
    with pytest.raises(InputError, match="blur_kernel_size 9 does not fit latents of 4×6; at most 7 does"):
        low_pass(planes(4, 6), filter="gaussian_blur", blur_sigma=1.0, blur_kernel_size=9)
    low_pass(planes(4, 6), filter="gaussian_blur", blur_sigma=1.0, blur_kernel_size=7)


@pytest.mark.parametrize(
    "settings", [{"resize_factor": 0.3}, {"filter": "gaussian_blur", "blur_sigma": 2.0, "blur_kernel_size": 5}]
)
def test_a_filter_keeps_constants_and_types_and_takes_the_plane_alone(settings):
    given = planes(8, 12)
    found = low_pass(given, **settings)
    assert found.shape == given.shape and found.std() < 0.8 * given.std()
    torch.testing.assert_close(low_pass(torch.full((1, 8, 12), 3.0), **settings), torch.full((1, 8, 12), 3.0))
    torch.testing.assert_close(low_pass(given[1, 2], **settings), found[1, 2])
    half = low_pass(given.bfloat16(), **settings)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half, low_pass(given.bfloat16().float(), **settings).bfloat16())
