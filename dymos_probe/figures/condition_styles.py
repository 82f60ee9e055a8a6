"""How the lines of conditions look, the same in every figure, and their names at the ends of the lines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.colors import find_intermediate_color, unlabel_rgb
from scipy.optimize import isotonic_regression

from dymos_probe.figures.conditions import condition_names
from dymos_probe.figures.labels import condition_name
from dymos_probe.figures.template import INK, PALETTE
from dymos_probe.store.schema import CONDITION, CONDITION_COLUMNS

I2V_COLOUR, T2V_COLOUR = PALETTE[0], PALETTE[1]
_WEAKENED, _STRENGTHENED, _OTHER = PALETTE[2], PALETTE[3], PALETTE[7]
_PALEST = 0.5
"""Share of the colour at the least strength; the rest is white."""
_LINE = 17.0
"""Height of a line of text, pixels."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """The line of one condition."""

    name: str
    colour: str
    width: float
    dash: str


def condition_styles(data: xr.DataArray | xr.Dataset) -> dict[str, Style]:
    """Return the style of each condition by its id, in the order a reader compares them.

    T2V is orange and the untouched I2V model blue, both thick; λ > 0 is green and λ < 0 pink, darker the
    stronger; methods without λ and modulated T2V runs are black, each with dashes of its own.
    """
    names = names_of(data)
    labels = [str(label) for label in data[CONDITION].values]
    unknown = [math.nan] * len(labels)
    arms = dict(zip(labels, data["arm"].values if "arm" in data.coords else [""] * len(labels), strict=True))
    lams = dict(zip(labels, map(float, data["lam"].values if "lam" in data.coords else unknown), strict=True))
    strongest = max((abs(lam) for lam in lams.values() if math.isfinite(lam)), default=0.0) or 1.0
    dashes = itertools.cycle(("dot", "dash", "dashdot", "longdash"))
    return {
        label: _style(name, str(arms[label]), lams[label], strongest=strongest, dashes=dashes)
        for label, name in names.items()
    }


def names_of(data: xr.DataArray | xr.Dataset) -> dict[str, str]:
    """Return the name of each condition by its id, in the order a reader compares them.

    It is told by the coordinates of a study's conditions; of ``arm`` and ``lam`` alone T2V comes first and
    λ rises; without them ids stay as they are.
    """
    if {column.name for column in CONDITION_COLUMNS.values()} <= set(data.coords):
        return condition_names(data.coords.to_dataset())
    labels = [str(label) for label in data[CONDITION].values]
    if not {"arm", "lam"} <= set(data.coords):
        return {label: label for label in labels}
    rows = sorted(
        zip(labels, map(str, data["arm"].values), map(float, data["lam"].values), strict=True),
        key=lambda row: (row[1] != "t2v", math.isnan(row[2]), 0.0 if math.isnan(row[2]) else row[2]),
    )
    return {label: condition_name(arm, lam) for label, arm, lam in rows}


def end_labels(
    figure: go.Figure,
    entries: Sequence[tuple[float, str, str]],
    *,
    height: float,
    span: tuple[float, float],
    axes: str = "",
    left: bool = False,
) -> None:
    """Write (y, text, colour) beside an end of a plot, moved apart where texts would overlap; the colour is a bar.

    Parameters
    ----------
    entries
        Of every line; y in units of the axis.
    height
        Of the plot, pixels.
    span
        Range of its y axis.
    axes
        Number of its axes in a figure of several.
    left
        Whether the texts stand at the left end.
    """
    pixel = (span[1] - span[0]) / height
    places = _apart([y for y, _, _ in entries], _LINE * pixel)
    for (_, text, colour), place in zip(entries, places, strict=True):
        bar = f"<span style='color:{colour}'><b>━</b></span>"
        figure.add_annotation(
            x=0.0 if left else 1.0,
            xref=f"x{axes} domain",
            y=place,
            yref=f"y{axes}",
            text=f"{text} {bar}" if left else f"{bar} {text}",
            showarrow=False,
            xanchor="right" if left else "left",
            xshift=-4 if left else 4,
            font={"size": 13, "color": INK},
        )


def _style(name: str, arm: str, lam: float, *, strongest: float, dashes: Iterator[str]) -> Style:
    untouched = lam == 0.0
    if arm == "t2v" and untouched:
        return Style(name=name, colour=T2V_COLOUR, width=3.0, dash="solid")
    if arm == "t2v" or math.isnan(lam):
        return Style(name=name, colour=_OTHER, width=2.0, dash=next(dashes))
    if untouched:
        return Style(name=name, colour=I2V_COLOUR, width=3.0, dash="solid")
    share = min(abs(lam) / strongest, 1.0)
    colour = find_intermediate_color(
        "rgb(255, 255, 255)", _rgb(_WEAKENED if lam > 0 else _STRENGTHENED), _PALEST + (1 - _PALEST) * share, "rgb"
    )
    return Style(name=name, colour=_hex(colour), width=2.0, dash="solid")


def _rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


def _hex(colour: str) -> str:
    return "#" + "".join(f"{round(part):02x}" for part in unlabel_rgb(colour))


def _apart(values: Sequence[float], least: float) -> list[float]:
    """Return the values moved as little as need be to stand ``least`` apart, in their order.

    Places p with p[i+1] − p[i] ≥ least nearest to the values: without the steps, a monotone regression.
    """
    order = np.argsort(values, kind="stable")
    steps = least * np.arange(len(values))
    places = np.empty(len(values))
    places[order] = isotonic_regression(np.asarray(values, dtype=np.float64)[order] - steps).x + steps
    return [float(place) for place in places]
