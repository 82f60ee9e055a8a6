"""Whether Triton kernels can run here, found out without importing Triton."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

import torch


@cache
def importable() -> bool:
    """Return whether Triton is installed."""
    return find_spec("triton") is not None


def interpreted() -> bool:
    """Return whether kernels run in Triton's interpreter, on CPU tensors: TRITON_INTERPRET=1 before the first import."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def usable() -> bool:
    """Return whether kernels can run on some device of this machine."""
    return importable() and (interpreted() or torch.cuda.is_available())


def runs_on(device: torch.device) -> bool:
    """Return whether kernels can run on tensors of ``device``."""
    return importable() and (interpreted() or device.type == "cuda")
