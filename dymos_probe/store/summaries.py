"""Means that are kept beside a run's maps, so that nobody has to read those to draw a curve.

Three are plain: ``attention_mean``, ``dominance``, and ``attention_early``, which keeps heads apart and has the first
steps alone. The fourth, ``attention_tilted``, is what the direct effect of λ
is made of. Each recorded row is tilted, the odds of frame 0 times exp(−s), and then averaged; the tilt is not linear,
so means of tilted rows cannot be had from means of rows. As a function of s such a mean is analytic within π of the
real axis, wherever the mass on frame 0 lies, and so a polynomial through its values at a few Chebyshev points is it,
to the rounding of float32, at every s between the outermost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dymos_probe.store.schema import ATTENTION_EARLY, ATTENTION_MEAN, ATTENTION_TILTED, DOMINANCE

Floats = npt.NDArray[np.float64]

_BLOCK_BYTES: Final = 32 * 2**20
"""About what the weights of one matrix product take."""


def summaries(
    attention: npt.NDArray[np.float32], text_mass: npt.NDArray[np.float32], *, tilts: Floats | None, early: int
) -> dict[str, npt.NDArray[np.float32]]:
    """Return what is kept beside a run's maps, float32.

    Parameters
    ----------
    attention, text_mass
        Of the run, (branch, step, layer, head, query_frame, key_frame) and the same without the last.
    tilts
        Strengths at which ``attention_tilted`` is kept; None leaves it out.
    early
        First steps that ``attention_early`` is the mean over; 0 leaves it out.
    """
    kept = {
        ATTENTION_MEAN: attention.mean(axis=(2, 3), dtype=np.float64).astype(np.float32),
        DOMINANCE: attention[..., 1:, 0].mean(axis=-1, dtype=np.float64).astype(np.float32),
    }
    if early:
        kept[ATTENTION_EARLY] = attention[:, :early].mean(axis=1, dtype=np.float64).astype(np.float32)
    if tilts is not None:
        strengths = np.broadcast_to(tilts[:, None], (len(tilts), attention.shape[-1]))
        kept[ATTENTION_TILTED] = tilted_means(attention, text_mass, strengths)[0].astype(np.float32)
    return kept


def tilted_means(attention: npt.NDArray[Any], text_mass: npt.NDArray[Any], strengths: Floats) -> tuple[Floats, Floats]:
    """Return the mean over layers and heads of rows whose odds of frame 0 are multiplied by exp(−strength), float64.

    Parameters
    ----------
    attention, text_mass
        (…, layer, head, query_frame, key_frame) and (…, layer, head, query_frame); a row and its text sum to 1.
    strengths
        s, finite, natural-log units, (lam, query_frame), or (…, lam, query_frame) to differ between the maps. At 0 a
        row is as it was recorded.

    Returns
    -------
    tuple
        Attention (…, lam, query_frame, key_frame) and mass on text (…, lam, query_frame).
    """
    lead, frames = attention.shape[:-4], attention.shape[-1]
    each = np.broadcast_to(strengths, (*lead, *strengths.shape[-2:]))
    maps = np.empty((*each.shape, frames))
    mass = np.empty(each.shape)
    for at in np.ndindex(lead):
        for frame in range(attention.shape[-2]):
            rows = attention[at][:, :, frame].reshape(-1, frames).astype(np.float64)
            text = text_mass[at][:, :, frame].ravel().astype(np.float64)
            total = rows.sum(axis=1) + text
            for part in _parts(each.shape[-2], len(rows)):
                s = each[at][part, frame]
                # Whichever of the two weights would overflow is left at 1 and the other is shrunk instead.
                first, others = np.exp(-np.maximum(s, 0.0))[:, None], np.exp(np.minimum(s, 0.0))[:, None]
                share = 1.0 / (others * (total - rows[:, 0]) + first * rows[:, 0])
                share[s == 0.0] = 1.0
                share /= len(rows)
                weighted = share @ rows
                maps[at][part, frame] = weighted * others
                maps[at][part, frame, 0] = weighted[:, 0] * first[:, 0]
                mass[at][part, frame] = (share @ text) * others[:, 0]
    return maps, mass


def _parts(strengths: int, rows: int) -> Iterator[slice]:
    at_once = max(1, _BLOCK_BYTES // (8 * rows))
    for start in range(0, strengths, at_once):
        yield slice(start, start + at_once)
