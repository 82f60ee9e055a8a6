"""What `probe tune` recommends, in plain sentences for somebody who reads of λ for the first time."""

from __future__ import annotations

import math

from dymos_probe.analysis.least import Least
from dymos_probe.analysis.recommendation import Recommendation
from dymos_probe.figures.labels import counted, number, strength

_PLACES = 2
"""Decimals of a λ."""


def closest_sentence(found: Recommendation) -> str:
    """Return which λ brings attention nearest to T2V's, how that is known, and what was measured there."""
    said = (
        f"At λ = {at(found.closest.lam)} the I2V model should look at the video's frames most like the T2V model: this "
        f"is predicted from the untouched runs, {how_predicted(exact=found.exact)}{_beyond(found.closest)}."
    )
    if found.confirmed is not None:
        lam, distance = found.confirmed
        said += f" Run at λ = {strength(lam)}, the distance to T2V attention was {number(distance)} nats."
    return said


def how_predicted(*, exact: bool) -> str:
    """Return how sure a prediction from the untouched runs is."""
    return "exactly, from a recorded response" if exact else "approximately, from means over frames"


def predicted_sentence(closest: Least, *, exact: bool, samples: int) -> str:
    """Return the λ of least distance as it is predicted, before any λ is run."""
    return (
        f"Predicted, not run: at λ = {at(closest.lam)} the I2V model would look at the video's frames most like the "
        f"T2V model, with a distance of {number(closest.value)} nats to T2V attention, if the rest of the model did "
        f"not react ({how_predicted(exact=exact)}; {counted(samples, 'sample')}){_beyond(closest)}."
    )


def equal_sentence(found: Recommendation) -> str:
    """Return at which λ the videos move as T2V's do, with its interval, or why there is none."""
    units = "" if found.units == "1" else f" {found.units}"
    level = f"{found.metric_name}, {number(found.t2v_mean)}{units} in T2V"
    if found.motion_samples < found.samples:
        level += f", from the {found.motion_samples} of {counted(found.samples, 'sample')} measured everywhere"
    if found.equal is None:
        nearest, mean = min(found.points, key=lambda point: abs(point[1] - found.t2v_mean))
        said = (
            f"No λ that was run makes the videos move as much as those of the T2V model ({level}): {found.why}. "
            f"Nearest is λ = {strength(nearest)} with {number(mean)}{units}."
        )
    else:
        said = f"At λ = {at(found.equal)} the videos move as much as those of the T2V model ({level})."
        if found.low is not None and found.high is not None:
            ends = _end(found.low, "below"), _end(found.high, "above")
            said += f" Other samples would give a λ between {ends[0]} and {ends[1]} ({100 * found.level:g} % interval)."
        else:
            said += " Of one sample there is no interval."
    if not found.settled:
        said += " This is not settled: no λ near enough to it was run; the same command goes on."
    return said


def cost_sentence(found: Recommendation) -> str:
    """Return how many runs the tuning made, and how many a sweep over λ would have."""
    lams = found.sweep_lams
    sweep = (
        f"trying {len(lams)} λ from {strength(lams[0])} to {strength(lams[-1])} one by one takes "
        f"{counted(found.sweep_runs, 'run')}"
    )
    made = f"It made {counted(found.made, 'run')}" if found.made else "The runs it needed were there already"
    return f"{made}; {sweep}."


def at(lam: float) -> str:
    """Return a λ that was found, not given: to two decimals."""
    return strength(round(lam, _PLACES) + 0.0)


def _beyond(closest: Least) -> str:
    if closest.place not in ("smallest", "largest"):
        return ""
    return f"; that is the {closest.place} λ looked at, and one beyond may be nearer still"


def _end(lam: float, beyond: str) -> str:
    return f"{beyond} all that were run" if math.isinf(lam) else at(lam)
