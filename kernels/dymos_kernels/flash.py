"""The platform's fused attention with log-sum-exp, as one function over a run of keys.

PyTorch's public ``scaled_dot_product_attention`` keeps the log-sum-exp to itself; the aten
operators behind it return it. Their differences are settled here.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend


def runs_on(device: torch.device) -> bool:
    """Return whether this PyTorch has the operators for ``device``."""
    on_cpu = hasattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu")
    return device.type == "cuda" or (device.type == "cpu" and on_cpu)


def aligned(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return q, k, v with one head size the operators take, zero-padded, and contiguous channels.

    Zero channels change no logit as long as the caller gives the scale. The CPU operator wants
    D = Dv and reads channels with another stride than 1 as if it were 1; CUDA wants multiples of 8.
    """
    width = max(q.shape[-1], v.shape[-1])
    if q.device.type == "cuda":
        width += -width % 8
    padded = (t if t.shape[-1] == width else F.pad(t, (0, width - t.shape[-1])) for t in (q, k, v))
    q, k, v = (t if t.stride(-1) == 1 else t.contiguous() for t in padded)
    return q, k, v


def with_lse(q: Tensor, k: Tensor, v: Tensor, scale: float, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return softmax attention of all queries over the keys given, and its log-sum-exp.

    Parameters
    ----------
    q, k, v
        (B, H, n, D), (B, H, m, D), (B, H, m, D) from ``aligned``, m ≥ 1.
    scale
        Factor on the logits.
    allowed
        (B, m) bool, True where a key may be attended, at least one in every row: the CPU
        operator gives a row without keys the log-sum-exp 0.

    Returns
    -------
    tuple of Tensor
        (B, H, n, D) in the dtype of ``v``; (B, H, n), natural logarithm, float32 (float64 for float64).
    """
    if q.device.type == "cpu":
        mask = None if allowed is None else _additive(allowed, q)
        out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, attn_mask=mask, scale=scale)
        return out, lse
    if allowed is None:
        return _as_pytorch_would(q, k, v, scale)
    mask = _additive(allowed, q).expand(*q.shape[:3], k.shape[2])
    return _efficient(q, k, v, scale, mask)


def _as_pytorch_would(q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Return output and log-sum-exp of the CUDA operator that ``scaled_dot_product_attention`` takes for these tensors.

    PyTorch puts cuDNN first on Hopper and Blackwell, from the version on that is right for key
    counts that are no multiple of 128, and knows each operator's limits; it also obeys
    ``torch.nn.attention.sdpa_kernel``. Timing the operators here would make results depend on
    which was faster that day. Never run on a GPU.
    https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/transformers/cuda/sdp_utils.cpp
    """
    ops = torch.ops.aten
    choice = torch._fused_sdp_choice(q, k, v, scale=scale)
    if choice == SDPBackend.CUDNN_ATTENTION.value:
        out, lse, *_ = ops._scaled_dot_product_cudnn_attention(q, k, v, None, True, scale=scale)
        return out, lse.squeeze(-1)
    if choice == SDPBackend.FLASH_ATTENTION.value:
        out, lse, *_ = ops._scaled_dot_product_flash_attention(q, k, v, scale=scale)
        return out, lse
    return _efficient(q, k, v, scale, None)


def _efficient(q: Tensor, k: Tensor, v: Tensor, scale: float, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    out, lse, *_ = torch.ops.aten._scaled_dot_product_efficient_attention(q, k, v, mask, True, scale=scale)
    # This operator pads the rows of the log-sum-exp to a multiple of 32.
    return out, lse[..., : q.shape[2]]


def _additive(allowed: Tensor, q: Tensor) -> Tensor:
    """Return 0 where ``allowed`` and -inf elsewhere, (B, 1, 1, m) in the dtype of ``q``."""
    batch, keys = allowed.shape
    # CUDA reads the mask in aligned groups of 16: the storage is padded, the view is not.
    storage = torch.zeros(batch, 1, 1, keys + -keys % 16, dtype=q.dtype, device=q.device)
    mask = storage[..., :keys]
    return mask.masked_fill_(~allowed[:, None, None, :], -torch.inf)
