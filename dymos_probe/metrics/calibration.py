"""Fit VBench's motion threshold to another flow, on videos that RAFT has scored: τ' = a·τ.

VBench calls a video dynamic when enough of its pairs exceed τ. With another flow the same videos are best told
apart by another threshold; one factor a is fitted for it, and judged on videos it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dymos_probe.errors import InputError
from dymos_probe.metrics.optical_flow import Motion

LEAST_VIDEOS: Final = 100
"""Below, a factor is chance."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A factor, and how far it can be trusted."""

    factor: float
    """a: the threshold is a times VBench's."""
    agreement: float
    """Share of held-out videos on which both agree."""
    kappa: float
    """Cohen's κ of both on held-out videos: agreement beyond chance."""
    videos: int
    """How many there were."""
    folds: int
    """Each video was held out once, with 1/folds of the others."""


def calibrate(motions: Sequence[Motion], dynamic: Sequence[bool], *, folds: int = 5, seed: int = 0) -> Calibration:
    """Return the factor that tells dynamic videos as RAFT does, by balanced accuracy, and its held-out agreement.

    Parameters
    ----------
    motions
        Of each video by the flow to calibrate, at least one pair each.
    dynamic
        Whether RAFT, by VBench's rule, calls it dynamic.
    folds
        Parts in which videos are held out.
    seed
        Of the order in which they are dealt to the parts.

    Raises
    ------
    InputError
        When there are fewer than 100 videos, fewer than ``folds`` of a kind, or a video without a pair.
    """
    labels = np.asarray(dynamic, dtype=bool)
    if len(motions) != len(labels) or len(labels) < LEAST_VIDEOS:
        raise InputError(
            f"{len(motions)} motions and {len(labels)} scores do not calibrate a threshold; give one score a video, "
            f"of at least {LEAST_VIDEOS} videos"
        )
    if folds < 2 or min(labels.sum(), (~labels).sum()) < folds:
        raise InputError(
            f"{labels.sum()} dynamic and {(~labels).sum()} still videos cannot be dealt to {folds} parts, one of each "
            "at least"
        )
    ratios = np.array([critical_factor(motion) for motion in motions])
    held_out = np.zeros(len(labels), dtype=bool)
    rng = np.random.default_rng(seed)
    part = np.empty(len(labels), dtype=np.int64)
    for kind in (labels, ~labels):
        # Dealt kind by kind, so that every part has both.
        part[rng.permutation(np.flatnonzero(kind))] = np.arange(kind.sum()) % folds
    for fold in range(folds):
        own = part == fold
        held_out[own] = ratios[own] > _best_factor(ratios[~own], labels[~own])
    return Calibration(
        factor=_best_factor(ratios, labels),
        agreement=float((held_out == labels).mean()),
        kappa=_kappa(held_out, labels),
        videos=len(labels),
        folds=folds,
    )


def critical_factor(motion: Motion) -> float:
    """Return the factor on VBench's threshold below which the video is dynamic.

    It is dynamic when as many pairs as are needed exceed the threshold: when the last of these does. Where
    none is needed VBench still looks at a pair, and any will do, so the factor is infinite.

    Raises
    ------
    InputError
        When there is no pair.
    """
    if not motion.top_means.size:
        raise InputError("a video without a pair of frames has no motion to calibrate with")
    if not motion.pairs_needed:
        return float("inf")
    return float(np.sort(motion.top_means)[-motion.pairs_needed] / motion.threshold)


def _best_factor(ratios: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> float:
    """Return the factor of largest balanced accuracy; of equals the one nearest to 1."""
    finite = np.unique(ratios[np.isfinite(ratios) & (ratios > 0.0)])
    if not finite.size:
        raise InputError("no video has any motion by this flow; there is no threshold to fit")
    candidates = np.concatenate([finite[:1] / 2.0, np.sqrt(finite[1:] * finite[:-1]), finite[-1:] * 2.0])
    called = ratios > candidates[:, None]
    hits = (called & labels).sum(axis=1) / labels.sum()
    rejections = (~called & ~labels).sum(axis=1) / (~labels).sum()
    score = np.round((hits + rejections) / 2.0, 12)
    best = candidates[score == score.max()]
    return float(best[np.abs(np.log(best)).argmin()])


def _kappa(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    agreed = (one == other).mean()
    by_chance = one.mean() * other.mean() + (1.0 - one.mean()) * (1.0 - other.mean())
    return float((agreed - by_chance) / (1.0 - by_chance))
