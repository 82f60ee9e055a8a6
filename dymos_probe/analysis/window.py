"""The window an analysis looks through: which steps, layers, heads, samples and guidance branch of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypedDict

import dask.array
import numpy as np
import xarray as xr
from dask.graph_manipulation import clone

from dymos_probe.analysis.mean import mean_over
from dymos_probe.analysis.select import early_steps
from dymos_probe.errors import InputError
from dymos_probe.store.schema import (
    ATTENTION,
    ATTENTION_EARLY,
    ATTENTION_MEAN,
    BRANCH,
    CONDITION,
    HEAD,
    KEY_FRAME,
    LAYER,
    QUERY_FRAME,
    SAMPLE,
    STEP,
    STEPS,
)

MAPS = (ATTENTION_MEAN, ATTENTION_EARLY, ATTENTION)
"""The variables that hold frame-to-frame attention."""

_RUN_AXES = (SAMPLE, CONDITION, BRANCH, STEP)


class WindowOptions(TypedDict, total=False):
    """The keywords every analysis over maps takes; None is the same as not given."""

    early: float | None
    """Fraction of the steps from the first, in (0, 1]; excludes ``steps``."""
    steps: Sequence[int] | None
    """Steps, by index; excludes ``early``."""
    layers: Sequence[int] | None
    """Layers, by index; all by default."""
    heads: Sequence[int] | None
    """Heads, by index; all by default."""
    samples: Sequence[str] | None
    """Ids of samples; all by default."""
    branch: str
    """Branch of classifier-free guidance, ``cond`` by default."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window that the study has, as positions along its dims; made by `window`."""

    branch: str
    """Branch of classifier-free guidance."""
    steps: tuple[int, ...]
    """Positions of the steps, rising."""
    early: float | None
    """The fraction they are of all steps; None where they were named."""
    layers: tuple[int, ...] | None = None
    """Positions of the layers, rising; None for all."""
    heads: tuple[int, ...] | None = None
    """Positions of the heads, rising; None for all."""
    samples: tuple[str, ...] | None = None
    """Ids of the samples; None for all."""
    narrowed: bool = False
    """Whether the dataset itself has but some layers or heads of the study, which stored means know nothing of."""

    @property
    def needed(self) -> frozenset[str]:
        """Dims along which something is left out, which a mean over them could not leave out any more."""
        chosen = {LAYER: self.layers, HEAD: self.heads}
        return frozenset(dim for dim, positions in chosen.items() if positions is not None)

    def attrs(self, ds: xr.Dataset, used: Sequence[str]) -> dict[str, Any]:
        """Return what a result says of its window, and of the samples ``used`` of those in it."""
        said: dict[str, Any] = {"branch": self.branch}
        if self.early is not None:
            said["early"] = self.early
        else:
            said["steps"] = [int(ds[STEP].values[at]) for at in self.steps]
        for name, dim, positions in (("layers", LAYER, self.layers), ("heads", HEAD, self.heads)):
            if positions is not None:
                said[name] = [int(ds[dim].values[at]) for at in positions]
        total = ds.sizes[SAMPLE] if self.samples is None else len(self.samples)
        return said | {"samples_used": len(used), "samples_total": total}


def window(ds: xr.Dataset, options: WindowOptions, *, early: float) -> Window:
    """Return the window that ``options`` ask for; ``early`` is what it takes of the steps when they name none.

    Raises
    ------
    InputError
        When the study lacks what is named, nothing or something twice is named, or ``steps`` and ``early``
        are both given.
    TypeError
        For a keyword that is none of a window's.
    """
    known = WindowOptions.__annotations__
    if unknown := [name for name in options if name not in known]:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}; a window is told by {', '.join(known)}")
    branch = options.get("branch", "cond")
    branches = [str(label) for label in np.atleast_1d(ds[BRANCH].values)]
    if branch not in branches:
        raise InputError(f"branch {branch!r} was not recorded; the study has {', '.join(branches)}")
    if BRANCH not in ds.dims or STEP not in ds.dims:
        raise InputError("the dataset lacks the dim branch or step; give a whole study, and choose by branch and steps")
    fraction, named = options.get("early"), options.get("steps")
    if fraction is not None and named is not None:
        raise InputError(f"early {fraction} and steps {named!r} are both given; give one of them")
    if named is None:
        fraction = early if fraction is None else fraction
        steps = tuple(range(early_steps(ds.sizes[STEP], fraction)))
    else:
        steps = _positions(ds, STEP, "steps", named)
    samples = options.get("samples")
    return Window(
        branch=branch,
        steps=steps,
        early=fraction,
        layers=_part_of(ds, LAYER, "layers", options.get("layers")),
        heads=_part_of(ds, HEAD, "heads", options.get("heads")),
        samples=None if samples is None else _labels(ds, SAMPLE, "samples", samples),
        narrowed=_narrowed(ds),
    )


def averaged(
    ds: xr.Dataset,
    names: Iterable[str],
    *,
    conditions: str | Sequence[str],
    samples: Sequence[str],
    within: Window,
    keep: Sequence[str],
) -> xr.DataArray:
    """Return the cheapest of the variables ``names`` in a window, averaged over all but some dims, float64, lazy.

    Parameters
    ----------
    ds
        A study.
    names
        Variables with the same values, some as means over layers and heads or over steps: the smallest that serves
        is read.
    conditions
        One id, which leaves no dim, or several.
    samples
        Ids of complete samples.
    within
        The window.
    keep
        Dims not averaged, besides several conditions.
    """
    part = recorded_in(ds, cheapest(ds, names, within=within, keep=keep), conditions, samples, within)
    return mean_over(part, [str(dim) for dim in part.dims if dim not in (CONDITION, *keep)])


def cheapest(ds: xr.Dataset, names: Iterable[str], *, within: Window, keep: Sequence[str]) -> str:
    """Return the variable of ``names`` that has what a window and ``keep`` need, and fewest values a step."""
    needed = (within.needed | set(keep)) - {QUERY_FRAME, KEY_FRAME}
    fit = [name for name in names if name in ds and _serves(ds, name, within, needed)]
    return min(fit, key=lambda name: np.prod([n for dim, n in ds[name].sizes.items() if dim not in _RUN_AXES]))


def _serves(ds: xr.Dataset, name: str, within: Window, needed: Set[str]) -> bool:
    if not needed <= set(ds[name].dims) or (within.narrowed and name == ATTENTION_MEAN):
        return False
    # By their labels, since the dataset may have but some of the study's steps.
    return name != ATTENTION_EARLY or ds[STEP].values[list(within.steps)].tolist() == [*range(ds[name].attrs[STEPS])]


def recorded_in(
    ds: xr.Dataset, name: str, conditions: str | Sequence[str], samples: Sequence[str], within: Window
) -> xr.DataArray:
    """Return variable ``name`` of some runs in a window, lazy, as stored, without labels that differ by run or step."""
    part = ds[name]
    part = part.drop_vars([n for n in part.coords if n in ("timestep", "sigma", "expert")])
    stretch: dict[str, Any] = {BRANCH: [str(label) for label in ds[BRANCH].values].index(within.branch)}
    rest: dict[str, list[int]] = {}
    for dim, labels in ((SAMPLE, samples), (CONDITION, [conditions] if isinstance(conditions, str) else conditions)):
        # The stretch they lie in, so that what is not read is not planned either.
        places = _places(ds, dim, labels)
        first = min(places)
        stretch[dim] = slice(first, max(places) + 1)
        rest[dim] = [place - first for place in places]
    # dask hands one slicing, of the dims together, down to the store; before a second it reads whole blocks.
    # For that, every stretch of steps has blocks of its own.
    pieces = [
        (_own(part) if number else part).isel({**stretch, STEP: steps} if STEP in part.dims else stretch)
        for number, steps in enumerate(_stretches(within.steps) if STEP in part.dims else [slice(None)])
    ]
    if len(pieces) > 1:
        part = xr.concat(pieces, STEP, coords="minimal", compat="override", join="exact", combine_attrs="override")
    else:
        part = pieces[0]
    chosen = {LAYER: within.layers, HEAD: within.heads}
    rest |= {dim: list(at) for dim, at in chosen.items() if at is not None and dim in part.dims}
    for dim, positions in rest.items():
        if positions != list(range(part.sizes[dim])):
            part = part.isel({dim: positions})
    return part.isel({CONDITION: 0}) if isinstance(conditions, str) else part


def _places(ds: xr.Dataset, dim: str, labels: Sequence[str]) -> list[int]:
    place = {str(label): at for at, label in enumerate(ds[dim].values)}
    return [place[label] for label in labels]


def _own(part: xr.DataArray) -> xr.DataArray:
    """Return the same lazy values as blocks that no other slicing shares."""
    if not isinstance(part.data, dask.array.Array):
        return part
    return part.copy(data=clone(part.data))


def _stretches(positions: Sequence[int]) -> list[slice]:
    """Return rising positions as slices of neighbours: a list would be taken from whole blocks."""
    breaks = np.flatnonzero(np.diff(positions) != 1) + 1
    bounds = [0, *breaks.tolist(), len(positions)]
    return [slice(positions[a], positions[b - 1] + 1) for a, b in pairwise(bounds)]


def _part_of(ds: xr.Dataset, dim: str, option: str, given: Sequence[int] | None) -> tuple[int, ...] | None:
    if given is None:
        return None
    if dim not in ds.dims:
        raise InputError(f"{option} {given!r} cannot be chosen: the dataset has no dim {dim} any more")
    positions = _positions(ds, dim, option, given)
    return None if len(positions) == ds.sizes[dim] else positions


def _positions(ds: xr.Dataset, dim: str, option: str, given: Sequence[int]) -> tuple[int, ...]:
    labels = _labels(ds, dim, option, given)
    place = {label: at for at, label in enumerate(ds[dim].values.tolist())}
    return tuple(sorted(place[label] for label in labels))


def _labels(ds: xr.Dataset, dim: str, option: str, given: Sequence[Any]) -> tuple[Any, ...]:
    """Return what was given as plain values, once it is known that the study has each."""
    kind, example = (str, "'a', 'b'") if dim == SAMPLE else (int, "0, 1")
    if isinstance(given, str) or not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise InputError(f"{option} {given!r} is no sequence; give several or one as ({example})")
    labels = tuple(value.item() if isinstance(value, np.generic) else value for value in given)
    if not labels:
        raise InputError(f"{option} is empty; name at least one {dim}, or leave it out for all")
    known = ds[dim].values.tolist()
    for label in labels:
        if not isinstance(label, kind) or isinstance(label, bool) or label not in known:
            raise InputError(f"{option} has {label!r}, which is no {dim} of the study; it has {_listed(known)}")
        if labels.count(label) > 1:
            raise InputError(f"{option} has {label!r} twice; name each {dim} once")
    return labels


def _listed(known: list[Any]) -> str:
    if len(known) > 8:
        return f"{len(known)}, {known[0]!r} … {known[-1]!r}"
    return ", ".join(map(repr, known)) or "none"


def _narrowed(ds: xr.Dataset) -> bool:
    stored = ds[ATTENTION_MEAN].attrs
    sizes = ((LAYER, stored.get("layers")), (HEAD, stored.get("heads")))
    return any(size is not None and ds.sizes.get(dim, 1) != size for dim, size in sizes)
