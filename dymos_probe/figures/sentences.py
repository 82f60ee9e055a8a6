"""What a figure shows in one or two plain sentences with its numbers, for a page and a terminal alike."""

from __future__ import annotations

import numpy as np
import xarray as xr

from dymos_probe.analysis.least import least
from dymos_probe.figures.labels import condition_name, counted, number, signed, strength

READ_DIFFERENCE = (
    "Each cell compares how much one generated frame (row) looks at another frame (column): red where the "
    "image-to-video (I2V) model looks more than the text-to-video (T2V) model it was tuned from, blue where it looks "
    "less, for the same prompts, noise and settings. The outlined column is the reference frame, the image the video "
    "starts from; frames are those of the model's latent space, each worth several of the video."
)
READ_DISTANCE = (
    "λ is the strength of the intervention: above 0 it weakens attention on the reference frame, below 0 it "
    "strengthens it. The curve says how far the I2V model's attention then is from the T2V model's: 0 is equal, "
    "lower is closer."
)
READ_METRIC = (
    "Each point is the I2V model at one λ, a mean over samples with its standard error; the orange line and band "
    "are the level of the T2V model on the same samples."
)
READ_STRIP = (
    "Videos of one prompt, all from the same noise, time from left to right. Below T2V, λ rises from row to row: the "
    "reference frame counts for less and less. A row that repeats its first picture is a video that stands still."
)

READ_PAIR = (
    "Videos of one prompt, both from the same noise, time from left to right. A row that repeats its first picture is "
    "a video that stands still."
)


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


def strip_sentence(frames: xr.DataArray) -> str:
    """Return how far pixels are from those of the first frame, by row, from frames (condition, time, y, x, rgb)."""
    frames = frames.transpose("condition", "time", "y", "x", "rgb")
    pixels = np.asarray(frames.values, dtype=np.float32)
    # The first frame itself is no motion; of a single frame the mean is then 0, not that of nothing.
    moved = np.abs(pixels - pixels[:, :1]).sum(axis=1).mean(axis=(1, 2, 3)) / max(pixels.shape[1] - 1, 1)
    names = [
        condition_name(str(arm), float(lam))
        for arm, lam in zip(frames["arm"].values, frames["lam"].values, strict=True)
    ]
    said = "; ".join(f"{name}: {number(float(value))}" for name, value in zip(names, moved, strict=True))
    return f"Mean difference of a pixel from the first frame of its row, of 255 (a crude sign of motion): {said}."


def _percent(mass: float) -> str:
    return f"{100.0 * mass:.1f} %"


def _stands_on(result: xr.DataArray) -> str:
    early = float(result.attrs["early"])
    steps = f"first {100.0 * early:g} % of the steps" if early < 1.0 else "all steps"
    return f"{steps}, {counted(int(result.attrs['samples_used']), 'sample')}"
