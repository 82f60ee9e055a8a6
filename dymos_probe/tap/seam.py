"""The one seam: ``torch.nn.functional.scaled_dot_product_attention``, replaced while a tap is open.

Every family ends there, with (B, heads, N, D) tensors. The replacement is global to the process,
hence one tap at a time; calls from outside a tapped self-attention module run the original.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from dymos_probe.errors import TapError

Attention = Callable[..., torch.Tensor]

_open = threading.Lock()


@dataclass(frozen=True)
class Call:
    """One attention call as the model made it, with the function it would have run."""

    query: torch.Tensor
    """(B, heads, N, D)."""
    key: torch.Tensor
    """(B, heads, N, D)."""
    value: torch.Tensor
    """(B, heads, N, D)."""
    mask: torch.Tensor | None
    """``attn_mask`` as given."""
    scale: float | None
    """``scale`` as given; None means D ** -0.5."""
    run: Callable[[], torch.Tensor]
    """Runs the model's own attention with its own arguments."""


class Seam:
    """Opens and closes the replacement; ``handler`` gets every :class:`Call`, or declines with None."""

    def __init__(self, handler: Callable[[Call], torch.Tensor | None]) -> None:
        self._handler = handler
        self._original: Attention | None = None

    def open(self) -> None:
        """Replace the attention function.

        Raises
        ------
        TapError
            When another tap is open in this process.
        """
        if not _open.acquire(blocking=False):
            raise TapError("another tap is open in this process; leave its `with` block before attaching a second one")
        self._original = original = F.scaled_dot_product_attention

        @torch.compiler.disable
        def tapped(
            query: torch.Tensor,
            key: torch.Tensor,
            value: torch.Tensor,
            attn_mask: torch.Tensor | None = None,
            dropout_p: float = 0.0,
            is_causal: bool = False,
            scale: float | None = None,
            enable_gqa: bool = False,
        ) -> torch.Tensor:
            given: dict[str, Any] = {
                "attn_mask": attn_mask,
                "dropout_p": dropout_p,
                "is_causal": is_causal,
                "scale": scale,
                "enable_gqa": enable_gqa,
            }

            def run() -> torch.Tensor:
                return original(query, key, value, **given)

            out = self._handler(Call(query, key, value, attn_mask, scale, run))
            if out is None:
                return run()
            if dropout_p or is_causal or enable_gqa:
                raise TapError(
                    f"self-attention was called with dropout_p={dropout_p}, is_causal={is_causal}, "
                    f"enable_gqa={enable_gqa}; the tap records plain attention only, so call pipe.transformer.eval()"
                )
            return out

        F.scaled_dot_product_attention = tapped

    def close(self) -> None:
        """Put the original function back; does nothing when not open."""
        if self._original is not None:
            F.scaled_dot_product_attention = self._original
            self._original = None
            _open.release()
