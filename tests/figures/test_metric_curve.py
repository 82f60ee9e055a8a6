"""The metric curve shows means and their errors over λ, and the level of T2V."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import metric_curve


def curve(lams=(-1.0, 0.0, 1.0), error=0.2, **attrs):
    means = np.arange(1.0, len(lams) + 1)
    return xr.Dataset(
        {
            "mean": ("lam", means),
            "standard_error": ("lam", np.full(len(lams), error)),
            "t2v_mean": 2.5,
            "t2v_standard_error": error,
        },
        coords={"lam": list(lams)},
        attrs={"long_name": "motion", "units": "px", "samples_used": 4, **attrs},
    )


def test_the_points_and_bars_are_the_data_and_the_axis_names_the_metric():
    figure = metric_curve(curve().isel(lam=[2, 0, 1]))
    (line,) = figure.data
    assert list(line.x) == [-1.0, 0.0, 1.0] and list(line.y) == [1.0, 2.0, 3.0]
    assert list(line.error_y.array) == [0.2, 0.2, 0.2]
    assert figure.layout.yaxis.title.text == "motion (px)"
    assert metric_curve(curve(units="1")).layout.yaxis.title.text == "motion"
    assert "mean ± standard error of 4 samples" in figure.layout.title.text


def test_the_level_of_t2v_is_a_labelled_band_across_the_plot():
    figure = metric_curve(curve())
    band = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (band.y0, band.y1, band.xref) == (2.3, 2.7, "x domain")
    assert any("T2V" in note.text and "2.50" in note.text and note.y == 2.5 for note in figure.layout.annotations)


def test_one_sample_has_a_level_but_neither_band_nor_bars():
    figure = metric_curve(curve(error=np.nan, samples_used=1))
    assert not [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [shape.y0 for shape in figure.layout.shapes if shape.type == "line" and shape.y0 == shape.y1] == [2.5]
    assert set(figure.data[0].error_y.array) == {0.0}
    assert "±" not in figure.layout.title.text


def test_infinite_strengths_stand_off_the_line():
    line, apart = metric_curve(curve(lams=(0.0, 1.0, np.inf))).data
    assert list(line.x) == [0.0, 1.0] and list(apart.y) == [3.0] and 1.0 < apart.x[0] < 2.0


def test_what_is_no_metric_curve_is_refused():
    with pytest.raises(InputError, match="needs t2v_mean over no dims, got none"):
        metric_curve(curve().drop_vars("t2v_mean"))
    with pytest.raises(InputError, match="needs mean over"):
        metric_curve(curve().expand_dims(head=2))
    with pytest.raises(InputError, match="NaN"):
        metric_curve(curve().assign(t2v_mean=np.nan))
