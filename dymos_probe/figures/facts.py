"""The title of a figure, and the line below it that says what its numbers stand on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import xarray as xr

from dymos_probe.figures.labels import counted, strength
from dymos_probe.figures.template import MUTED

_PARTS = (("layer", "layers"), ("head", "heads"))


def facts(data: xr.DataArray | xr.Dataset) -> list[str]:
    """Return what ``data`` says of itself: λ, steps, layers, heads, guidance branch and samples.

    One layer or head is known by its attribute (``layers``, ``heads``) or, once it was selected, by its
    scalar coordinate. What is not known is not said.
    """
    attrs, said = data.attrs, []
    if "lam" in attrs:
        # A method without λ is known by its condition.
        known = attrs["lam"] == attrs["lam"]
        said += (
            [f"λ = {strength(float(attrs['lam']))}"] if known else [str(attrs["conditions"])] * ("conditions" in attrs)
        )
    said += _steps(data)
    for dim, plural in _PARTS:
        if dim in data.coords and not data.coords[dim].dims:
            said.append(f"{dim} {data.coords[dim].item()}")
        elif plural in attrs:
            said.append(listed(dim, attrs[plural]))
    if attrs.get("branch", "cond") != "cond":
        said.append(f"guidance branch {attrs['branch']}")
    if "samples_used" in attrs:
        said.append(counted(int(attrs["samples_used"]), "sample"))
    return said


def steps_in_words(early: float) -> str:
    """Return ``first 10% of the steps``, or ``all steps``."""
    return f"first {early:.0%} of the steps" if early < 1 else "all steps"


def listed(noun: str, indices: Sequence[int]) -> str:
    """Return ``layer 3``, ``layers 0–4, 7``."""
    numbers = sorted(int(index) for index in indices)
    runs: list[list[int]] = []
    for each in numbers:
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    text = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    return f"{noun}{'' if len(numbers) == 1 else 's'} {text}"


def title(heading: str, below: Iterable[str] = ()) -> dict[str, Any]:
    """Return the title of a layout: ``heading`` and, smaller, the facts below it."""
    lines = [heading]
    if facts_line := " · ".join(below):
        lines.append(f"<span style='font-size:13px;color:{MUTED}'>{facts_line}</span>")
    return {"text": "<br>".join(lines), "y": 1.0, "yanchor": "top", "pad": {"t": 22, "l": 24}}


def _steps(data: xr.DataArray | xr.Dataset) -> list[str]:
    if "step" in data.coords and not data.coords["step"].dims:
        return [f"step {data.coords['step'].item()}"]
    if "step" in data.dims:
        return []
    if "early" in data.attrs:
        return [steps_in_words(float(data.attrs["early"]))]
    return [listed("step", data.attrs["steps"])] if "steps" in data.attrs else []
