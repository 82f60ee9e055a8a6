"""What the kernels are held against: PyTorch's attention, and the N×N matrix one would write without a library."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from dymos_kernels.benchmark.clock import seconds
from dymos_kernels.layout import FrameLayout

CUDA_BACKENDS = (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION)
TRIES = 5


def sdpa(q: Tensor, k: Tensor, v: Tensor, key_mask: Tensor | None, backend: SDPBackend | None = None) -> Tensor:
    """Return plain attention by one of PyTorch's back ends, or by the one PyTorch takes."""
    mask = None if key_mask is None else key_mask[:, None, None, :]
    with nullcontext() if backend is None else sdpa_kernel(backend):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def fastest_sdpa(
    q: Tensor, k: Tensor, v: Tensor, key_mask: Tensor | None, device: str
) -> tuple[str, Callable[[], Tensor]]:
    """Return the name of the fastest back end for these tensors, and plain attention by it."""
    if device == "cpu":
        return "cpu", partial(sdpa, q, k, v, key_mask)
    times: dict[SDPBackend, float] = {}
    for backend in CUDA_BACKENDS:
        try:
            sdpa(q, k, v, key_mask, backend)
        except RuntimeError:  # this back end does not take these tensors
            continue
        call = partial(sdpa, q, k, v, key_mask, backend)
        times[backend] = min(seconds(call, device) for _ in range(TRIES))
    best = min(times, key=times.__getitem__)
    return best.name.removesuffix("_ATTENTION").lower(), partial(sdpa, q, k, v, key_mask, best)


def eager(
    q: Tensor, k: Tensor, v: Tensor, layout: FrameLayout, bias: Tensor, key_mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return biased attention (B, H, N, D) and frame mass (B, H, F, F) through the whole N×N matrix in float32."""
    logits = (q @ k.mT).float() * q.shape[-1] ** -0.5
    first, last = layout.span(0)
    logits[..., first:last] -= layout.sequence_rows(bias, q.shape[2]).unsqueeze(-1)
    if key_mask is not None:
        logits.masked_fill_(~key_mask[:, None, None, :], -torch.inf)
    weights = torch.softmax(logits, -1)
    video = weights[..., layout.start : layout.stop, layout.start : layout.stop]
    shape = (*video.shape[:2], layout.frames, layout.tokens, layout.frames, layout.tokens)
    return weights.to(v.dtype) @ v, video.reshape(shape).sum(-1).mean(3)
