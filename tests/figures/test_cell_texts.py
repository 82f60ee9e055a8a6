"""A text in a cell can be read on the colour of that cell, on light paper and on dark."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from dymos_probe.figures import arm_maps, difference_map, head_grid, on_dark

FRAMES = ("query_frame", "key_frame")


def spread(dims, low, high):
    """Values all along a scale."""
    return xr.DataArray(np.linspace(low, high, 36).reshape(6, 6), dims=dims)


def drawn():
    return {
        "arm_maps": arm_maps(spread(FRAMES, 0.0, 0.5), spread(FRAMES, 0.5, 0.0)),
        "difference_map": difference_map(spread(FRAMES, -0.3, 0.3)),
        "head_grid": head_grid(spread(("layer", "head"), 0.0, 1.0)),
        "head_grid of both signs": head_grid(spread(("layer", "head"), -1.0, 0.5)),
        "head_grid below zero": head_grid(spread(("layer", "head"), -1.0, -0.1)),
    }


def luminance(rgb):
    parts = np.asarray(rgb, dtype=float) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def parts(colour):
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def blend(scale, place):
    """The colour at a place of a scale, between its two neighbours there."""
    for (low, first), (high, second) in pairwise(scale):
        if low <= place <= high:
            share = (place - low) / (high - low)
            return [a + share * (b - a) for a, b in zip(parts(first), parts(second), strict=True)]
    raise AssertionError(f"{place} is beyond the scale")


def contrasts(figure):
    """Every (text, contrast with its cell as plotly colours it) of a figure."""
    for trace in figure.data:
        if trace.meta is None:
            continue
        heatmap = figure.data[trace.meta]
        scale = heatmap if heatmap.coloraxis is None else figure.layout[heatmap.coloraxis]
        low, high = (heatmap.zmin, heatmap.zmax) if heatmap.coloraxis is None else (scale.cmin, scale.cmax)
        cells = {
            (x, y): blend(scale.colorscale, (value - low) / (high - low))
            for y, row in zip(heatmap.y, heatmap.z, strict=True)
            for x, value in zip(heatmap.x, row, strict=True)
        }
        assert (trace.xaxis, trace.yaxis) == (heatmap.xaxis, heatmap.yaxis)
        for x, y, text, colour in zip(trace.x, trace.y, trace.text, trace.textfont.color, strict=True):
            cell = luminance(cells[x, y])
            ink = luminance(parts(colour))
            yield text, (max(cell, ink) + 0.05) / (min(cell, ink) + 0.05)


@pytest.mark.parametrize("name", drawn())
@pytest.mark.parametrize("paper", ["light", "dark"])
def test_every_text_contrasts_with_its_cell(name, paper):
    figure = drawn()[name]
    found = list(contrasts(on_dark(figure) if paper == "dark" else figure))
    assert len(found) == 36 * (3 if name == "arm_maps" else 1)
    assert min(contrast for _, contrast in found) >= 4.5


def test_each_cell_has_its_own_text():
    figure = difference_map(spread(FRAMES, -0.3, 0.3))
    [heatmap, texts] = figure.data
    at = dict(zip(zip(texts.x, texts.y, strict=True), texts.text, strict=True))
    assert at[0, 0] == heatmap.text[0][0] == "−.30" and at[5, 5] == "+.30" and at[1, 0] == heatmap.text[0][1]


def test_a_grid_too_fine_for_texts_has_none():
    fine = xr.DataArray(np.linspace(0, 1, 900).reshape(30, 30), dims=("layer", "head"))
    assert all(trace.meta is None for trace in head_grid(fine).data)
