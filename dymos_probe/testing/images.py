"""A reference image no other seed has."""

from __future__ import annotations

import numpy as np
from PIL import Image


def reference_image(height: int, width: int, *, seed: int = 0) -> Image.Image:
    """RGB image of ``height`` by ``width`` pixels: a coloured gradient with one bright square.

    Colours, direction and position follow from ``seed``.
    """
    rng = np.random.default_rng(seed)
    low, high = rng.uniform(0, 255, (2, 3))
    rows, columns = np.mgrid[0:1:height * 1j, 0:1:width * 1j]  # fmt: skip
    angle = rng.uniform(0, np.pi / 2)
    ramp = (np.cos(angle) * rows + np.sin(angle) * columns) / (np.cos(angle) + np.sin(angle))
    pixels = low + (high - low) * ramp[..., None]
    side = min(height, width) // 3
    top, left = rng.integers(0, height - side), rng.integers(0, width - side)
    pixels[top : top + side, left : left + side] = rng.uniform(0, 255, 3)
    return Image.fromarray(pixels.round().astype(np.uint8))
