"""The values of an analysis sample by sample, ready to be resampled, in parts that fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dask.array
import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.bootstrap import Divergence, Floats, Linear, Resampled, over_blocks, resampling_weights
from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.divergence import compared_arms, distance, distributions
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.entropy import entropy
from dymos_probe.analysis.window import window
from dymos_probe.errors import InputError
from dymos_probe.store.schema import CONDITION, KEY_FRAME, QUERY_FRAME, SAMPLE, STEP

ANALYSES: Final[Mapping[str, Callable[..., xr.DataArray]]] = {
    "difference": difference,
    "dominance": dominance,
    "distance": distance,
    "entropy": entropy,
}
"""The analyses whose uncertainty can be asked for."""

Reduce = Callable[[Floats, Floats | None], dict[str, npt.NDArray[Any]]]
"""Statistic (lead, cell) and its resampled values (resamples, lead, cell) → results (lead, cell) or (cell,)."""

_PART_BYTES = 256 * 2**20
"""About what the values of all samples of one part of the steps take, where steps are kept."""
_LAM = "lam"


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Values of every sample at some cells."""

    resampled: Resampled
    dims: tuple[str, ...]
    """Dims of the cells, in the order they lie in."""


def resample(
    ds: xr.Dataset,
    name: str,
    options: Mapping[str, Any],
    reduce: Reduce,
    *,
    resamples: int,
    seed: int,
    lead_of: Mapping[str, str] | None = None,
) -> tuple[xr.DataArray, xr.Dataset]:
    """Return the lazy result of an analysis, for its labels, and what ``reduce`` makes of its resampled values.

    Resampled values are None where there is one sample.

    Parameters
    ----------
    ds
        A study.
    name
        Of the analysis, one of `ANALYSES`.
    options
        Its keywords.
    reduce
        Called block by block.
    resamples, seed
        Number of bootstrap samples, and the seed they are drawn with, the same for all cells.
    lead_of
        Names of results whose leading dim is another than the analysis's, and that dim.

    Raises
    ------
    InputError
        When samples are to be kept, or as the analysis does.
    """
    if SAMPLE in options.get("keep", ()):
        raise InputError(f"an interval of {name} is over samples; leave sample out of keep")
    template = ANALYSES[name](ds, **options)
    lead = next((dim for dim in (CONDITION, _LAM) if dim in template.dims), None)
    samples = int(template.attrs["samples_used"])
    weights = resampling_weights(samples, resamples, seed) if samples > 1 else None
    parts = []
    for steps in _groups_of_steps(ds, template):
        chosen = {**options, "early": None, "steps": steps} if steps is not None else options
        part = _part(ds, name, chosen)
        block = part.resampled.block(resamples)
        blocks = [reduce(value, drawn) for value, drawn in over_blocks(part.resampled, weights, block)]
        joined = {key: np.concatenate([each[key] for each in blocks], axis=-1) for key in blocks[0]}
        cut = template if steps is None else template.sel({STEP: list(steps)})
        parts.append(_labelled(joined, cut, {key: (lead_of or {}).get(key, lead) for key in joined}, part.dims))
    whole = parts[0] if len(parts) == 1 else xr.concat(parts, dim=STEP, coords="minimal", compat="override")
    return template, whole


def _groups_of_steps(ds: xr.Dataset, template: xr.DataArray) -> Iterator[tuple[int, ...] | None]:
    if STEP not in template.dims:
        yield None
        return
    # A distance holds maps of so many values for each of its own.
    each = ds.sizes[QUERY_FRAME] * ds.sizes[KEY_FRAME] if template.name == "distance" else 1
    size = template.attrs["samples_used"] * template.size // template.sizes[STEP] * each * 8
    at_once = max(1, _PART_BYTES // size)
    steps = [int(step) for step in template[STEP].values]
    for start in range(0, len(steps), at_once):
        yield tuple(steps[start : start + at_once])


def _part(ds: xr.Dataset, name: str, options: Mapping[str, Any]) -> _Part:
    if name == "distance" and options.get("order", "mean_first") == "mean_first":
        return _mean_first(ds, **options)
    values = ANALYSES[name](ds, **{**options, "keep": (*options.get("keep", ()), SAMPLE)})
    lead = [dim for dim in (CONDITION, _LAM) if dim in values.dims]
    dims = tuple(str(dim) for dim in values.dims if dim not in (SAMPLE, *lead))
    ordered = values.transpose(SAMPLE, *lead, *dims)
    in_memory = _in_memory(ordered, np.float64)
    return _Part(
        resampled=Linear(in_memory.reshape(ordered.sizes[SAMPLE], ordered.sizes[lead[0]] if lead else 1, -1)),
        dims=dims,
    )


def _mean_first(
    ds: xr.Dataset,
    *,
    step_ratio: float | None = None,
    schedule: str | None = None,
    order: str = "mean_first",
    text: Any = "renormalise",
    base: float | None = None,
    keep: Sequence[str] = (),
    **options: Any,
) -> _Part:
    within = window(ds, options, early=0.1)  # type: ignore[arg-type]
    arms = compared_arms(ds, step_ratio=step_ratio, schedule=schedule, within=within)
    dims = tuple(dim for dim in keep if dim != QUERY_FRAME)
    rows, reference = (
        distributions(ds, which, arms.samples, within=within, text=text, keep=(*dims, SAMPLE)).transpose(
            SAMPLE, *lead, *dims, QUERY_FRAME, KEY_FRAME
        )
        for which, lead in ((arms.modulated, (CONDITION,)), (arms.t2v, ()))
    )
    frames = (rows.sizes[QUERY_FRAME], rows.sizes[KEY_FRAME])
    samples = len(arms.samples)
    return _Part(
        resampled=Divergence(
            _in_memory(rows, np.float32).reshape(samples, len(arms.modulated), -1, *frames),
            _in_memory(reference, np.float32).reshape(samples, -1, *frames),
            QUERY_FRAME in keep,
            1.0 if base is None else float(np.log(base)),
        ),
        dims=(*dims, QUERY_FRAME) if QUERY_FRAME in keep else dims,
    )


def _in_memory(values: xr.DataArray, dtype: type) -> npt.NDArray[Any]:
    """Return the values, computed block by block into one array, so that they are never there twice."""
    if not isinstance(values.data, dask.array.Array):
        return np.asarray(values.values, dtype=dtype)
    whole: npt.NDArray[Any] = np.empty(values.shape, dtype=dtype)
    dask.array.store(values.data, whole, lock=False)
    return whole


def _labelled(
    results: Mapping[str, npt.NDArray[Any]],
    template: xr.DataArray,
    leads: Mapping[str, str | None],
    dims: tuple[str, ...],
) -> xr.Dataset:
    """Return results (lead, cell) or (cell,) under the labels of ``template``."""
    shape = tuple(template.sizes[dim] for dim in dims)
    labelled = {}
    for key, values in results.items():
        lead = leads[key] if values.ndim == 2 else None
        front = ((len(values),), (lead,)) if lead else ((), ())
        array = xr.DataArray(values.reshape((*front[0], *shape)), dims=(*front[1], *dims))
        own = [dim for dim in template.dims if dim in array.dims]
        labelled[key] = array.transpose(*([] if lead in own or not lead else [lead]), *own)
    present = {dim for array in labelled.values() for dim in array.dims}
    kept = {label: coord for label, coord in template.coords.items() if set(coord.dims) <= present}
    return xr.Dataset(labelled).assign_coords(kept)
