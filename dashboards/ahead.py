"""What the first page would otherwise wait for: libraries, and what those import once something is drawn."""

from __future__ import annotations

import importlib
from typing import Final

import numpy as np
import xarray as xr

from dymos_probe import figures

_OF_PAGES: Final = ("data", "moving", "recommended", "generate_form", "job_view", "survey_results", "voting")
"""Modules beside this one that import, between them, all of the library that pages use."""
_AT_FIRST_USE: Final = ("distributed", "pandas.io.formats.csvs", "pyarrow.pandas_compat", "PIL.PngImagePlugin")
"""What xarray and Streamlit import only when something is first computed or shown."""


def load() -> None:
    """Import it all, and draw one figure of each make into the void."""
    for name in (*_OF_PAGES, *_AT_FIRST_USE):
        importlib.import_module(name)
    maps = xr.DataArray(np.full((2, 2), 0.5), dims=("query_frame", "key_frame"), attrs={"units": "attention mass"})
    curve = xr.DataArray(
        np.zeros(2), dims="lam", coords={"lam": [0.0, 1.0]}, attrs={"long_name": "distance", "units": "nats"}
    )
    for figure in (figures.arm_maps(maps, maps), figures.distance_curve(curve)):
        figure.to_json()
