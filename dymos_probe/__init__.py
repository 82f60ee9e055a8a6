"""Record, change and understand frame-to-frame attention in image-to-video diffusion transformers.

The names below load when they are first used, so that ``import dymos_probe`` is quick and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dymos_probe import figures
    from dymos_probe.baselines import ALG
    from dymos_probe.bias import Bias
    from dymos_probe.pairs import Pair, load_pair
    from dymos_probe.runs.intervene import intervene
    from dymos_probe.runs.measure import measure_study
    from dymos_probe.runs.record import record
    from dymos_probe.runs.tune import tune
    from dymos_probe.store import open_study
    from dymos_probe.tap import attach

_HOMES = {
    "ALG": "dymos_probe.baselines",
    "Bias": "dymos_probe.bias",
    "Pair": "dymos_probe.pairs",
    "attach": "dymos_probe.tap",
    "intervene": "dymos_probe.runs.intervene",
    "load_pair": "dymos_probe.pairs",
    "measure_study": "dymos_probe.runs.measure",
    "open_study": "dymos_probe.store",
    "record": "dymos_probe.runs.record",
    "tune": "dymos_probe.runs.tune",
}

__all__ = [
    "ALG",
    "Bias",
    "Pair",
    "attach",
    "figures",
    "intervene",
    "load_pair",
    "measure_study",
    "open_study",
    "record",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name == "figures":
        return importlib.import_module("dymos_probe.figures")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
