"""What each method costs over the untouched model: measured here, and as published (Table 5)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dymos_probe.errors import InputError
from dymos_probe.figures.facts import title
from dymos_probe.figures.labels import MINUS
from dymos_probe.figures.template import INK, MUTED, PALETTE, RULE, TEMPLATE

NOT_MEASURED = "not measured"
_HERE, _PAPER = PALETTE[0], PALETTE[1]
_NAMES = {"dymos": "DyMoS", "alg": "ALG", "observe": "recording, observe", "fused": "recording, fused"}
_LINE, _HEAD = 30, 36
_TOP, _BOTTOM = 112, 74

Cost = Mapping[str, Any]


def overhead_table(
    here: Iterable[Cost], *, paper: Iterable[Cost] = (), methods: Sequence[str] | None = None
) -> go.Figure:
    """Return a line for each pair and method: time over the untouched model, as a dot and as a number.

    What was not measured keeps its line, which says so. Of several measurements of the same the last counts.

    Parameters
    ----------
    here
        What was measured, a mapping each, as ``probe bench generate`` writes its rows: ``pair``, ``method``,
        ``device``, ``ratio`` (time over that of the untouched model in the same round), ``ratio_lowest`` and
        ``ratio_highest``; an empty or missing ratio is one not measured. The method ``baseline`` is 1 by
        definition and left out.
    paper
        What is published, with the same keys.
    methods
        Which to show, in this order; all there are by default.

    Raises
    ------
    InputError
        When there is nothing to show, a row has no pair or method, a ratio is no positive number, or the
        measurements are of several devices.
    """
    ours, theirs = _read(here, "measured"), _read(paper, "published")
    shown = list(methods) if methods is not None else list(dict.fromkeys(m for _, m in [*theirs, *ours]))
    pairs = list(dict.fromkeys(pair for pair, _ in [*theirs, *ours]))
    if not pairs or not shown:
        raise InputError("there are no costs to show; give rows with pair, method and ratio")
    devices = [_device(rows, what) for rows, what in ((ours, "measured"), (theirs, "published"))]
    lines = [(pair, method) for pair in pairs for method in shown]
    bounds = [
        _percent(cost[key]) for rows in (ours, theirs) for cost in rows.values() for key in _BOUNDS if key in cost
    ]
    low, high = min([0.0, *bounds]), max([1.0, *bounds])
    room = 0.06 * (high - low)
    figure = go.Figure(layout={"template": TEMPLATE})
    places = {line: _HEAD * (1 + pairs.index(line[0])) + _LINE * index for index, line in enumerate(lines)}
    height = _HEAD * len(pairs) + _LINE * len(lines)
    for pair in pairs:
        _write(figure, places[pair, shown[0]] - _LINE, f"<b>{pair}</b>", x=0.0, anchor="left", size=14, shift=-_LEFT)
    figure.add_vline(x=0.0, line={"color": MUTED, "width": 1}, layer="below")
    columns = [("here", _HERE, "circle", ours), ("paper", _PAPER, "diamond-open", theirs)]
    columns = [column for column in columns if column[3] or column[0] == "here"]
    for at, (name, colour, symbol, rows) in enumerate(columns):
        _dots(figure, rows, places, name=name, colour=colour, symbol=symbol)
        _write(
            figure, places[lines[0]] - _LINE, f"<b>{name}</b>", x=1.0, anchor="left", size=13, shift=20 + _COLUMN * at
        )
        for line, place in places.items():
            cost = rows.get(line)
            text = f"<span style='color:{MUTED}'>{NOT_MEASURED if name == 'here' else '—'}</span>"
            if cost is not None and "ratio" in cost:
                text = _in_words(cost)
            _write(figure, place, text, x=1.0, anchor="left", size=13, shift=20 + _COLUMN * at)
    said = [f"{name}: {device}" for (name, *_), device in zip(columns, devices, strict=False) if device]
    figure.update_layout(
        title=title("Time over the untouched I2V model", said),
        width=760 + _COLUMN * (len(columns) - 1),
        height=_TOP + height + _BOTTOM,
        margin={"l": _LEFT + 24, "r": 40 + _COLUMN * len(columns), "t": _TOP, "b": _BOTTOM},
        xaxis={
            "title": {"text": "time over the untouched model (%)"},
            "range": [low - room, high + room],
            "gridcolor": RULE,
            "ticksuffix": " %",
        },
        yaxis={
            "range": [height - _HEAD / 3, 0],
            "showgrid": False,
            "tickvals": list(places.values()),
            "ticktext": [_NAMES.get(method, method) for _, method in lines],
            "tickfont": {"size": 13, "color": INK},
            "ticklabelstandoff": 10,
        },
        showlegend=False,
    )
    return figure


_LEFT, _COLUMN = 170, 180
"""Pixels beside the plot: for names, and for each column of numbers."""
_BOUNDS = ("ratio", "ratio_lowest", "ratio_highest")


def _read(rows: Iterable[Cost], what: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return costs by pair and method, numbers read, what has none left out."""
    read: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if not row.get("pair") or not row.get("method"):
            raise InputError(f"a {what} cost needs its pair and method, got {dict(row)}")
        if row["method"] == "baseline":
            continue
        cost: dict[str, Any] = {"device": str(row.get("device", ""))}
        for key in _BOUNDS:
            given = row.get(key)
            if given is None or given == "":
                continue
            try:
                cost[key] = float(given)
            except ValueError:
                cost[key] = math.nan
            if not (math.isfinite(cost[key]) and cost[key] > 0.0):
                raise InputError(f"{key} {given!r} of {row['method']} on {row['pair']} must be a number above 0")
        read[str(row["pair"]), str(row["method"])] = cost
    return read


def _device(rows: Mapping[tuple[str, str], Cost], what: str) -> str:
    devices = sorted({str(cost["device"]) for cost in rows.values() if cost["device"] and "ratio" in cost})
    if len(devices) > 1:
        raise InputError(f"{what} costs are of several devices, {', '.join(devices)}; show one at a time")
    return devices[0] if devices else ""


def _dots(
    figure: go.Figure,
    rows: Mapping[tuple[str, str], Cost],
    places: Mapping[tuple[str, str], float],
    *,
    name: str,
    colour: str,
    symbol: str,
) -> None:
    measured = {line: cost for line, cost in rows.items() if line in places and "ratio" in cost}
    x = [_percent(cost["ratio"]) for cost in measured.values()]
    ends = [[_percent(cost.get(key, cost["ratio"])) for cost in measured.values()] for key in _BOUNDS[1:]]
    figure.add_scatter(
        x=x,
        y=[places[line] for line in measured],
        error_x={
            "visible": any(key in cost for cost in measured.values() for key in _BOUNDS[1:]),
            "symmetric": False,
            "arrayminus": [middle - low for middle, low in zip(x, ends[0], strict=True)],
            "array": [high - middle for middle, high in zip(x, ends[1], strict=True)],
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        name=name,
        mode="markers",
        marker={"size": 11, "color": colour, "symbol": symbol, "line": {"width": 2, "color": colour}},
        text=[f"{pair}, {_NAMES.get(method, method)}, {name}" for pair, method in measured],
        hovertemplate="%{text}<br><b>%{x:+.1f} %</b><extra></extra>",
    )


def _write(figure: go.Figure, y: float, text: str, *, x: float, anchor: str, size: int, shift: float) -> None:
    figure.add_annotation(
        x=x,
        xref="x domain",
        y=y,
        text=text,
        showarrow=False,
        xanchor=anchor,
        xshift=shift,
        align="left",
        font={"size": size, "color": INK},
    )


def _in_words(cost: Cost) -> str:
    said = f"{_percent(cost['ratio']):+.1f} %"
    if "ratio_lowest" in cost and "ratio_highest" in cost:
        said += f"  ({_percent(cost['ratio_lowest']):+.1f} to {_percent(cost['ratio_highest']):+.1f})"
    return said.replace("-", MINUS)


def _percent(ratio: float) -> float:
    return 100.0 * (ratio - 1.0)
