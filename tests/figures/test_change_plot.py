"""The change plot shows each condition's paired change with two standard errors, and says how many pairs."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import change_plot


def changes():
    return xr.Dataset(
        {
            "change": ("condition", [1.5, -0.2, np.nan]),
            "change_standard_error": ("condition", [0.25, np.nan, np.nan]),
            "pairs": ("condition", [40, 1, 0]),
        },
        coords={"condition": ["a", "b", "c"]},
        attrs={"long_name": "displacement", "units": "px", "samples_total": 41},
    )


def test_dots_and_bars_are_the_data_in_the_order_of_the_labels():
    figure = change_plot(changes(), {"b": "placebo", "a": "λ = 1"}, against="untouched")
    (dots,) = figure.data
    assert list(dots.x) == [-0.2, 1.5] and list(dots.y) == [0.0, 1.0]
    assert list(dots.error_x.array) == [0.0, 0.5]
    assert list(figure.layout.yaxis.ticktext) == ["placebo", "λ = 1"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # first on top
    assert figure.layout.xaxis.title.text == "change of displacement (px)"
    assert "against untouched" in figure.layout.title.text and "41 samples" in figure.layout.title.text


def test_every_line_says_its_number_and_a_condition_without_pairs_says_so():
    notes = [
        note.text for note in change_plot(changes(), {k: k for k in "abc"}, against="untouched").layout.annotations
    ]
    assert notes == ["+1.50 ± 0.25  (40 pairs)", "−0.200  (1 pair)", "no pair measured"]


def test_zero_is_marked():
    shapes = change_plot(changes(), {"a": "a"}, against="untouched").layout.shapes
    assert [(shape.x0, shape.x1) for shape in shapes] == [(0.0, 0.0)]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="got d"):
        change_plot(changes(), {"d": "d"}, against="untouched")
    with pytest.raises(InputError, match="got none"):
        change_plot(changes(), {}, against="untouched")
    with pytest.raises(InputError, match="needs pairs over condition"):
        change_plot(changes().drop_vars("pairs"), {"a": "a"}, against="untouched")
