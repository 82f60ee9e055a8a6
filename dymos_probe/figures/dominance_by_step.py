"""Attention on the reference frame over the denoising steps: where in the generation it is strongest (Fig. 2)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures.condition_styles import condition_styles, end_labels
from dymos_probe.figures.facts import facts, title
from dymos_probe.figures.template import MUTED, RULE, TEMPLATE
from dymos_probe.store.schema import CONDITION, STEP

_TOP, _BOTTOM, _PLOT = 116, 70, 320


def dominance_by_step(da: xr.DataArray) -> go.Figure:
    """Return one line a condition, each named at its end; the steps in which λ acts are shaded.

    Parameters
    ----------
    da
        Dominance (condition, step), attention mass, as ``ds.probe.dominance(keep=("step",))`` returns it.
        Coordinates of the conditions name and colour the lines; ``step_ratio`` among them tells the
        modulated steps, those of all denoising steps where ``da`` has all.

    Raises
    ------
    InputError
        When it has other dims or an empty one, or holds NaN.
    """
    if set(da.dims) != {CONDITION, STEP} or not da.size:
        sizes = ", ".join(f"{dim}: {size}" for dim, size in da.sizes.items()) or "none"
        raise InputError(f"dominance by step is drawn over {CONDITION} and {STEP}, none of them empty, got {sizes}")
    da = da.transpose(CONDITION, STEP).compute()
    values = np.asarray(da.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("dominance by step cannot be drawn of NaN or infinity; draw it from complete runs")
    steps = np.asarray(da[STEP].values, dtype=np.int64)
    labels = [str(label) for label in da[CONDITION].values]
    styles = condition_styles(da)
    top = 1.08 * float(values.max()) or 1.0
    figure = go.Figure(layout={"template": TEMPLATE})
    for label, style in styles.items():
        row = values[labels.index(label)]
        figure.add_scatter(
            x=steps,
            y=row,
            name=style.name,
            mode="lines+markers" if len(steps) == 1 else "lines",
            line={"color": style.colour, "width": style.width, "dash": style.dash},
            marker={"color": style.colour, "size": 8},
            hovertemplate=f"{style.name}<br>step %{{x}}: <b>%{{y:.4f}}</b> attention mass<extra></extra>",
            showlegend=False,
        )
    # Names stand where the lines are further apart: the early steps, where λ acts, or the last.
    left = bool(np.ptp(values[:, 0]) > np.ptp(values[:, -1]))
    place = 0 if left else -1
    ends = [(float(values[labels.index(label), place]), style.name, style.colour) for label, style in styles.items()]
    height = max(_PLOT, 19 * len(ends))
    room = 44 + 8 * max(len(style.name) for style in styles.values())
    end_labels(figure, ends, height=height, span=(0.0, top), left=left)
    _shade(figure, da, steps)
    figure.update_layout(
        title=title("Attention on the reference frame over the denoising steps", facts(da)),
        width=860,
        height=_TOP + height + _BOTTOM,
        margin={"l": room if left else 84, "r": 84 if left else room, "t": _TOP, "b": _BOTTOM},
        xaxis={
            "title": {"text": "denoising step: ← noise   ·   video →"},
            "range": [steps.min() - 0.5, steps.max() + 0.5],
            "showgrid": False,
            "ticks": "outside",
            "tickcolor": MUTED,
            "ticklen": 5,
            "tickformat": "d",
        }
        | ({"dtick": 1} if len(steps) <= 12 else {}),
        yaxis={
            "title": {"text": "attention on frame 0 (attention mass)", "standoff": 16},
            "range": [0.0, top],
            "side": "right" if left else "left",
        },
    )
    return figure


def _shade(figure: go.Figure, da: xr.DataArray, steps: npt.NDArray[np.int64]) -> None:
    """Shade where λ acts, in bands where conditions differ in it; nothing where no one knows."""
    if not {"step_ratio", "lam", "method"} <= set(da.coords):
        return
    modulated = (da["method"] == "dymos").values & (da["lam"] != 0.0).values
    ratios = sorted({float(ratio) for ratio in da["step_ratio"].values[modulated] if ratio > 0.0})
    ends = [math.ceil(ratio * len(steps) - 1e-9) for ratio in ratios]
    ends = sorted({end for end in ends if end >= 1})
    for count, (start, end) in enumerate(pairwise([0, *ends])):
        figure.add_vrect(
            x0=steps[start] - 0.5,
            x1=steps[end - 1] + 0.5,
            fillcolor=RULE,
            opacity=0.55 if count % 2 == 0 else 0.3,
            line={"width": 0},
            layer="below",
        )
    if not ends:
        return
    every = len(ends) == 1 and ends[0] == len(steps)
    figure.add_annotation(
        x=steps[0] - 0.5,
        y=1.0,
        yref="y domain",
        text="λ acts in "
        + ("all steps" if every else f"the first {' or '.join(map(str, ends))} of {len(steps)} steps"),
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        yshift=4,
        font={"size": 12, "color": MUTED},
    )
