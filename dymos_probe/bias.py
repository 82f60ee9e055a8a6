"""The modulation of Eq. 6 as a value: how much is subtracted from which logits, when."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dymos_probe.errors import InputError

Schedule = Literal["uniform", "linear", "log", "matched"]
Branch = Literal["cond", "uncond"]
MatchedTable = tuple[tuple[float, ...], ...]

MATCHED: Final[Literal["matched"]] = "matched"


@dataclass(frozen=True, kw_only=True)
class Bias:
    """Subtract λ·φ(f) from the logits of reference-frame keys (Eq. 6 of the paper).

    The bias acts where the key is a video token of latent frame ``key_frame`` and the query
    is a video token of latent frame f ≥ 1; text and frame-0 queries stay untouched. ``lam`` is
    in natural-log units on the already scaled logit: λ > 0 weakens, λ < 0 strengthens, +inf
    removes the key frame, −inf leaves nothing else.

    Raises
    ------
    InputError
        When a value is outside its range; the message names it.
    """

    lam: float
    """Strength λ; any float but NaN."""
    step_ratio: float = 1.0
    """Fraction of the denoising steps modulated, from the first, in [0, 1]."""
    schedule: Schedule = "uniform"
    """Frame-wise φ (Eqs. 9-11): ``uniform`` 1, ``linear`` f/(F−1), ``log`` ln(1+f)/ln F; ``matched``: a table's."""
    matched: MatchedTable | None = None
    """With ``schedule="matched"``: φ of every layer, a tuple over all F query frames whose first is 0; λ scales it."""
    layers: tuple[int, ...] | None = None
    """Self-attention layers modulated; None for all."""
    heads: tuple[int, ...] | None = None
    """Heads modulated in those layers; None for all."""
    query_frames: tuple[int, ...] | None = None
    """Query frames modulated; None for all f ≥ 1."""
    key_frame: int = 0
    """Latent frame whose keys are modulated; anything but 0 is a placebo."""
    branches: tuple[Branch, ...] = ("cond",)
    """Branches of classifier-free guidance modulated (Eq. 7: only ``cond``)."""
    exempt_reference_queries: bool = True
    """Leave frame-0 queries alone (Appendix C.1); False lets the uniform schedule reach them too."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if math.isnan(self.lam):
            raise InputError("lam is NaN; give a number, inf or -inf")
        if not 0.0 <= self.step_ratio <= 1.0:
            raise InputError(f"step_ratio {self.step_ratio} is outside [0, 1]; 0.2 is the first fifth of the steps")
        if self.schedule not in get_args(Schedule):
            raise InputError(f"schedule {self.schedule!r} is unknown; choose one of {', '.join(get_args(Schedule))}")
        self._check_matched()
        if not self.branches or set(self.branches) - set(get_args(Branch)):
            raise InputError(f"branches {self.branches!r} must name one or both of {', '.join(get_args(Branch))}")
        if self.key_frame < 0:
            raise InputError(f"key_frame {self.key_frame} is negative; latent frames count from 0")
        for name in ("layers", "heads", "query_frames"):
            chosen = getattr(self, name)
            if chosen is not None and (not chosen or min(chosen) < 0 or len(set(chosen)) != len(chosen)):
                raise InputError(f"{name} {chosen!r} must be distinct indices from 0, at least one")

    def _check_matched(self) -> None:
        if (self.schedule == MATCHED) != (self.matched is not None):
            raise InputError(
                "schedule 'matched' and a matched table belong together; give both, "
                "or run `probe intervene STUDY --schedule matched`, which computes the table from a study"
            )
        if self.matched is None:
            return
        if math.isinf(self.lam):
            raise InputError(f"lam {self.lam} cannot scale a matched table; give a finite λ, 1 is as matched")
        if not self.exempt_reference_queries:
            raise InputError("a matched table has no strength for queries of frame 0; leave exempt_reference_queries")
        check_matched_table(self.matched)

    @property
    def schedule_name(self) -> str:
        """The schedule, with the digest of its table where it has one: ``matched-0b9d3c2f61a8``."""
        return self.schedule if self.matched is None else matched_name(self.matched)

    def modulated_steps(self, steps: int) -> int:
        """Return how many of ``steps`` denoising steps are modulated: ceil(step_ratio·S − 1e-9)."""
        return max(0, math.ceil(self.step_ratio * steps - 1e-9))

    def acts(self, *, step: int, steps: int, layer: int) -> bool:
        """Return whether this bias changes anything at ``step`` (0-based, of ``steps``) in ``layer``."""
        in_layer = self.layers is None or layer in self.layers
        return self.lam != 0.0 and in_layer and step < self.modulated_steps(steps)

    def phi(self, frames: int, layer: int = 0) -> npt.NDArray[np.float64]:
        """Return φ for every query frame, shape (F,), 0 where it is left alone; ``layer`` matters to a table alone."""
        if self.matched is not None:
            values = np.array(self.matched[layer])
        elif self.schedule == "uniform" or frames < 2:
            values = np.ones(frames)
        elif self.schedule == "linear":
            values = np.arange(frames) / (frames - 1)
        else:
            values = np.log1p(np.arange(frames)) / np.log(frames)
        if self.exempt_reference_queries:
            values[0] = 0.0
        if self.query_frames is not None:
            values[np.setdiff1d(np.arange(frames), self.query_frames)] = 0.0
        return values

    def strengths(self, frames: int, layer: int = 0) -> npt.NDArray[np.float64]:
        """Return λ·φ for every query frame, shape (F,), natural-log units."""
        phi = self.phi(frames, layer)
        # λ may be infinite: where φ is 0 it must not be multiplied.
        return np.where(phi != 0.0, self.lam, 0.0) * np.where(phi != 0.0, phi, 1.0)

    def table(self, *, branches: Sequence[str], heads: int, frames: int, layer: int = 0) -> npt.NDArray[np.float64]:
        """Return λ·φ in ``layer`` for a batch whose rows belong to ``branches``, shape (rows, heads, F), nats."""
        per_frame = self.strengths(frames, layer)
        rows = np.isin(np.asarray(branches), self.branches)
        columns = np.ones(heads, dtype=bool) if self.heads is None else np.isin(np.arange(heads), self.heads)
        return np.where(rows[:, None, None] & columns[None, :, None], per_frame, 0.0)

    def check_fits(self, *, layers: int, heads: int, frames: int) -> None:
        """Refuse layers, heads or frames that the model does not have.

        Raises
        ------
        InputError
            Naming the first index out of range and the largest there is, or the sizes a table was made for.
        """
        if self.matched is not None and (len(self.matched), len(self.matched[0])) != (layers, frames):
            raise InputError(
                f"the matched table is for {len(self.matched)} layers and {len(self.matched[0])} latent frames; "
                f"here are {layers} layers and {frames} latent frames"
            )
        for name, size in (("layers", layers), ("heads", heads), ("query_frames", frames)):
            beyond = [i for i in getattr(self, name) or () if i >= size]
            if beyond:
                raise InputError(f"{name} {beyond[0]} does not exist; this model has {name} 0 to {size - 1}")
        if self.key_frame >= frames:
            raise InputError(f"key_frame {self.key_frame} does not exist; there are latent frames 0 to {frames - 1}")


def check_matched_table(table: MatchedTable) -> None:
    """Refuse what is no table of strengths over layers and query frames.

    Raises
    ------
    InputError
        When it is not a tuple of tuples of one length, at least two, of finite numbers, the first of each 0.
    """
    shown = "a tuple with, for each layer, a tuple of strengths λ over all query frames, the first 0"
    if not isinstance(table, tuple) or not table or not all(isinstance(row, tuple) for row in table):
        raise InputError(f"the matched table must be {shown}")
    lengths = {len(row) for row in table}
    if len(lengths) != 1 or min(lengths) < 2:
        raise InputError(f"the matched table has rows of {', '.join(map(str, sorted(lengths)))} frames; give {shown}")
    if not all(math.isfinite(value) for row in table for value in row) or any(row[0] != 0.0 for row in table):
        raise InputError(f"the matched table holds NaN, infinity or a strength for frame 0; give {shown}")


def matched_name(table: MatchedTable) -> str:
    """Return ``matched-`` and twelve digits of the table's SHA-256: equal for equal tables alone."""
    # + 0.0 makes −0.0 the 0.0 it is.
    text = json.dumps([[float(value) + 0.0 for value in row] for row in table])
    return f"{MATCHED}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def response_grid(lams: Iterable[float]) -> tuple[float, ...]:
    """Return the strengths λ of a response, any floats but NaN, in rising order.

    Raises
    ------
    InputError
        When there is none, one is no number, or one is given twice.
    """
    try:
        grid = tuple(float(lam) + 0.0 for lam in lams)  # + 0.0 makes -0.0 the 0.0 it is
    except (TypeError, ValueError):
        raise InputError(f"response {lams!r} is no list of strengths λ, such as [-1, 0.6, 1]") from None
    if not grid:
        raise InputError("response is empty; give at least one strength λ, or no response at all")
    if any(math.isnan(lam) for lam in grid):
        raise InputError("response has a λ that is NaN; give numbers, inf or -inf")
    if len(set(grid)) != len(grid):
        raise InputError(f"response {', '.join(f'{lam:g}' for lam in grid)} has a λ twice; give each once")
    return tuple(sorted(grid))


def response_table(grid: Sequence[float], frames: int) -> npt.NDArray[np.float64]:
    """Return λ·φ of Eq. 6 for every λ of ``grid``, φ uniform, shape (L, 1, 1, F), natural-log units.

    A row of attention depends on its own λ·φ(f) alone, so what another schedule does to query
    frame f at λ is what the uniform one does to it at λ·φ(f).
    """
    return np.stack([Bias(lam=lam).table(branches=("cond",), heads=1, frames=frames) for lam in grid])
