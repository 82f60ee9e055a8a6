"""Attention by distance and on the reference frame stand on one scale, every condition a line in both."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import temporal_profile


def profile(frames=5, **attrs):
    distances, queries = np.arange(2 - frames, frames - 1), np.arange(1, frames)
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "mass": (("condition", "frame_distance"), rng.uniform(0.0, 0.2, (2, len(distances)))),
            "reference": (("condition", "query_frame"), rng.uniform(0.2, 0.5, (2, len(queries)))),
        },
        coords={
            "condition": ["i2v", "t2v"],
            "arm": ("condition", ["i2v", "t2v"]),
            "lam": ("condition", [0.0, 0.0]),
            "frame_distance": distances,
            "query_frame": queries,
        },
        attrs={"early": 0.1, "samples_used": 2, **attrs},
    )


def test_the_lines_are_the_data_t2v_first():
    ds = profile()
    figure = temporal_profile(ds.transpose())
    by_panel = {(line.name, line.xaxis): line for line in figure.data}
    assert list(dict.fromkeys(line.name for line in figure.data)) == ["T2V", "I2V, λ = 0"]
    for label, name in (("t2v", "T2V"), ("i2v", "I2V, λ = 0")):
        for variable, dim, axis in (("mass", "frame_distance", "x"), ("reference", "query_frame", "x2")):
            line = by_panel[name, axis]
            np.testing.assert_array_equal(line.y, ds[variable].sel(condition=label))
            np.testing.assert_array_equal(line.x, ds[dim])
    assert by_panel["T2V", "x"].line.color == by_panel["T2V", "x2"].line.color != by_panel["I2V, λ = 0", "x"].line.color


def test_both_panels_have_one_scale_from_zero_with_units():
    layout = temporal_profile(profile()).layout
    assert layout.yaxis.range == layout.yaxis2.range and layout.yaxis.range[0] == 0.0
    assert layout.yaxis.range[1] > float(profile()["reference"].max())
    assert "attention mass" in layout.yaxis.title.text and "key frame − query frame" in layout.xaxis.title.text
    assert "first 10% of the steps · 2 samples" in layout.title.text


def test_what_is_no_profile_is_refused():
    with pytest.raises(InputError, match="needs reference over condition and query_frame, none empty, got none"):
        temporal_profile(profile().drop_vars("reference"))
    with pytest.raises(InputError, match="needs mass over"):
        temporal_profile(profile().isel(condition=0))
    holes = profile()
    holes["reference"][0, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        temporal_profile(holes)
