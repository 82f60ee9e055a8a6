"""What people preferred: the share of votes of each condition, question by question."""

from __future__ import annotations

from collections import Counter

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.labels import condition_name, counted
from dymos_probe.figures.template import INK, MUTED, PALETTE, RULE, TEMPLATE
from dymos_probe.store.schema import CONDITION

_DIMS = ("question", CONDITION)
_NEEDED = ("share", "low", "high", "votes")
_SYMBOLS = ("circle", "square", "diamond")
_APART = 0.22
"""Between the rows of two conditions; questions are 1 apart."""
_ROOM = 0.22


def preference_shares(ds: xr.Dataset) -> go.Figure:
    """Return the shares of votes as points with their intervals, and a line where a choice by chance would be.

    An interval that is NaN, as that of one sample is, is not drawn.

    Parameters
    ----------
    ds
        What ``dymos_probe.preference.results`` returns: ``share``, ``low``, ``high``, ``votes`` (question, condition),
        coordinates ``title``, ``arm`` and ``lam``, attrs ``pairs``, ``raters``, ``trials`` and ``level``.

    Raises
    ------
    InputError
        When a variable is missing or has other dims, or a share is NaN or outside [0, 1].
    """
    for name in _NEEDED:
        if name not in ds or set(ds[name].dims) != set(_DIMS):
            given = f"dims {ds[name].dims}" if name in ds else "none"
            raise InputError(f"preference shares need {name} over {' and '.join(_DIMS)}, got {given}")
    ds = ds.transpose(*_DIMS, ...)
    share = np.asarray(ds["share"].values, dtype=np.float64)
    if not ((share >= 0.0) & (share <= 1.0)).all():
        raise InputError("the shares hold NaN or values outside [0, 1]; draw complete trials")
    names = _names(ds)
    rows = np.arange(ds.sizes["question"], dtype=np.float64)
    figure = go.Figure(layout={"template": TEMPLATE})
    for row in rows[:-1]:
        figure.add_hline(y=row + 0.5, line={"color": RULE, "width": 1}, layer="below")
    _mark_chance(figure, len(names))
    for index, name in enumerate(names):
        _draw(figure, ds.isel({CONDITION: index}), name, index, rows + _APART * (index - (len(names) - 1) / 2))
    figure.update_layout(
        title={"text": _title(ds), "y": 1.0, "yanchor": "top", "pad": {"t": 22, "l": 24}},
        width=760,
        height=196 + 96 * len(rows),
        margin={"l": 118, "r": 36, "t": 112, "b": 62},
        legend={"orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "font": {"size": 13}},
        xaxis={"title": {"text": "share of votes"}, "range": [-0.02, 1.02], "tickformat": ".0%", "dtick": 0.25},
        yaxis={
            "tickmode": "array",
            "tickvals": rows.tolist(),
            "ticktext": [str(title) for title in ds["title"].values],
            "tickfont": {"size": 14, "color": INK},
            # Room below the last question for the words of the line.
            "range": [rows[-1] + 0.5 + _ROOM, -0.5],
            "showgrid": False,
        },
    )
    return figure


def _draw(figure: go.Figure, ds: xr.Dataset, name: str, index: int, rows: np.ndarray) -> None:
    share, low, high = (np.asarray(ds[part].values, dtype=np.float64) for part in ("share", "low", "high"))
    known = np.isfinite(low) & np.isfinite(high)
    colour = PALETTE[index % len(PALETTE)]
    texts = [
        f"{title} · {name}<br><b>{part:.0%}</b> of votes ({int(votes)})"
        + (f", interval {a:.0%} to {b:.0%}" if there else "")
        for title, part, votes, a, b, there in zip(
            ds["title"].values, share, ds["votes"].values, low, high, known, strict=True
        )
    ]
    figure.add_scatter(
        x=share,
        y=rows,
        customdata=texts,
        mode="markers",
        name=name,
        marker={"size": 11, "color": colour, "symbol": _SYMBOLS[index % len(_SYMBOLS)]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": np.where(known, high - share, 0.0),
            "arrayminus": np.where(known, share - low, 0.0),
            "thickness": 2.5,
            "width": 0,
            "color": colour,
        },
        hovertemplate="%{customdata}<extra></extra>",
    )


def _mark_chance(figure: go.Figure, conditions: int) -> None:
    figure.add_vline(x=1.0 / conditions, line={"color": MUTED, "width": 1.5, "dash": "dot"}, layer="below")
    figure.add_annotation(
        x=1.0 / conditions,
        y=0.0,
        yref="y domain",
        text="by chance",
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        xshift=5,
        font={"size": 12, "color": MUTED},
    )


def _names(ds: xr.Dataset) -> list[str]:
    names = [condition_name(str(arm), float(lam)) for arm, lam in zip(ds["arm"].values, ds["lam"].values, strict=True)]
    shared = Counter(names)
    ids = [str(label) for label in ds[CONDITION].values]
    return [name if shared[name] == 1 else f"{name} [{label}]" for name, label in zip(names, ids, strict=True)]


def _title(ds: xr.Dataset) -> str:
    attrs = ds.attrs
    facts = [
        counted(int(attrs[name]), noun)
        for name, noun in (("pairs", "pair"), ("raters", "participant"), ("trials", "trial"))
        if name in attrs
    ]
    if "level" in attrs:
        known = bool(ds["low"].notnull().all())
        facts.append(f"{attrs['level']:.0%} intervals over pairs" if known else "no interval of a single pair")
    return f"Which of three videos was chosen<br><span style='font-size:13px;color:{MUTED}'>{' · '.join(facts)}</span>"
