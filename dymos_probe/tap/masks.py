"""Attention masks of padding, read as which keys and which queries are real tokens."""

from __future__ import annotations

from typing import NamedTuple

import torch

from dymos_probe.errors import TapError

_ROWS_AT_ONCE = 1024


class Padding(NamedTuple):
    """Which tokens of a sequence are real; None where all are."""

    keys: torch.Tensor | None
    """(B, N) bool, True where the key may be attended."""
    queries: torch.Tensor | None
    """(B, N) bool, False where the query row is masked as a whole; its output is zero."""


def read_padding(mask: torch.Tensor | None, *, batch: int, length: int, video_start: int) -> Padding:
    """Return the padding that an ``attn_mask`` means.

    Parameters
    ----------
    mask
        None, or bool or additive (0 and −inf), broadcastable to (B, heads, N, N): keys masked for every
        query (B, 1, 1, N), or keys and queries masked alike (B, 1, N, N).
    batch, length, video_start
        B, N and the index of the first video token, whose row shows the keys that are real.

    Raises
    ------
    TapError
        When the mask is anything but padding, because the frame mass would not be that of Eq. 8.
    """
    if mask is None:
        return Padding(None, None)
    allowed = mask if mask.dtype == torch.bool else mask == 0
    if mask.dtype != torch.bool and not bool((allowed | (mask == float("-inf"))).all()):
        raise TapError("self-attention has an additive mask with values other than 0 and -inf; only padding is known")
    while allowed.ndim < 4:
        allowed = allowed.unsqueeze(0)
    if allowed.shape[1] != 1 or allowed.shape[-1] != length:
        raise TapError(
            f"self-attention has a mask of shape {tuple(mask.shape)} for {length} tokens; only padding is known"
        )
    rows = allowed.shape[2]
    keys = allowed[:, 0, video_start if rows > 1 else 0].expand(batch, length)
    if rows == 1:
        return Padding(keys, None)
    queries = allowed[:, 0, :, video_start].expand(batch, length)
    for start in range(0, length, _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        if not torch.equal(allowed[:, 0, some].expand(batch, -1, -1), queries[:, some, None] & keys[:, None, :]):
            raise TapError("self-attention has a mask that differs between queries; only padding is known")
    return Padding(keys, queries)
