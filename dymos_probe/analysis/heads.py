"""Which heads of which layers carry the excess attention on the reference frame."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.cluster.hierarchy import fcluster, linkage

from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.select import i2v_condition, named_condition, t2v_condition
from dymos_probe.analysis.window import WindowOptions
from dymos_probe.errors import InputError
from dymos_probe.store.schema import CONDITION, HEAD, LAYER

_DIMS = (LAYER, HEAD)


def heads(
    ds: xr.Dataset, *, condition: str | None = None, clusters: int = 4, **options: Unpack[WindowOptions]
) -> xr.Dataset:
    """Return what every head puts on the reference frame in both arms, its rank and its cluster; in memory.

    Clusters are cut from Ward's tree (`scipy.cluster.hierarchy`) over dominance in both arms, excess and, with
    a ``condition``, effect, each scaled to unit deviation. They are numbered by falling mean excess, so that
    cluster 1 carries most; heads that are alike give fewer than asked, ``attrs["clusters"]``.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    condition
        Id of an intervention whose effect on each head is wanted too.
    clusters
        Most clusters.
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads, samples,
        branch.

    Returns
    -------
    xarray.Dataset
        Over (layer, head): ``dominance_t2v``, ``dominance_i2v``, ``excess`` (I2V − T2V), with a condition ``effect``
        (dominance under it − dominance of λ = 0), attention mass, float64; ``share`` of the summed positive
        excess, which sums to 1, or 0 everywhere where no head has any; ``rank``, 1 for the largest excess, of
        equals the first; ``cluster``, from 1.

    Raises
    ------
    InputError
        When a choice does not exist, ``clusters`` is below 1, or no sample is complete in all arms.
    """
    if isinstance(clusters, bool) or not isinstance(clusters, (int, np.integer)) or clusters < 1:
        raise InputError(f"clusters {clusters!r} must be a whole number of at least 1")
    arms = {"t2v": t2v_condition(ds), "i2v": i2v_condition(ds, 0.0)}
    asked = [*arms.values()] if condition is None else [*arms.values(), named_condition(ds, condition)]
    if options.get("steps") is None and options.get("early") is None:
        options = {**options, "early": 0.1}
    each = dominance(ds, conditions=list(dict.fromkeys(asked)), keep=_DIMS, **options).compute()
    if each.attrs["conditions_dropped"]:
        raise InputError(f"{each.attrs['conditions_dropped']} has no complete run; record it first")
    values = {f"dominance_{arm}": each.sel({CONDITION: label}) for arm, label in arms.items()}
    values["excess"] = values["dominance_i2v"] - values["dominance_t2v"]
    if condition is not None:
        values["effect"] = each.sel({CONDITION: condition}) - values["dominance_i2v"]
    result = xr.Dataset({name: value.drop_vars(_scalars(value)) for name, value in values.items()})
    positive = result["excess"].clip(min=0.0)
    total = float(positive.sum())
    flat = result["excess"].values.ravel()
    rank = np.empty(flat.size, dtype=np.int64)
    rank[np.argsort(-flat, kind="stable")] = np.arange(1, flat.size + 1)
    features = np.stack([result[name].values.ravel() for name in values], axis=1)
    cluster = _clusters(features, flat, clusters)
    result = result.assign(
        share=positive / total if total > 0.0 else xr.zeros_like(positive),
        rank=(_DIMS, rank.reshape(result["excess"].shape)),
        cluster=(_DIMS, cluster.reshape(result["excess"].shape)),
    )
    for name, (long_name, units) in _ABOUT.items():
        if name in result:
            result[name].attrs = {"long_name": long_name, "units": units}
    about = {key: value for key, value in each.attrs.items() if key not in ("long_name", "units", "conditions_dropped")}
    return result.assign_attrs(about, condition=condition or "", clusters=int(cluster.max()))


_ABOUT = {
    "dominance_t2v": ("attention on the reference frame in T2V", "attention mass"),
    "dominance_i2v": ("attention on the reference frame in I2V", "attention mass"),
    "excess": ("excess attention on the reference frame, I2V − T2V", "attention mass"),
    "effect": ("change of attention on the reference frame against λ = 0", "attention mass"),
    "share": ("share of the summed positive excess", "1"),
    "rank": ("rank by excess, largest first", "1"),
    "cluster": ("cluster, by falling mean excess", "1"),
}


def _scalars(values: xr.DataArray) -> list[Any]:
    return [name for name, coord in values.coords.items() if not coord.dims]


def _clusters(features: npt.NDArray[np.float64], excess: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
    """Return a label from 1 for each row of ``features`` (head, feature)."""
    if len(features) == 1:  # a tree needs two
        return np.ones(1, dtype=np.int64)
    deviation = features.std(axis=0)
    # What is constant up to the rounding of the store's float32 tells nothing apart.
    varies = deviation > 1e-6 * np.abs(features).max(axis=0)
    scaled = (features[:, varies] - features[:, varies].mean(axis=0)) / deviation[varies]
    if not varies.any():
        return np.ones(len(features), dtype=np.int64)
    found = fcluster(linkage(scaled, method="ward"), t=most, criterion="maxclust")
    labels = np.unique(found)
    falling = labels[np.argsort([-excess[found == label].mean() for label in labels], kind="stable")]
    order: dict[Any, int] = {label: place for place, label in enumerate(falling, start=1)}
    return np.array([order[label] for label in found], dtype=np.int64)
