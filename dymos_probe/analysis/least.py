"""The λ whose value is least, and how much that says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from dymos_probe.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Least:
    """The least value over λ."""

    lam: float
    """Where it is."""
    value: float
    """What it is."""
    place: Literal["inside", "smallest", "largest", "only"]
    """Between other λ; at the smallest or largest λ there is, so that a lesser value may lie beyond; or the only λ."""


def least(curve: xr.DataArray) -> Least:
    """Return the λ at which ``curve`` (lam), such as d(λ), is least; the first of equals.

    An infinite λ has nothing beyond it, and counts as inside.

    Raises
    ------
    InputError
        When the curve has other dims, is empty or holds NaN.
    """
    if curve.dims != ("lam",) or not curve.size or bool(curve.isnull().any()):
        raise InputError(f"the least value is sought over lam alone, without NaN; got dims {curve.dims}")
    curve = curve.sortby("lam")
    at = int(np.argmin(curve.values))
    lam = float(curve["lam"].values[at])
    place: Literal["inside", "smallest", "largest", "only"] = "inside"
    if curve.size == 1:
        place = "only"
    elif np.isfinite(lam) and at in (0, curve.size - 1):
        place = "smallest" if at == 0 else "largest"
    return Least(lam=lam, value=float(curve.values[at]), place=place)
