"""Which steps, layers, heads and samples a page looks at; every choice is in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
import xarray as xr

from dymos_probe.analysis.select import early_steps

EVERY = "all samples"
EARLY = 0.1


@dataclass(frozen=True)
class Chosen:
    """A window of a study, as values that a cache can tell apart; None stands for all."""

    steps: tuple[int, int]
    """First and last step."""
    layers: tuple[int, int] | None
    """First and last layer."""
    heads: tuple[int, int] | None
    """First and last head."""
    sample: str | None

    def options(self) -> dict[str, Any]:
        """Return the keywords of an analysis."""
        return self.of_heads() | {
            "layers": None if self.layers is None else range(self.layers[0], self.layers[1] + 1),
            "heads": None if self.heads is None else range(self.heads[0], self.heads[1] + 1),
        }

    def of_heads(self) -> dict[str, Any]:
        """Return the same for an analysis that keeps every layer and head apart."""
        return {
            "steps": range(self.steps[0], self.steps[1] + 1),
            "samples": None if self.sample is None else (self.sample,),
        }

    def words(self) -> str:
        """Return the window in words."""
        parts = [_stretch("step", self.steps)]
        parts += [
            _stretch(noun, part) for noun, part in (("layer", self.layers), ("head", self.heads)) if part is not None
        ]
        return ", ".join(parts)


def chosen_window(ds: xr.Dataset) -> Chosen:
    """Show the choices and return what is chosen: the early steps of all samples, layers and heads at first."""
    samples = [EVERY, *(str(sample) for sample in ds["sample"].values)]
    steps = ds.sizes["step"]
    sample = st.selectbox("Sample", samples, key="sample", bind="query-params")
    with st.grid("auto", min_column_width=220):
        first = _range("Steps", "steps", steps, (0, early_steps(steps, EARLY) - 1))
        layers = _range("Layers", "layers", ds.sizes["layer"])
        heads = _range("Heads", "heads", ds.sizes["head"])
    return Chosen(
        steps=first,
        layers=None if layers == (0, ds.sizes["layer"] - 1) else layers,
        heads=None if heads == (0, ds.sizes["head"] - 1) else heads,
        sample=None if sample == EVERY else sample,
    )


def choose_head(layer: int, head: int) -> None:
    """Make one head the window; for a callback, which runs before the choices are shown."""
    st.session_state["layers"] = (layer, layer)
    st.session_state["heads"] = (head, head)


def choose_all_heads(ds: xr.Dataset) -> None:
    """Make all layers and heads the window; for a callback."""
    st.session_state["layers"] = (0, ds.sizes["layer"] - 1)
    st.session_state["heads"] = (0, ds.sizes["head"] - 1)


def _range(label: str, key: str, count: int, default: tuple[int, int] | None = None) -> tuple[int, int]:
    if count == 1:
        return (0, 0)
    first, last = st.slider(label, 0, count - 1, default or (0, count - 1), key=key, bind="query-params")
    return int(first), int(last)


def _stretch(noun: str, ends: tuple[int, int]) -> str:
    return f"{noun} {ends[0]}" if ends[0] == ends[1] else f"{noun}s {ends[0]} to {ends[1]}"
