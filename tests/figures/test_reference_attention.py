"""Attention over λ is that of the I2V conditions, the level that of T2V, with intervals where they are given."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import reference_attention


def dominance(lams=(1.0, 0.0, -1.0), values=(0.2, 0.3, 0.5), level=0.1, **attrs):
    return xr.DataArray(
        [level, *values],
        dims="condition",
        coords={
            "condition": ["t2v", *(f"i{n}" for n in range(len(lams)))],
            "arm": ("condition", ["t2v", *["i2v"] * len(lams)]),
            "lam": ("condition", [0.0, *lams]),
        },
        attrs={"units": "attention mass", **attrs},
    )


def test_the_points_are_the_data_by_rising_strength_and_the_level_is_t2v():
    figure = reference_attention(dominance(early=0.1, samples_used=4))
    (line,) = figure.data
    assert list(line.x) == [-1.0, 0.0, 1.0] and list(line.y) == [0.5, 0.3, 0.2]
    levels = [s.y0 for s in figure.layout.shapes if s.type == "line" and s.y0 == s.y1]
    assert levels == [0.1] and figure.layout.yaxis.range[0] == 0.0
    assert any("T2V" in note.text and "0.100" in note.text for note in figure.layout.annotations)
    assert "first 10% of the steps · 4 samples" in figure.layout.title.text
    assert line.error_y.array is None and "attention mass" in figure.layout.yaxis.title.text


def test_intervals_are_bars_of_their_own_length_and_a_band():
    value = dominance()
    ds = xr.Dataset(
        {"value": value, "low": value - 0.05, "high": value + np.array([1, 2, 3, 4]) / 100}, attrs={"level": 0.9}
    )
    figure = reference_attention(ds)
    bars = figure.data[0].error_y
    np.testing.assert_allclose(bars.arrayminus, 0.05)
    np.testing.assert_allclose(bars.array, [0.04, 0.03, 0.02])
    (band,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (band.y0, band.y1) == (pytest.approx(0.05), pytest.approx(0.11))
    assert "90 % intervals" in figure.layout.title.text and figure.layout.yaxis.range[1] > 0.54
    alone = reference_attention(ds.assign(low=value * np.nan, high=value * np.nan))
    assert set(alone.data[0].error_y.array) == {0.0} and not [s for s in alone.layout.shapes if s.type == "rect"]


def test_infinite_strengths_stand_off_the_line():
    line, apart = reference_attention(dominance(lams=(0.0, 1.0, np.inf))).data
    assert list(line.x) == [0.0, 1.0] and list(apart.y) == [0.5] and 1.0 < apart.x[0] < 2.0


def test_what_is_no_attention_over_strength_is_refused():
    with pytest.raises(InputError, match="needs condition alone, with its arm and lam, got condition, step"):
        reference_attention(dominance().expand_dims(step=2, axis=1))
    with pytest.raises(InputError, match="one untouched T2V condition, got 0"):
        reference_attention(dominance().isel(condition=[1, 2]))
    with pytest.raises(InputError, match="every λ once"):
        reference_attention(dominance(lams=(1.0, 1.0, 0.0)))
    with pytest.raises(InputError, match="none NaN"):
        reference_attention(dominance(lams=(1.0, np.nan, 0.0)))
    with pytest.raises(InputError, match="NaN or infinity"):
        reference_attention(dominance(values=(0.1, np.nan, 0.2)))
    with pytest.raises(InputError, match="high is missing"):
        reference_attention(xr.Dataset({"value": dominance(), "low": dominance()}))
    with pytest.raises(InputError, match="needs the strengths"):
        reference_attention(dominance().isel(condition=[0]))
