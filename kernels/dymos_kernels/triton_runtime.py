"""Where Triton kernels can run, found out without importing Triton, and what a launch is."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor


@cache
def importable() -> bool:
    """Return whether Triton is installed."""
    return find_spec("triton") is not None


def interpreted() -> bool:
    """Return whether kernels run in Triton's interpreter, on CPU tensors: TRITON_INTERPRET=1 from the start."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def runs_on(device: torch.device) -> bool:
    """Return whether kernels can run on tensors of ``device``."""
    return importable() and (interpreted() or device.type == "cuda")


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One launch of a kernel, apart from the kernel."""

    grid: tuple[int, int]
    arguments: dict[str, Tensor | int | float | None]
    """What is passed at run time, by parameter name."""
    constants: dict[str, int | bool]
    """What a compiled kernel is specialised on."""
    warps: int
    stages: int = 1

    @property
    def options(self) -> dict[str, int | bool]:
        """The compiler's options."""
        # A product and a sum as one instruction: named, because Triton is about to change its default.
        return {"num_warps": self.warps, "num_stages": self.stages, "enable_fp_fusion": True}

    def __call__(self, kernel: Any) -> None:
        """Run ``kernel`` on the device of its tensors."""
        device = next(value.device for value in self.arguments.values() if isinstance(value, Tensor))
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            kernel[self.grid](**self.arguments, **self.constants, **self.options)


def strides(name: str, tensor: Tensor) -> dict[str, int]:
    """Return the strides of a (B, H, N, …) tensor over B, H and N, by parameter name."""
    return {f"{name}_{axis}": tensor.stride(dim) for dim, axis in enumerate(("batch", "head", "row"))}


def power_of_two(number: int) -> int:
    """Return the least power of two that is not below ``number``: the sizes of Triton's blocks."""
    return 1 << (number - 1).bit_length()
