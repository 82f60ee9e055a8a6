"""What a figure shows of a study, in one or two plain sentences with its numbers, for a page and a terminal alike."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.least import least
from dymos_probe.figures.condition_styles import names_of
from dymos_probe.figures.facts import listed
from dymos_probe.figures.labels import MINUS, counted, number, signed, strength

_NO_REST = 5e-4
"""Mass below which a tenth of a percentage point is not reached."""


def attention_sentence(dominance: xr.DataArray) -> str:
    """Return how much attention goes to the reference frame in each model.

    Parameters
    ----------
    dominance
        Attention mass (condition) of the T2V and the I2V condition, in this order, from ``ds.probe.dominance``.
    """
    t2v, i2v = (float(value) for value in dominance.values)
    times = f": {number(i2v / t2v)} times as much" if t2v > 0.0 else ""
    return (
        f"In the I2V model, generated frames put {_percent(i2v)} of their attention on the reference frame, in the "
        f"T2V model {_percent(t2v)}{times} ({_stands_on(dominance)})."
    )


def difference_sentence(delta: xr.DataArray) -> str:
    """Return what the reference frame gains and who loses it, from ΔA (query_frame, key_frame)."""
    later = delta.isel(query_frame=slice(1, None)).mean("query_frame")
    gained, others = float(later.isel(key_frame=0)), later.isel(key_frame=slice(1, None))
    least = others.isel(key_frame=int(np.argmin(others.values)))
    text = -gained - float(others.sum())
    # Rows and the mass on text sum to one in both models; a model without text tokens has no rest.
    rest = f", text tokens {_points(text)}" if abs(text) > _NO_REST else ""
    return (
        f"Seen from later query frames, I2V attention differs from T2V's by {_points(gained)} percentage points on the "
        f"reference frame, by {_points(float(others.sum()))} on the other frames together (least: frame "
        f"{int(least['key_frame'])}, {_points(float(least))}){rest} ({_stands_on(delta)})."
    )


def step_sentence(dominance: xr.DataArray) -> str:
    """Return attention on the reference frame at both ends of the generation, and where the gap is widest.

    Parameters
    ----------
    dominance
        Attention mass (condition, step) of the T2V and the untouched I2V condition, in this order.
    """
    t2v, i2v = np.asarray(dominance.transpose("condition", "step").values)
    steps = dominance["step"].values
    widest = int(np.argmax(i2v - t2v))
    gap = f"{_points(float((i2v - t2v)[widest]))} percentage points"
    return (
        f"In the first step the I2V model puts {_percent(i2v[0])} of its attention on the reference frame and the T2V "
        f"model {_percent(t2v[0])}, in the last {_percent(i2v[-1])} and {_percent(t2v[-1])}. The excess is largest in "
        f"step {int(steps[widest])} of 0–{int(steps[-1])}: {gap} "
        f"({counted(int(dominance.attrs['samples_used']), 'sample')})."
    )


def head_sentence(excess: xr.DataArray) -> str:
    """Return how many heads carry half of the excess on the reference frame, from it (layer, head)."""
    excess = excess.transpose("layer", "head")
    falling = np.sort(excess.values, axis=None)[::-1]
    row, column = np.unravel_index(int(np.argmax(excess.values)), excess.shape)
    largest = f"layer {int(excess['layer'][row])}, head {int(excess['head'][column])}"
    total = float(falling[falling > 0.0].sum())
    most = f"the largest is {signed(float(falling[0]), 3)}, {largest} ({_stands_on(excess)})"
    if total <= 0.0:
        return f"No head looks more at the reference frame in I2V than in T2V; {most}."
    half = int(np.searchsorted(np.cumsum(np.clip(falling, 0.0, None)), 0.5 * total * (1.0 - 1e-12))) + 1
    less = int((excess.values < 0.0).sum())
    fewer = f"{counted(less, 'head')} of {excess.size} {'looks' if less == 1 else 'look'}" if less else "No head looks"
    return (
        f"Half of the summed excess on the reference frame is carried by {counted(half, 'head')} of {excess.size}; "
        f"{most}. {fewer} less at it than in T2V."
    )


def profile_sentence(profile: xr.Dataset) -> str:
    """Return what neighbours and the reference frame get, from ``mass`` and ``reference`` of T2V and I2V, in order."""
    near = profile["mass"].sel(frame_distance=[-1, 1]).mean("frame_distance").values
    reference = profile["reference"].mean("query_frame").values
    ratios = [float(r / n) if n > 0.0 else np.nan for r, n in zip(reference, near, strict=True)]
    return (
        f"A neighbour in time gets {_percent(near[0])} of a frame's attention in T2V and {_percent(near[1])} in I2V; "
        f"the reference frame gets {_percent(reference[0])} and {_percent(reference[1])}, {number(ratios[0])} and "
        f"{number(ratios[1])} times as much as a neighbour ({_stands_on(profile)})."
    )


def reference_sentence(dominance: xr.DataArray) -> str:
    """Return attention on the reference frame at every λ and in T2V, and between which λ it meets T2V's.

    Parameters
    ----------
    dominance
        Attention mass (condition) of T2V and of I2V conditions of different λ, with ``arm`` and ``lam``.
    """
    arms, lams = dominance["arm"].values.astype(str), dominance["lam"].values
    level = float(dominance.values[arms == "t2v"][0])
    points = sorted(
        (float(lam), float(v)) for arm, lam, v in zip(arms, lams, dominance.values, strict=True) if arm != "t2v"
    )
    listed = ", ".join(f"{_percent(value)} at λ = {strength(lam)}" for lam, value in points)
    said = f"Generated frames of I2V put {listed} of their attention on the reference frame, T2V {_percent(level)}"
    met = [(a, b) for (a, v), (b, w) in pairwise(points) if min(v, w) <= level <= max(v, w)]
    where = (
        f"I2V meets T2V's level between λ = {strength(met[0][0])} and {strength(met[0][1])}"
        if met
        else "no λ tried meets T2V's level"
    )
    return f"{said}; {where} ({_stands_on(dominance)})."


def distance_sentence(distance: xr.DataArray) -> str:
    """Return at which λ attention is closest to T2V's, from d(λ) (lam)."""
    lowest, units = least(distance), distance.attrs.get("units", "nats")
    at_zero = float(distance.sel(lam=0.0)) if 0.0 in distance["lam"] else None
    tried = ", ".join(strength(lam) for lam in sorted(distance["lam"].values.tolist()))
    said = f"Of the λ tried ({tried}), I2V attention is closest to T2V's at λ = {strength(lowest.lam)}"
    value = f"d = {number(lowest.value)} {units}"
    if lowest.lam == 0.0:
        said += f", the untouched model: {value}"
    else:
        said += f": {value}" + (
            f", against {number(at_zero)} of the untouched model, λ = 0" if at_zero is not None else ""
        )
    said += f" ({_stands_on(distance)})."
    if lowest.place in ("smallest", "largest"):
        further = "smaller" if lowest.place == "smallest" else "larger"
        said += f" That is the {lowest.place} λ tried: a {further} one may come closer still."
    return said


def minimum_sentence(minimum: xr.Dataset) -> str:
    """Return where the fitted d(λ) is least, from ``ds.probe.distance_minimum()``."""
    low, high = float(minimum["closest_lam_low"]), float(minimum["closest_lam_high"])
    said = f"The smooth curve through them is least at λ = {number(float(minimum['closest_lam']))}"
    if np.isfinite(low) and np.isfinite(high):
        level = 100.0 * float(minimum.attrs.get("level", 0.95))
        said += f" ({level:g} % interval over samples: {number(low)} to {number(high)})"
    return said + "."


def motion_and_quality_sentence(motion: xr.Dataset, quality: xr.Dataset) -> str:
    """Return what the smallest and the largest λ change in both, from two of ``ds.probe.metric_curve``."""
    said = []
    for curve in (motion, quality):
        name, units = str(curve.attrs.get("long_name", "metric")), str(curve.attrs.get("units", "1"))
        shown = "" if units == "1" else f" {units}"
        ends = [float(lam) for lam in (curve["lam"].min(), curve["lam"].max()) if float(lam) != 0.0]
        changes = " and ".join(
            f"{signed(float(curve['change'].sel(lam=lam)))}{shown} at λ = {strength(lam)}" for lam in ends
        )
        said.append(f"{name}, {number(float(curve['mean'].sel(lam=0.0)))}{shown} at λ = 0, changes by {changes}")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def metric_sentence(curve: xr.Dataset) -> str:
    """Return a metric in T2V, untouched and at every other λ, from ``ds.probe.metric_curve``."""
    name, units = str(curve.attrs.get("long_name", "metric")), str(curve.attrs.get("units", "1"))
    said = f"{name[:1].upper()}{name[1:]}{'' if units == '1' else f', in {units}'}: "
    said += f"T2V {number(float(curve['t2v_mean']))}; I2V {number(float(curve['mean'].sel(lam=0.0)))} untouched (λ = 0)"
    changes = []
    for lam in curve["lam"].values.tolist():
        if lam == 0.0:
            continue
        at = curve.sel(lam=lam)
        error = float(at["change_standard_error"])
        spread = f" ± {number(error, 2)}" if np.isfinite(error) else ""
        changes.append(f"{number(float(at['mean']))} ({signed(float(at['change']))}{spread}) at λ = {strength(lam)}")
    count = int(curve.attrs["samples_used"])
    kind = "changes ± standard error, " if count > 1 else ""
    return f"{said}, {', '.join(changes)} ({kind}{counted(count, 'sample')})."


def changes_sentence(changes: xr.Dataset, names: Mapping[str, str]) -> str:
    """Return the change of a metric under each condition, from ``dymos_probe.analysis.metric_changes``."""
    name, units = str(changes.attrs.get("long_name", "metric")), str(changes.attrs.get("units", "1"))
    said = []
    for label, called in names.items():
        one = changes.sel(condition=label)
        pairs = int(one["pairs"])
        value = f"{signed(float(one['change']))}" if pairs else "not measured"
        error = float(one["change_standard_error"])
        said.append(f"{called} {value}" + (f" ± {number(error, 2)}" if np.isfinite(error) else ""))
    head = f"{name[:1].upper()}{name[1:]}{'' if units == '1' else f', in {units}'}"
    return f"{head}, against the untouched I2V model: {'; '.join(said)}."


def strip_sentence(frames: xr.DataArray) -> str:
    """Return how far pixels are from those of the first frame, by row, from frames (condition, time, y, x, rgb)."""
    frames = frames.transpose("condition", "time", "y", "x", "rgb")
    pixels = np.asarray(frames.values, dtype=np.float32)
    # The first frame itself is no motion; of a single frame the mean is then 0, not that of nothing.
    moved = np.abs(pixels - pixels[:, :1]).sum(axis=1).mean(axis=(1, 2, 3)) / max(pixels.shape[1] - 1, 1)
    return (
        "Mean difference of a pixel from the first frame of its row, of 255 (a crude sign of motion): "
        f"{_by_condition(frames, moved)}."
    )


def slice_sentence(lines: xr.DataArray, dim: str, at: int, count: int) -> str:
    """Return which line is shown and how much it changes from frame to frame, by condition.

    Parameters
    ----------
    lines
        Frames (condition, time, y, x, rgb) of one row or column.
    dim, at, count
        ``y`` for a row or ``x`` for a column, which it is, and how many the image has.
    """
    lines = lines.transpose("condition", "time", "y", "x", "rgb")
    pixels = np.asarray(lines.values, dtype=np.float32)
    changed = np.abs(np.diff(pixels, axis=1)).mean(axis=(1, 2, 3, 4))
    which = f"{'Row' if dim == 'y' else 'Column'} {at} of 0–{count - 1}, the {'row' if dim == 'y' else 'column'}"
    return (
        f"{which} that changes most over all conditions. Mean difference of its pixels from one frame to the next, of "
        f"255: {_by_condition(lines, changed)}."
    )


def _by_condition(frames: xr.DataArray, values: npt.NDArray[np.float32]) -> str:
    names = names_of(frames)
    labels = [str(label) for label in frames["condition"].values]
    return "; ".join(f"{name}: {number(float(values[labels.index(label)]))}" for label, name in names.items())


def _percent(mass: float) -> str:
    return f"{100.0 * mass:.1f} %"


def _points(mass: float) -> str:
    return f"{100.0 * mass:+.1f}".replace("-", MINUS)


def _stands_on(result: xr.DataArray | xr.Dataset) -> str:
    if "early" in result.attrs:
        early = float(result.attrs["early"])
        steps = f"first {100.0 * early:g} % of the steps" if early < 1.0 else "all steps"
    else:
        steps = listed("step", result.attrs["steps"])
    return f"{steps}, {counted(int(result.attrs['samples_used']), 'sample')}"
