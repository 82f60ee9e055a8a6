"""Every condition is one line over the steps, named and coloured by what it is; where λ acts is shaded."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import dominance_by_step
from dymos_probe.figures.template import PALETTE


def dominance(steps=10, ratio=0.25, **changes):
    rows = {
        "t2v": ("t2v", 0.0, "none"),
        "i2v": ("i2v", 0.0, "none"),
        "on": ("i2v", 1.0, "dymos"),
        "alg": ("i2v", np.nan, "alg"),
    }
    values = np.linspace(0.1, 0.5, len(rows) * steps).reshape(len(rows), steps)
    ratios = [0.0, 0.0, ratio, np.nan]
    return xr.DataArray(
        values,
        dims=("condition", "step"),
        coords={
            "condition": list(rows),
            "step": np.arange(steps),
            "arm": ("condition", [arm for arm, _, _ in rows.values()]),
            "lam": ("condition", [lam for _, lam, _ in rows.values()]),
            "method": ("condition", [method for _, _, method in rows.values()]),
            "step_ratio": ("condition", changes.pop("ratios", ratios)),
        },
        attrs={"samples_used": 3, **changes},
    )


def test_the_lines_are_the_data_named_by_condition():
    da = dominance()
    figure = dominance_by_step(da.T)
    lines = {line.name: line for line in figure.data}
    assert list(lines) == ["T2V", "I2V, λ = 0", "I2V, λ = 1", "I2V, ALG"]
    for label, name in zip(("t2v", "i2v", "on", "alg"), lines, strict=True):
        np.testing.assert_array_equal(lines[name].y, da.sel(condition=label).values)
        np.testing.assert_array_equal(lines[name].x, da["step"].values)
    assert lines["T2V"].line.color == PALETTE[1] and lines["I2V, λ = 0"].line.color == PALETTE[0]
    assert lines["I2V, ALG"].line.dash != "solid"
    assert figure.layout.yaxis.range[0] == 0.0 and figure.layout.yaxis.range[1] > 0.5
    assert "attention mass" in figure.layout.yaxis.title.text and "step" in figure.layout.xaxis.title.text


def test_the_modulated_steps_are_shaded_by_the_rule_of_step_ratios():
    # ceil(0.25 · 10) = 3 steps, 0 to 2.
    (band,) = dominance_by_step(dominance()).layout.shapes
    assert (band.x0, band.x1) == (-0.5, 2.5)
    assert any("first 3 of 10 steps" in note.text for note in dominance_by_step(dominance()).layout.annotations)
    assert any(
        "λ acts in all steps" in note.text for note in dominance_by_step(dominance(ratio=1.0)).layout.annotations
    )
    assert not dominance_by_step(dominance().isel(condition=[0, 1])).layout.shapes


def test_several_step_ratios_are_bands_one_after_the_other():
    figure = dominance_by_step(
        dominance(ratios=[0.0, 0.5, 0.2, np.nan]).assign_coords(
            lam=("condition", [0.0, 2.0, 1.0, np.nan]), method=("condition", ["none", "dymos", "dymos", "alg"])
        )
    )
    assert [(band.x0, band.x1) for band in figure.layout.shapes] == [(-0.5, 1.5), (1.5, 4.5)]
    assert any("first 2 or 5 of 10 steps" in note.text for note in figure.layout.annotations)


def test_names_stand_where_the_lines_are_apart_and_never_on_each_other():
    same = xr.zeros_like(dominance()) + 0.3
    notes = dominance_by_step(same).layout.annotations
    places = sorted(note.y for note in notes if "━" in note.text)
    pixel = dominance_by_step(same).layout.yaxis.range[1] / 320
    assert np.diff(places).min() >= 16.9 * pixel and len(places) == 4
    fan = dominance().copy(data=np.outer([1.0, 2.0, 3.0, 4.0], np.linspace(1.0, 0.1, 10)))
    for da, side in ((fan, "right"), (fan[:, ::-1].assign_coords(step=fan["step"]), "left")):
        names = [note for note in dominance_by_step(da).layout.annotations if "━" in note.text]
        assert {note.xanchor for note in names} == {side}


def test_a_single_step_and_plain_conditions_can_be_drawn():
    figure = dominance_by_step(dominance(steps=1))
    assert "markers" in figure.data[0].mode
    plain = xr.DataArray(np.ones((2, 3)), dims=("condition", "step"), coords={"condition": ["a", "b"]})
    assert [line.name for line in dominance_by_step(plain).data] == ["a", "b"]


def test_what_is_no_dominance_over_steps_is_refused():
    with pytest.raises(InputError, match="over condition and step, none of them empty, got step: 10"):
        dominance_by_step(dominance().isel(condition=0))
    with pytest.raises(InputError, match="condition: 0"):
        dominance_by_step(dominance().isel(condition=[]))
    with pytest.raises(InputError, match="NaN"):
        dominance_by_step(dominance().where(dominance()["step"] > 0))
