"""One attention problem as a checked value, which every implementation takes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dymos_kernels.layout import FrameLayout

DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Checked inputs of one attention call."""

    q: Tensor
    """(B, H, N, D)."""
    k: Tensor
    """(B, H, N, D)."""
    v: Tensor
    """(B, H, N, Dv)."""
    layout: FrameLayout
    bias: Tensor | None
    """(B|1, H|1, F): what the key frame's scaled logits lose, by query frame."""
    responses: Tensor | None
    """(L, B|1, H|1, F): biases whose masses are wanted of the unbiased attention; then ``bias`` is None."""
    key_frame: int
    key_mask: Tensor | None
    """(B, N) bool, True where a key may be attended; None when that is everywhere."""
    scale: float

    @property
    def length(self) -> int:
        """Number of tokens N."""
        return self.q.shape[2]


def check(
    q: Tensor,
    k: Tensor,
    v: Tensor | None,
    layout: FrameLayout,
    bias: Tensor | None,
    key_frame: int,
    key_mask: Tensor | None,
    scale: float | None,
    responses: Tensor | None = None,
) -> Problem:
    """Return the problem these arguments state; without ``v`` the keys stand in for it.

    Raises
    ------
    ValueError
        When shapes, dtypes, devices or indices do not fit together, when a video key is masked,
        or when the bias leaves a query without any key.
    RuntimeError
        When a gradient is asked for.
    """
    v = k if v is None else v
    _check_tensors(q, k, v)
    length = q.shape[2]
    if layout.stop > length:
        raise ValueError(f"{layout} ends at token {layout.stop}, but the sequence has {length}")
    if not 0 <= key_frame < layout.frames:
        raise ValueError(f"key_frame is {key_frame}, the layout has frames 0 to {layout.frames - 1}")
    if key_mask is not None:
        key_mask = _checked_mask(key_mask, q, layout)
    if bias is not None:
        _check_bias("bias", bias, q, layout, key_mask)
    if responses is not None:
        if responses.dim() != 4 or not responses.shape[0]:
            raise ValueError(f"responses must be (L, B or 1, H or 1, F) with L >= 1, got {tuple(responses.shape)}")
        for each in responses:
            _check_bias("a response", each, q, layout, key_mask)
    if bias is not None and layout.tokens == length:
        bias = None  # The key frame is all there is: shifting all logits of a row changes nothing.
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (q, k, v, bias, responses)):
        raise RuntimeError(
            "this attention is forward only, but an input requires a gradient; call it in torch.no_grad()"
        )
    return Problem(
        q=q,
        k=k,
        v=v,
        layout=layout,
        bias=bias,
        responses=responses,
        key_frame=key_frame,
        key_mask=key_mask,
        scale=q.shape[-1] ** -0.5 if scale is None else float(scale),
    )


def _check_tensors(q: Tensor, k: Tensor, v: Tensor) -> None:
    """Refuse tensors that are not one self-attention over B, H and N."""
    if q.dim() != 4 or q.shape != k.shape or v.dim() != 4 or v.shape[:3] != q.shape[:3]:
        raise ValueError(
            "q and k must be (B, H, N, D) and v (B, H, N, Dv), "
            f"got q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}"
        )
    # The CPU flash op divides by these sizes and ends the process when one is 0.
    if not q.numel() or not v.numel():
        raise ValueError(f"q, k and v must not be empty, got q {tuple(q.shape)}, v {tuple(v.shape)}")
    if q.dtype not in DTYPES or q.dtype != k.dtype or q.dtype != v.dtype:
        raise ValueError(f"q, k and v must share one floating dtype, got {q.dtype}, {k.dtype}, {v.dtype}")
    if q.device != k.device or q.device != v.device:
        raise ValueError(f"q, k and v must be on one device, got {q.device}, {k.device}, {v.device}")


def _checked_mask(key_mask: Tensor, q: Tensor, layout: FrameLayout) -> Tensor | None:
    """Return the key mask, or None when it masks nothing."""
    shape = (q.shape[0], q.shape[2])
    if key_mask.dtype != torch.bool or key_mask.shape != shape or key_mask.device != q.device:
        raise ValueError(
            f"key_mask must be bool {shape} on {q.device}, "
            f"got {key_mask.dtype} {tuple(key_mask.shape)} on {key_mask.device}"
        )
    if key_mask.all():
        return None
    if not key_mask[:, layout.start : layout.stop].all():
        raise ValueError(
            f"key_mask masks video keys, {layout.start} to {layout.stop - 1}; only text keys may be masked"
        )
    return key_mask


def _check_bias(name: str, bias: Tensor, q: Tensor, layout: FrameLayout, key_mask: Tensor | None) -> None:
    """Refuse a table that does not fit, or that leaves a query without any key."""
    batch, heads, length, _ = q.shape
    fits = bias.dim() == 3 and bias.shape[0] in (1, batch) and bias.shape[1] in (1, heads)
    if not fits or bias.shape[2] != layout.frames:
        raise ValueError(f"{name} must be ({batch} or 1, {heads} or 1, {layout.frames}), got {tuple(bias.shape)}")
    if not bias.is_floating_point() or bias.device != q.device:
        raise ValueError(f"{name} must be floating point on {q.device}, got {bias.dtype} on {bias.device}")
    if layout.frames > 1:
        return
    text = torch.ones(batch, length, dtype=torch.bool, device=q.device) if key_mask is None else key_mask.clone()
    text[:, layout.start : layout.stop] = False
    if (bias.isposinf().any(dim=(1, 2)) & ~text.any(dim=1)).any():
        raise ValueError(f"{name} +inf removes the only frame and there is no text left to attend; give a finite bias")
