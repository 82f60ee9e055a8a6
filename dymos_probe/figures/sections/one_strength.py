"""One λ among the others: its numbers beside T2V's and the untouched model's, and its place on the curve of d(λ)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.analysis.select import t2v_condition
from dymos_probe.figures.lam_axis import lam_axis
from dymos_probe.figures.sections.section import LeftOut, Section
from dymos_probe.figures.sections.strength import MOTION, QUALITY
from dymos_probe.figures.template import INK
from dymos_probe.store.schema import CONDITION


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One quantity in T2V, in the untouched I2V model and at one λ."""

    name: str
    """What it is, for a reader."""
    units: str
    """``1`` for none; ``%`` for a share of attention."""
    t2v: float
    untouched: float
    at: float


def beside(parts: Iterable[Section | LeftOut], ds: xr.Dataset, lam: float) -> list[Beside]:
    """Return distance, attention on the reference frame, motion and quality at λ; those left out that have no value.

    Parameters
    ----------
    parts
        Of :func:`dymos_probe.figures.sections.strength.strength_sections`.
    ds
        Their study; its labels are read, no maps.
    lam
        λ, 0 among them.
    """
    known = {part.name: part.data for part in parts if isinstance(part, Section) and part.data is not None}
    found = []
    if (data := known.get("distance")) is not None:
        d = data["distance"]
        # T2V is what the distance is measured from.
        found.append(_beside("distance to T2V attention", str(d.attrs.get("units", "nats")), 0.0, d, lam))
    if (data := known.get("reference_attention")) is not None:
        share = 100.0 * data["value" if "value" in data else "dominance"]
        t2v = t2v_condition(ds)
        over = share.isel({CONDITION: (share[CONDITION] != t2v).values}).swap_dims({CONDITION: "lam"})
        found.append(_beside("attention on the reference frame", "%", float(share.sel({CONDITION: t2v})), over, lam))
    for names in (MOTION, QUALITY):
        curve = next((known[f"metric_{name}"] for name in names if f"metric_{name}" in known), None)
        if curve is not None:
            name, units = str(curve.attrs.get("long_name", "metric")), str(curve.attrs.get("units", "1"))
            found.append(_beside(name, units, float(curve["t2v_mean"]), curve["mean"], lam))
    return [each for each in found if each is not None]


def marked(part: Section, lam: float) -> go.Figure:
    """Return the figure of d(λ) with one λ marked; as it is where it has no such λ.

    Parameters
    ----------
    part
        Of :func:`dymos_probe.figures.sections.strength.distance_section`.
    """
    assert part.data is not None
    figure, d = go.Figure(part.figure), part.data["distance"].sortby("lam")
    at = np.flatnonzero(d["lam"].values == lam)
    if not at.size:
        return figure
    x = float(lam_axis(d, "distance curve").positions[at[0]])
    figure.add_vline(x=x, line={"color": INK, "width": 1.5}, layer="below")
    return figure.add_scatter(
        x=[x],
        y=[float(d[at[0]])],
        mode="markers",
        marker={"size": 14, "color": INK, "symbol": "diamond"},
        hoverinfo="skip",
        showlegend=False,
    )


def _beside(name: str, units: str, t2v: float, over: xr.DataArray, lam: float) -> Beside | None:
    values = dict(zip(over["lam"].values.tolist(), over.values.tolist(), strict=True))
    if lam not in values or 0.0 not in values:
        return None
    return Beside(name=name, units=units, t2v=t2v, untouched=values[0.0], at=values[lam])
