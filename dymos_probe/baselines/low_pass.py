"""The low-pass filters of ALG, each over the last two dims of a tensor: every latent plane for itself.

They compute in float32 and return the type they were given, since bilinear weights of a small plane lose
much in bfloat16. Formulas as in https://github.com/choi403/ALG.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from dymos_probe.errors import InputError


def down_up(planes: torch.Tensor, factor: float) -> torch.Tensor:
    """Return ``planes`` (..., H, W) resized to round(r·H) × round(r·W), at least 1 × 1, and back.

    Both ways bilinear, antialiased, ``align_corners=False``; r = ``factor`` in (0, 1], and 1 is the identity.
    """
    height, width = planes.shape[-2:]
    small = max(1, round(factor * height)), max(1, round(factor * width))
    if small == (height, width):
        return planes
    flat = planes.float().reshape(-1, 1, height, width)
    for rows, columns in (small, (height, width)):
        # Always along the last axis: along the other torch 2.13 is wrong where there is one column.
        flat = _resized(_resized(flat, columns).mT.contiguous(), rows).mT.contiguous()
    return flat.reshape(planes.shape).to(planes.dtype)


def _resized(planes: torch.Tensor, columns: int) -> torch.Tensor:
    size = planes.shape[-2], columns
    return F.interpolate(planes, size=size, mode="bilinear", align_corners=False, antialias=True)


def gaussian_blur(planes: torch.Tensor, sigma: float, kernel_size: int) -> torch.Tensor:
    """Return ``planes`` (..., H, W) under a normalised Gaussian of ``sigma`` latent pixels on a square kernel.

    σ = 0 is the identity. Beyond its edges the plane goes on as its mirror image, the edge itself not repeated:
    ALG's formulas leave that open, and this is what torchvision's ``gaussian_blur`` does.

    Raises
    ------
    InputError
        When half the kernel does not fit into the plane.
    """
    height, width = planes.shape[-2:]
    radius = kernel_size // 2
    if radius >= min(height, width):
        raise InputError(
            f"blur_kernel_size {kernel_size} does not fit latents of {height}×{width}; "
            f"at most {2 * min(height, width) - 1} does"
        )
    if sigma == 0.0 or radius == 0:
        return planes
    offsets = torch.arange(-radius, radius + 1, device=planes.device, dtype=torch.float32)
    weights = torch.softmax(-0.5 * (offsets / sigma) ** 2, dim=0)
    flat = F.pad(planes.float().reshape(-1, 1, height, width), (radius,) * 4, mode="reflect")
    flat = F.conv2d(F.conv2d(flat, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
    return flat.reshape(planes.shape).to(planes.dtype)


def odd_kernel_size(size: int | float, height: int) -> int:
    """Return the side of a blur kernel: ``size`` itself, or that fraction of the plane's ``height``, rounded down.

    An even side becomes the odd one above.
    """
    whole = size if isinstance(size, int) else int(size * height)
    return whole if whole % 2 else whole + 1
