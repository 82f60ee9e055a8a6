"""Whether the kernels compute rightly on this machine, by comparison with their own specification."""

from __future__ import annotations

import torch

import dymos_kernels


def kernel_errors(device: str = "cpu") -> dict[str, float]:
    """Return the largest error of output and mass of each implementation that needs no compiling."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 2, 40, 16, generator=generator).to(device)
    layout = dymos_kernels.FrameLayout(frames=3, tokens=12, start=4)
    bias = torch.tensor([0.0, 0.6, -0.6], device=device).expand(1, 2, 3)
    out, mass = dymos_kernels.attention_with_mass(q, k, v, layout, bias, impl="reference")
    errors: dict[str, float] = {}
    # FlexAttention would compile for half a minute.
    for name in (each for each in dymos_kernels.implementations(device) if each != "flex"):
        got, got_mass = dymos_kernels.attention_with_mass(q, k, v, layout, bias, impl=name)
        errors[name] = max(float((got - out).abs().max()), float((got_mass.mass - mass.mass).abs().max()))
    return errors
