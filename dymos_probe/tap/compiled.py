"""torch.compile and the tap: graphs compiled without its hooks must not be reused with them, nor the reverse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


def is_compiled(pipe: Any, transformers: Iterable[nn.Module]) -> bool:
    """Return whether a transformer of ``pipe``, or a part of one, runs compiled."""
    wrapped = any(hasattr(getattr(pipe, name, None), "_orig_mod") for name in ("transformer", "transformer_2"))
    return wrapped or any(
        getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod")
        for transformer in transformers
        for module in transformer.modules()
    )


def forget_graphs() -> None:
    """Drop every compiled graph of this process, since dynamo does not guard on module hooks."""
    torch._dynamo.reset()


def is_compiler_refusal(error: BaseException | None) -> bool:
    """Return whether ``error`` is dynamo refusing a graph break, as ``fullgraph=True`` makes it."""
    return error is not None and type(error).__module__.startswith("torch._dynamo")
