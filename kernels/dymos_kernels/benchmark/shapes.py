"""The self-attention calls that are timed: those of the published models, whole or cut for a CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dymos_kernels.layout import FrameLayout


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One self-attention call of a video model."""

    name: str
    before: int = 0
    """Text tokens before the video."""
    after: int = 0
    """Text tokens behind it."""
    masked: int = 0
    """Text tokens that are padding, of those ``after``."""
    frames: int
    """Latent frames F."""
    tokens: int
    """Tokens of a frame, P."""
    dim: int
    """Head size D."""
    heads: int = 1
    batch: int = 1

    @property
    def length(self) -> int:
        """Tokens N."""
        return self.before + self.frames * self.tokens + self.after

    @property
    def layout(self) -> FrameLayout:
        """Where the frames are."""
        return FrameLayout(frames=self.frames, tokens=self.tokens, start=self.before)

    def tensors(self, dtype: torch.dtype, device: str) -> tuple[Tensor, Tensor, Tensor]:
        """Return seeded q, k, v (B, H, N, D), normally distributed as after a query-key norm."""
        generator = torch.Generator(device).manual_seed(0)
        sizes = (self.batch, self.heads, self.length, self.dim)
        q, k, v = (torch.randn(sizes, generator=generator, device=device).to(dtype) for _ in range(3))
        return q, k, v

    def key_mask(self, device: str) -> Tensor | None:
        """Return (B, N) bool, or None where nothing is padding."""
        if not self.masked:
            return None
        mask = torch.ones(self.batch, self.length, dtype=torch.bool, device=device)
        mask[:, self.length - self.masked :] = False
        return mask


COGVIDEOX = Shape(name="cogvideox-5b 480x720", before=226, frames=13, tokens=1350, dim=64, heads=48)
WAN_480P = Shape(name="wan-14b 480x832", frames=21, tokens=1560, dim=128, heads=40)
WAN_720P = Shape(name="wan-14b 720x1280", frames=21, tokens=3600, dim=128, heads=40)
HUNYUAN = Shape(name="hunyuanvideo-1.5 480x848", frames=31, tokens=1590, dim=128, heads=16, after=1985, masked=1729)
SPRITES = Shape(name="sprites", before=16, frames=7, tokens=16, dim=48, heads=4, batch=2)

WHOLE = (COGVIDEOX, WAN_480P, WAN_720P, HUNYUAN, SPRITES)
"""Every call as the model makes it."""


def cut(shape: Shape, *, frames: int | None = None, tokens: int | None = None) -> Shape:
    """Return one head of a shape with fewer frames or fewer tokens a frame, named after what was cut."""
    smaller = replace(shape, frames=frames or shape.frames, tokens=tokens or shape.tokens, heads=1)
    return replace(smaller, name=f"{shape.name}, cut to F={smaller.frames} P={smaller.tokens} H=1")


CUT = (
    cut(COGVIDEOX, frames=3),
    cut(COGVIDEOX, tokens=300),
    cut(WAN_480P, frames=3),
    cut(WAN_480P, tokens=195),
    cut(WAN_720P, frames=2),
    cut(HUNYUAN, frames=2),
    SPRITES,
)
"""What a CPU times in seconds: one head, and fewer frames at their full size or all frames at a smaller one."""
