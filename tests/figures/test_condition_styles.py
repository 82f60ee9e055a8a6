"""A condition looks the same in every figure, and names beside lines never lie on each other."""

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.figures.condition_styles import condition_styles, end_labels, names_of
from dymos_probe.figures.template import PALETTE


def conditions(arms, lams):
    return xr.DataArray(
        np.zeros(len(arms)),
        dims="condition",
        coords={
            "condition": [f"c{n}" for n in range(len(arms))],
            "arm": ("condition", arms),
            "lam": ("condition", lams),
        },
    )


def test_arms_keep_their_colours_and_strengths_darken_with_their_size():
    arms = ["i2v", "i2v", "t2v", "i2v", "i2v", "i2v", "i2v", "t2v"]
    styles = condition_styles(conditions(arms, [2.0, 1.0, 0.0, 0.0, -1.0, np.nan, np.nan, 1.0]))
    assert list(styles) == ["c2", "c7", "c4", "c3", "c1", "c0", "c5", "c6"]
    assert (styles["c2"].colour, styles["c3"].colour, styles["c0"].colour) == (PALETTE[1], PALETTE[0], PALETTE[2])
    light = {label: sum(int(style.colour[i : i + 2], 16) for i in (1, 3, 5)) for label, style in styles.items()}
    assert light["c1"] > light["c0"]
    assert len({styles[label].dash for label in ("c5", "c6", "c7")}) == 3, "told apart without colour"
    assert len({(style.colour, style.dash) for style in styles.values()}) == len(arms)


def test_without_labels_of_a_study_ids_are_names():
    plain = xr.DataArray([1.0, 2.0], dims="condition", coords={"condition": ["b", "a"]})
    assert names_of(plain) == {"b": "b", "a": "a"}
    assert set(names_of(plain.drop_vars("condition"))) == {"0", "1"}


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_names_keep_their_order_and_their_distance(values):
    figure = go.Figure()
    end_labels(figure, [(value, str(i), "#000000") for i, value in enumerate(values)], height=400, span=(0.0, 1.0))
    places = [note.y for note in figure.layout.annotations]
    order = np.argsort(values, kind="stable")
    assert all(np.diff(np.array(places)[order]) >= 17.0 / 400 - 1e-9)
    assert np.mean(places) == pytest.approx(np.mean(values), abs=1e-9), "moved no more than need be, both ways"
    if len(values) == 1:
        assert places == pytest.approx(values)
