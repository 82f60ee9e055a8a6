"""Resampling of samples with replacement: weights, resampled statistics a block of cells at a time, percentiles.

Every bootstrap sample of n samples is a row of multinomial counts; counts over n are the weights of
its mean, so that all means of a block are one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dymos_probe.analysis.divergence import row_divergence
from dymos_probe.errors import InputError

Floats = npt.NDArray[np.float64]

_BLOCK_BYTES = 64 * 2**20
"""About what the resampled values of one block of cells take."""


def check_bootstrap(level: float, resamples: int) -> None:
    """Refuse a level or a number of resamples that gives no interval.

    Raises
    ------
    InputError
        Saying what would be right.
    """
    if not 0.0 < level < 1.0:
        raise InputError(f"level {level} is outside (0, 1); 0.95 gives the middle 95 %")
    tails = int(np.ceil(2.0 / (1.0 - level) - 1e-9))
    if resamples < tails:
        raise InputError(f"resamples {resamples} cannot show a level of {level:g}; give {tails} or more")


def resampling_weights(samples: int, resamples: int, seed: int) -> Floats:
    """Return the share every sample has in each bootstrap sample, (resamples, sample); rows sum to one."""
    counts = np.random.default_rng(seed).multinomial(samples, np.full(samples, 1.0 / samples), size=resamples)
    return counts / samples


def percentiles(value: Floats, resampled: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the bounds of the middle ``level`` of ``resampled`` (resamples, …), widened to hold ``value`` (…).

    A divergence of means only grows under resampling where it is near zero, and would leave its own value outside.
    """
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail], axis=0)
    return np.minimum(low, value), np.maximum(high, value)


class Resampled(Protocol):
    """What is resampled: samples of values at ``cells`` cells."""

    @property
    def samples(self) -> int:
        """Number of samples."""
        ...

    @property
    def cells(self) -> int:
        """Number of cells."""
        ...

    def block(self, resamples: int) -> int:
        """Return how many cells fit in one block."""
        ...

    def means(self, weights: Floats, cells: slice) -> Floats:
        """Return the statistic under each row of ``weights``, (resamples, lead, columns of the cells)."""
        ...


@dataclass(frozen=True)
class Linear:
    """A statistic that is a mean over samples."""

    values: Floats
    """Of each sample, (sample, lead, cell)."""

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.values.shape[0])

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.values.shape[2])

    def block(self, resamples: int) -> int:
        """Return how many cells fit in one block."""
        return max(1, _BLOCK_BYTES // (resamples * int(self.values.shape[1]) * 8))

    def means(self, weights: Floats, cells: slice) -> Floats:
        """Return the mean under each row of ``weights``, (resamples, lead, cell)."""
        return np.tensordot(weights, self.values[:, :, cells], 1)


@dataclass(frozen=True)
class Divergence:
    """d(λ) of mean maps: what is averaged over samples are the maps, before they are compared."""

    rows: npt.NDArray[np.float32]
    """Of each sample, (sample, lam, cell, query_frame, key_frame)."""
    reference: npt.NDArray[np.float32]
    """Of T2V, (sample, cell, query_frame, key_frame)."""
    keep_query: bool
    """Whether query frames are columns of their own, or averaged."""
    scale: float
    """What nats are divided by."""

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.rows.shape[0])

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.rows.shape[2])

    def block(self, resamples: int) -> int:
        """Return how many cells fit in one block."""
        return max(1, _BLOCK_BYTES // (resamples * int(np.prod(self.rows.shape[3:])) * 8))

    def means(self, weights: Floats, cells: slice) -> Floats:
        """Return d of the mean maps under each row of ``weights``, (resamples, lam, cell × query frame if kept)."""
        reference = np.tensordot(weights, self.reference[:, cells], 1)
        curves = []
        for at in range(self.rows.shape[1]):  # one λ at a time: of all together the maps may be large
            divergence = row_divergence(np.tensordot(weights, self.rows[:, at, cells], 1), reference) / self.scale
            curves.append(divergence if self.keep_query else divergence.mean(axis=-1))
        return np.stack(curves, axis=1).reshape(len(weights), len(curves), -1)


def over_blocks(what: Resampled, weights: Floats | None, block: int) -> Iterator[tuple[Floats, Floats | None]]:
    """Yield the statistic (lead, columns) and, with ``weights``, its resampled values, block of cells by block."""
    same = np.full((1, what.samples), 1.0 / what.samples)
    for start in range(0, what.cells, block):
        cells = slice(start, min(start + block, what.cells))
        yield what.means(same, cells)[0], None if weights is None else what.means(weights, cells)
