"""The numbers of the evaluation from the measures of every prompt: means, paired differences, attention, d(λ)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.divergence import jensen_shannon
from studies.sprites.conditions import Model, conditions, curve
from studies.sprites.config import EvaluationConfig
from studies.sprites.data import SPEEDS
from studies.sprites.measure import Measured

Values = npt.NDArray[np.float64]


def summarise(measured: Sequence[Measured], config: EvaluationConfig) -> dict[str, Any]:
    """Return the evaluation as JSON values; displacements are in pixels, errors are standard errors over prompts."""
    wanted = {condition.name: condition for condition in conditions(config)}
    steps = len(next(iter(measured[0].attention.values())))
    early = max(1, int(np.ceil(config.early * steps - 1e-9)))
    rows = {name: _row(measured, name) for name in wanted}
    for name in rows:
        rows[name]["distance_to_t2v_attention"] = _divergence(measured, name, early)
        rows[name]["dominance"] = float(_dominance(measured, name)[:, :early].mean())
    return {
        "settings": {
            "prompts": len(measured),
            "control_prompts": min(config.control_prompts, len(measured)),
            "steps": config.steps,
            "guidance_scale": config.guidance_scale,
            "step_ratio": config.step_ratio,
            "control_lam": config.control_lam,
            "early_steps": early,
        },
        "conditions": rows,
        "attention": {model: _attention(measured, curve(model, 0.0), early) for model in config.models},
        "motion_against_t2v": {
            name: _paired(measured, name, "t2v", "distance") | _paired_along(measured, name, "t2v")
            for name in wanted
            if name != "t2v"
        },
        "motion_over_lam": {model: _gaps(measured, model, config) for model in config.models},
        "controls_against_untouched": _controls(measured, config),
        "least_distance": {model: _least_distance(rows, model, config) for model in config.models},
        "captions": _captions(measured),
    }


def paired_difference(first: Values, second: Values) -> dict[str, Any]:
    """Return mean and standard error of ``first − second`` over the pairs where neither is NaN, and both means."""
    both = ~(np.isnan(first) | np.isnan(second))
    difference = (first - second)[both]
    count = int(both.sum())
    return {
        "mean": _mean(difference),
        "standard_error": float(difference.std(ddof=1) / np.sqrt(count)) if count > 1 else None,
        "pairs": count,
        "first": _mean(first[both]),
        "second": _mean(second[both]),
    }


def _mean(values: Values) -> float | None:
    return float(values.mean()) if values.size else None


def _column(measured: Sequence[Measured], name: str, measure: str, *, tracked: bool = False) -> Values:
    """Return one measure over prompts, NaN where it was not run or (``tracked``) the sprite was lost."""
    values = []
    for each in measured:
        found = each.values.get(name)
        usable = found is not None and not (tracked and found["lost_frames"])
        values.append(np.nan if not usable or found[measure] is None else float(found[measure]))
    return np.array(values)


def _row(measured: Sequence[Measured], name: str) -> dict[str, Any]:
    lost = _column(measured, name, "lost_frames")
    run = lost[~np.isnan(lost)]
    row: dict[str, Any] = {"prompts": len(run), "lost": int((run > 0).sum())}
    for measure in ("along", "distance"):
        values = _column(measured, name, measure, tracked=True)
        values = values[~np.isnan(values)]
        row[measure] = _mean(values)
        row[f"{measure}_standard_error"] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    for measure in (
        "direction_right",
        "colour_right",
        "shape_right",
        "optical_flow",
        "frame_difference",
        "first_frame_psnr",
    ):
        values = _column(measured, name, measure)
        row[measure] = _mean(values[~np.isnan(values)])
    return row


def _paired(measured: Sequence[Measured], name: str, other: str, measure: str) -> dict[str, Any]:
    columns = (_column(measured, each, measure, tracked=True) for each in (name, other))
    return {measure: paired_difference(*columns)}


def _paired_along(measured: Sequence[Measured], name: str, other: str) -> dict[str, Any]:
    return _paired(measured, name, other, "along")


def _gaps(measured: Sequence[Measured], model: Model, config: EvaluationConfig) -> dict[str, Any]:
    """Return the differences along the captioned direction between neighbours of −1, 0, 1 and 2, and over λ to 0."""
    ordered = [lam for lam in (-1.0, 0.0, 1.0, 2.0) if lam in config.lams]
    gaps = {
        f"{low:g} to {high:g}": _paired_along(measured, curve(model, high), curve(model, low))["along"]
        for low, high in pairwise(ordered)
    }
    to_zero = {
        f"{lam:g}": _paired_along(measured, curve(model, lam), curve(model, 0.0))["along"] for lam in config.lams if lam
    }
    return {"gaps": gaps, "against_0": to_zero}


def _controls(measured: Sequence[Measured], config: EvaluationConfig) -> dict[str, Any]:
    """Return the change along the captioned direction under each control, and under λ alone on the same prompts."""
    controls = [condition for condition in conditions(config) if condition.untouched]
    changes = {each.name: _paired_along(measured, each.name, str(each.untouched))["along"] for each in controls}
    if controls:
        few, lam = measured[: config.control_prompts], curve("i2v", config.control_lam)
        changes[f"{lam}, same prompts"] = _paired_along(few, lam, curve("i2v", 0.0))["along"]
    return changes


def _maps(measured: Sequence[Measured], name: str) -> Values:
    """Return attention (prompt, step, layer, query frame, key frame) of the prompts that have this condition."""
    return np.stack([each.attention[name] for each in measured if name in each.attention]).astype(np.float64)


def _dominance(measured: Sequence[Measured], name: str) -> Values:
    """Return column 0 over query frames ≥ 1: (prompt, step, layer)."""
    return _maps(measured, name)[..., 1:, 0].mean(axis=-1)


def _attention(measured: Sequence[Measured], i2v: str, early: int) -> dict[str, Any]:
    arms = {"t2v": _dominance(measured, "t2v"), "i2v": _dominance(measured, i2v)}
    first = {arm: float(values[:, :early].mean()) for arm, values in arms.items()}
    excess = arms["i2v"] - arms["t2v"]
    delta = (_maps(measured, i2v) - _maps(measured, "t2v"))[:, :early].mean(axis=(0, 1, 2))
    return {
        "dominance": first,
        "ratio": first["i2v"] / first["t2v"],
        "prompts_with_excess": float((excess[:, :early].mean(axis=(1, 2)) > 0).mean()),
        "excess_by_step": excess.mean(axis=(0, 2)).tolist(),
        "excess_by_layer": excess[:, :early].mean(axis=(0, 1)).tolist(),
        "difference_map": delta.tolist(),
    }


def _divergence(measured: Sequence[Measured], name: str, early: int) -> float:
    """Return d of Eq. 5 against T2V on the same prompts: maps averaged first, video frames only, nats."""
    few = [each for each in measured if name in each.attention]
    means = (_maps(few, each)[:, :early].mean(axis=(0, 1, 2))[1:] for each in (name, "t2v"))
    arm, t2v = (xr.DataArray(mean, dims=("query_frame", "key_frame")) for mean in means)
    return float(jensen_shannon(arm, t2v).mean())


def _least_distance(rows: dict[str, Any], model: Model, config: EvaluationConfig) -> dict[str, Any]:
    lams = sorted(config.lams)
    values = [rows[curve(model, lam)]["distance_to_t2v_attention"] for lam in lams]
    lowest = int(np.argmin(values))
    falls_then_rises = all(np.diff(values[: lowest + 1]) < 0) and all(np.diff(values[lowest:]) > 0)
    return {
        "lam": lams[lowest],
        "interior": 0 < lowest < len(lams) - 1,
        "only_minimum": bool(falls_then_rises),
        "along_there": rows[curve(model, lams[lowest])]["along"],
        "along_t2v": rows["t2v"]["along"],
    }


def _captions(measured: Sequence[Measured]) -> dict[str, Any]:
    along = _column(measured, "t2v", "along", tracked=True)
    speeds = np.array([each.clip.speed for each in measured])
    return {
        "direction_right": _mean(_column(measured, "t2v", "direction_right")),
        "along_by_speed": {speed: _mean(along[(speeds == speed) & ~np.isnan(along)]) for speed in SPEEDS},
        "drawn_by_speed": {speed: float(np.mean(SPEEDS[speed])) * 24 for speed in SPEEDS},
    }
