"""The figure of preferences shows every share with its interval beside what chance would give."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import preference_shares

SHARES = np.array([[0.2, 0.3, 0.5], [0.5, 0.25, 0.25], [0.3, 0.3, 0.4], [0.1, 0.2, 0.7]])


def shares(values=SHARES, lam=(0.0, float("nan"), 1.0)):
    dims = ("question", "condition")
    return xr.Dataset(
        {
            "share": (dims, values.copy()),
            "low": (dims, values - 0.05),
            "high": (dims, values + 0.1),
            "votes": (dims, np.round(values * 100).astype(int)),
        },
        coords={
            "question": ["motion", "fidelity", "text_alignment", "overall"],
            "title": ("question", ["Motion", "Fidelity", "Text alignment", "Overall"]),
            "condition": ["i2v", "i2v_alg", "i2v_lam1"],
            "arm": ("condition", ["i2v"] * 3),
            "lam": ("condition", list(lam)),
        },
        attrs={"pairs": 25, "raters": 12, "trials": 300, "level": 0.95},
    )


def test_each_condition_has_its_shares_and_intervals():
    figure = preference_shares(shares())
    assert [trace.name for trace in figure.data] == ["I2V, λ = 0", "I2V, ALG", "I2V, λ = 1"]
    for trace, share in zip(figure.data, SHARES.T, strict=True):
        np.testing.assert_allclose(trace.x, share)
        np.testing.assert_allclose(trace.error_x.array, 0.1)
        np.testing.assert_allclose(trace.error_x.arrayminus, 0.05)
    assert figure.layout.yaxis.ticktext == ("Motion", "Fidelity", "Text alignment", "Overall")
    first = [float(trace.y[0]) for trace in figure.data]
    assert first == sorted(first) and max(abs(y) for y in first) < 0.5, "rows of a question stay within it"


def test_chance_is_a_third():
    figure = preference_shares(shares())
    assert any(shape.x0 == shape.x1 == pytest.approx(1 / 3) for shape in figure.layout.shapes)


def test_the_order_of_the_dims_does_not_matter():
    assert preference_shares(shares().transpose()) == preference_shares(shares())


def test_it_says_how_much_stands_behind_it():
    assert "25 pairs · 12 participants · 300 trials · 95% intervals" in preference_shares(shares()).layout.title.text
    alone = shares().assign_attrs(pairs=1, raters=1)
    alone["low"], alone["high"] = alone["low"] * np.nan, alone["high"] * np.nan
    figure = preference_shares(alone)
    assert "1 pair · 1 participant" in figure.layout.title.text and "no interval" in figure.layout.title.text
    assert all((trace.error_x.array == 0).all() for trace in figure.data)


def test_conditions_of_one_name_are_told_apart_by_their_id():
    names = [trace.name for trace in preference_shares(shares(lam=(0.0, 1.0, 1.0))).data]
    assert names == ["I2V, λ = 0", "I2V, λ = 1 [i2v_alg]", "I2V, λ = 1 [i2v_lam1]"]


@pytest.mark.parametrize("harm", ["missing", "dims", "nan", "outside"])
def test_what_cannot_be_drawn_is_refused(harm):
    ds = shares()
    if harm == "missing":
        ds = ds.drop_vars("low")
    elif harm == "dims":
        ds = ds.isel(question=0)
    else:
        ds["share"][0, 0] = np.nan if harm == "nan" else 1.5
    with pytest.raises(InputError, match=r"preference shares need|the shares hold"):
        preference_shares(ds)
