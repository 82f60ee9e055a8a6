"""How attention falls off with the distance in time between two frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.select import check_keep, same_samples
from dymos_probe.analysis.window import MAPS, WindowOptions, averaged, window
from dymos_probe.store.schema import CONDITION, HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

FRAME_DISTANCE = "frame_distance"

_KEPT = (SAMPLE, STEP, LAYER, HEAD)


def profile(
    ds: xr.Dataset,
    *,
    conditions: Sequence[str] | None = None,
    keep: Sequence[str] = (),
    **options: Unpack[WindowOptions],
) -> xr.Dataset:
    """Return the attention between generated frames by their signed distance, and that on the reference frame.

    Every condition stands on the same samples, those complete in all of them. Conditions without one
    complete run are left out, named in ``attrs["conditions_dropped"]``.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    conditions
        Ids to take; all by default.
    keep
        Dims not averaged: any of sample, step, layer, head.
    **options
        The window, `dymos_probe.analysis.window.WindowOptions`: early (0.1) or steps, layers, heads,
        samples, branch.

    Returns
    -------
    xarray.Dataset
        float64, lazy, attention mass: ``mass`` (condition, *kept dims, frame_distance), that of one key frame
        at distance g − f, the mean over the pairs of query frame f ≥ 1 and key frame g ≥ 1 with it, from
        2 − F to F − 2; ``reference`` (condition, *kept dims, query_frame), that on frame 0, for f ≥ 1. Summed
        over the pairs and over f, they and the mass on text make up the number of query frames.

    Raises
    ------
    InputError
        When a choice does not exist, or no sample is complete in every condition.
    """
    check_keep(keep, _KEPT)
    within = window(ds, options, early=0.1)
    started, samples, dropped = same_samples(ds, conditions, among=within.samples)
    kept = (*keep, QUERY_FRAME, KEY_FRAME)
    maps = averaged(ds, MAPS, conditions=started, samples=samples, within=within, keep=kept)
    maps = maps.isel({QUERY_FRAME: slice(1, None)})
    frames = maps.sizes[QUERY_FRAME]
    share = xr.DataArray(
        _shares(frames),
        coords={FRAME_DISTANCE: np.arange(1 - frames, frames), QUERY_FRAME: maps[QUERY_FRAME].values},
        dims=(FRAME_DISTANCE, QUERY_FRAME, KEY_FRAME),
    )
    share[FRAME_DISTANCE].attrs = {"long_name": "key frame − query frame (latent)", "units": "index"}
    mass = xr.dot(maps.isel({KEY_FRAME: slice(1, None)}), share.drop_vars(QUERY_FRAME), dim=[QUERY_FRAME, KEY_FRAME])
    return xr.Dataset(
        {
            "mass": mass.transpose(CONDITION, *keep, FRAME_DISTANCE).assign_attrs(
                long_name="attention on one generated frame, by its distance", units="attention mass"
            ),
            "reference": maps.isel({KEY_FRAME: 0}, drop=True)
            .transpose(CONDITION, *keep, QUERY_FRAME)
            .assign_attrs(long_name="attention on the reference frame", units="attention mass"),
        }
    ).assign_attrs(**within.attrs(ds, samples), conditions_dropped=", ".join(dropped))


def _shares(frames: int) -> npt.NDArray[np.float64]:
    """Return what each pair of frames counts in the mean at each distance, (frame_distance, query, key)."""
    query, key = np.indices((frames, frames))
    at_distance = (key - query) == np.arange(1 - frames, frames)[:, None, None]
    return np.asarray(at_distance / at_distance.sum(axis=(1, 2), keepdims=True))
