"""An independent statement of the attention: N×N logits in float64, one bias matrix, one softmax."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn.attention.flex_attention import flex_attention

from dymos_kernels import FrameLayout, flex


@dataclass(frozen=True, kw_only=True)
class Case:
    """One attention call, its arguments seeded."""

    q: Tensor
    k: Tensor
    v: Tensor
    layout: FrameLayout
    bias: Tensor | None
    key_frame: int
    key_mask: Tensor | None

    @property
    def options(self) -> dict[str, object]:
        return {"key_frame": self.key_frame, "key_mask": self.key_mask}

    @property
    def additive(self) -> Tensor:
        """What is added to the logits, (B, H, N, N) float64, -inf where a key cannot be attended."""
        batch, heads, length, _ = self.q.shape
        layout, key = self.layout, self.key_frame
        added = torch.zeros(batch, heads, length, length, dtype=torch.float64)
        frame = torch.full((length,), -1)
        for f in range(layout.frames):
            frame[layout.start + f * layout.tokens : layout.start + (f + 1) * layout.tokens] = f
        if self.bias is not None:
            table = self.bias.double().expand(batch, heads, layout.frames)
            for b in range(batch):
                for h in range(heads):
                    for f in range(layout.frames):
                        lam = table[b, h, f].item()
                        rows, keys = frame == f, frame == key
                        if lam == -torch.inf:
                            added[b, h, rows[:, None] & ~keys[None, :]] = -torch.inf
                        else:
                            added[b, h, rows[:, None] & keys[None, :]] = -lam
        if self.key_mask is not None:
            added.masked_fill_(~self.key_mask[:, None, None, :], -torch.inf)
        return added


class Truth(NamedTuple):
    out: Tensor
    mass: Tensor
    text: Tensor


def _eager(case: Case, scale: float | None = None) -> Truth:
    scale = case.q.shape[-1] ** -0.5 if scale is None else scale
    q, k, v = case.q.double(), case.k.double(), case.v.double()
    weights = torch.softmax(q @ k.transpose(-1, -2) * scale + case.additive, -1)
    layout = case.layout
    spans = [
        slice(layout.start + f * layout.tokens, layout.start + (f + 1) * layout.tokens) for f in range(layout.frames)
    ]
    mass = torch.stack(
        [torch.stack([weights[:, :, rows, keys].sum((-2, -1)) for keys in spans], -1) for rows in spans], -2
    )
    text = torch.stack([weights[:, :, rows].sum(-2) for rows in spans], -2)
    is_text = torch.ones(q.shape[2], dtype=torch.bool)
    for span in spans:
        is_text[span] = False
    return Truth(weights @ v, mass / layout.tokens, text[..., is_text].sum(-1) / layout.tokens)


def _make(
    *,
    frames: int = 3,
    tokens: int = 7,
    before: int = 0,
    after: int = 0,
    batch: int = 2,
    heads: int = 2,
    dim: int = 16,
    value_dim: int | None = None,
    dtype: torch.dtype = torch.float32,
    lam: float | None = None,
    table: Tensor | None = None,
    key_frame: int = 0,
    masked: int = 0,
    seed: int = 0,
) -> Case:
    """Make a case; ``lam`` biases every frame but 0, ``masked`` text keys are masked in the last batch row."""
    generator = torch.Generator().manual_seed(seed)
    length = before + frames * tokens + after

    def normal(width: int, spread: float = 1.0) -> Tensor:
        return (spread * torch.randn(batch, heads, length, width, generator=generator)).to(dtype)

    q, k, v = normal(dim, 2.0), normal(dim), normal(value_dim or dim)
    if lam is not None:
        table = torch.full((1, 1, frames), lam)
        table[..., 0] = 0.0
    mask = None
    if masked:
        mask = torch.ones(batch, length, dtype=torch.bool)
        text = [*range(before), *range(before + frames * tokens, length)]
        mask[-1, text[len(text) - masked :]] = False
    layout = FrameLayout(frames=frames, tokens=tokens, start=before)
    return Case(q=q, k=k, v=v, layout=layout, bias=table, key_frame=key_frame, key_mask=mask)


@pytest.fixture(scope="session")
def make() -> Callable[..., Case]:
    return _make


@pytest.fixture(scope="session")
def eager() -> Callable[..., Truth]:
    return _eager


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _plain_flex(*args, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "flex_attention called without torch.compile")
        return flex_attention(*args, **options)


@pytest.fixture(autouse=True, scope="session")
def uncompiled_flex():
    """FlexAttention as plain operations: compiling it for each case would take hours. test_flex.py compiles it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flex, "compiled", lambda: _plain_flex)
        yield
