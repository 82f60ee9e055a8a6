"""Random weights that behave like trained ones where it matters: sharp attention, related arms."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def seeded(label: str, seed: int, factory: Callable[[], ModuleT]) -> ModuleT:
    """Build a module in eval mode from a random state of its own, decided by ``label`` and ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(zlib.crc32(f"{label}/{seed}".encode()))
        return factory().eval()


@torch.no_grad()
def sharpen(transformer: ModuleT, factor: float) -> ModuleT:
    """Multiply the attention logits of every layer by ``factor`` squared, in place, and return the model.

    Freshly initialised projections give near-uniform attention, on which a recorder that
    mixes up frames would still look right. Where queries and keys are normalised after
    projection the gain sits on the norm, since the norm would undo a gain on the projection.
    """
    for module in transformer.modules():
        for side in ("q", "k", "added_q", "added_k"):
            norm = getattr(module, f"norm_{side}", None)
            projection = getattr(module, f"to_{side}", None)
            scaled = norm if getattr(norm, "weight", None) is not None else projection
            for parameter in scaled.parameters() if isinstance(scaled, nn.Module) else ():
                parameter.mul_(factor)
    return transformer


@torch.no_grad()
def amplify(model: ModuleT, name: str, factor: float) -> ModuleT:
    """Multiply every parameter whose dotted name contains ``name``, in place, and return the model."""
    for key, parameter in model.named_parameters():
        if name in key:
            parameter.mul_(factor)
    return model


@torch.no_grad()
def derive(i2v: ModuleT, t2v: nn.Module, *, condition_scale: float = 1.0) -> ModuleT:
    """Give the I2V model the T2V model's weights, in place, and return it.

    Weights of equal shape are copied. The patch embedding, which reads more channels in I2V,
    keeps the T2V weights in its leading channels and its own random ones, times
    ``condition_scale``, in the channels that carry the condition. What T2V lacks stays random.
    """
    source = t2v.state_dict()
    target = i2v.state_dict()
    for key, weight in target.items():
        given = source.get(key)
        if given is None:
            continue
        if given.shape == weight.shape:
            weight.copy_(given)
        elif weight.ndim >= 2 and weight.shape[0] == given.shape[0] and weight.shape[1] > given.shape[1]:
            weight.mul_(condition_scale)
            weight[:, : given.shape[1]] = given
    return i2v
