"""The Difference maps page draws the library's maps of what is chosen, and the address chooses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dymos_probe.store import open_study
from dymos_probe.store.writer import forget_run


def figures(page):
    return [json.loads(chart.proto.spec or chart.proto.figure.spec) for chart in page.get("plotly_chart")]


def z(trace):
    """The values of a heat map, as plotly packs them."""
    values = trace["z"]
    if isinstance(values, dict):
        import base64

        shape = [int(n) for n in values["shape"].split(",")]
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).reshape(shape)
    return np.asarray(values)


def test_all_heads_and_the_early_steps_are_shown_at_first(app, folder):
    page = app(folder, "maps")
    assert not page.exception
    maps, grid, steps = figures(page)
    known = open_study(folder / "demo").probe.maps(conditions=["t2v", "i2v"], early=0.1)
    assert z(maps["data"][0]) == pytest.approx(known.sel(condition="t2v").values)
    assert z(maps["data"][1]) == pytest.approx(known.sel(condition="i2v").values)
    excess = open_study(folder / "demo").probe.heads()["excess"]
    assert z(grid["data"][0]) == pytest.approx(excess.values)
    assert len(steps["data"]) >= 2


def test_the_address_chooses_one_head_and_the_way_back_is_there(app, folder):
    page = app(folder, "maps", layers=["2", "2"], heads=["1", "1"])
    assert not page.exception
    known = open_study(folder / "demo").probe.maps(conditions=["i2v"], early=0.1, layers=[2], heads=[1])
    assert z(figures(page)[0]["data"][1]) == pytest.approx(known.values[0])
    [back] = [button for button in page.button if button.label == "Back to all layers and heads"]
    back.click().run()
    assert not page.exception and page.slider(key="layers").value == (0, 3)


def test_the_head_with_the_largest_excess_is_one_click_away(app, folder):
    page = app(folder, "maps")
    [best] = [button for button in page.button if button.label.startswith("Show the head")]
    best.click().run()
    rank = open_study(folder / "demo").probe.heads()["rank"]
    layer, head = np.argwhere(rank.values == 1)[0].tolist()
    assert page.slider(key="layers").value == (layer, layer) and page.slider(key="heads").value == (head, head)


def test_any_condition_and_sample_can_be_compared(app, folder):
    ds = open_study(folder / "demo")
    sample, condition = str(ds["sample"].values[1]), str(ds["condition"].values[-1])
    page = app(folder, "maps")
    page.selectbox(key="sample").set_value(sample).run()
    page.selectbox(key="condition").set_value(condition).run()
    assert not page.exception
    known = ds.probe.maps(conditions=[condition], samples=[sample], early=0.1)
    assert z(figures(page)[0]["data"][1]) == pytest.approx(known.values[0])


def test_a_study_without_a_complete_pair_says_so(app, folder):
    for sample in open_study(folder / "demo")["sample"].values:
        forget_run(folder / "demo", str(sample), "t2v")
    page = app(folder, "maps")
    assert not page.exception
    assert page.warning[0].value == "There is nothing to compare yet."
