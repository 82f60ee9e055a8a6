"""What a method other than the bias may do to a forward: other inputs, another prediction, one more forward beside it.

The tap knows no such method; it asks one that it was given at each forward, and neither counts nor records
what runs beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from dymos_probe.bias import Branch
from dymos_probe.families import Family
from dymos_probe.tap.clock import Tick


@dataclass(frozen=True, kw_only=True)
class Forward:
    """One transformer forward as the pipeline makes it."""

    transformer: Any
    """The transformer, or that expert of two."""
    tick: Tick
    """Where in the denoising loop it is."""
    branches: tuple[Branch, ...]
    """Guidance branch of each batch row; rows of one branch lie together."""
    inputs: Mapping[str, Any]
    """By name, as the pipeline gave them."""
    aside: Callable[[Mapping[str, Any]], torch.Tensor]
    """Runs the transformer once more, on other inputs, and returns its prediction; the clock and the record stay."""


class Running(Protocol):
    """A method during one pipeline call."""

    def inputs(self, forward: Forward) -> Mapping[str, Any]:
        """Return what the transformer is given; ``forward.inputs`` itself leaves it alone."""

    def output(self, forward: Forward, prediction: torch.Tensor) -> torch.Tensor:
        """Return what the pipeline is given for ``prediction``; itself leaves it alone."""


class Method(Protocol):
    """A method as a value."""

    def begin(self, pipe: Any, family: Family) -> Running:
        """Return the method for one call of ``pipe``; raises ``InputError`` where it cannot run it."""
