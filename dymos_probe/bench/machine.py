"""What this machine is called, what runs on it, and how much memory it has left."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dymos_kernels import benchmark

if TYPE_CHECKING:
    import torch

LIBRARIES: Final = ("dymos-probe", "torch", "diffusers")
"""Distributions whose versions a row names."""


def versions() -> str:
    """Return the versions of Python and `LIBRARIES`, such as ``python 3.11.9, torch 2.13.0``."""
    return ", ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in LIBRARIES)])


def device_name(device: torch.device) -> str:
    """Return what the GPU or the CPU is called; of a CPU also how many threads torch uses."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return f"{device.type} on {platform.machine()}"
    return (
        f"{benchmark.device_name('cpu')}, {torch.get_num_threads()} thread{'' if torch.get_num_threads() == 1 else 's'}"
    )


def free_bytes(device: torch.device) -> int | None:
    """Return the memory that is left on a device, None where the system does not say."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    for line in meminfo.read_text().splitlines() if meminfo.exists() else ():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return int(amount.split()[0]) * 1024
    return None
