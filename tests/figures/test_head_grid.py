"""The grid shows one number a head, tells clicks which head it was, and outlines clusters along their edges."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import head_grid
from dymos_probe.figures.template import DIVERGING


def grid(layers=4, heads=3, low=-0.5, **attrs):
    values = np.random.default_rng(0).uniform(low, 1.0, (layers, heads))
    return xr.DataArray(
        values,
        dims=("layer", "head"),
        coords={"layer": np.arange(layers), "head": np.arange(heads)},
        attrs={"long_name": "excess", "units": "attention mass", **attrs},
    )


def segments(trace):
    points = list(zip(trace.x, trace.y, strict=True))
    return {frozenset(points[i : i + 2]) for i in range(0, len(points), 3)}


@pytest.mark.parametrize("size", [(4, 4), (42, 48), (1, 1), (48, 2)])
def test_the_cells_are_the_data_with_layer_zero_on_top(size):
    da = grid(*size)
    figure = head_grid(da.T)
    heatmap = figure.data[0]
    np.testing.assert_array_equal(heatmap.z, da.values)
    low, high = figure.layout.yaxis.range
    assert low > high and 500 < figure.layout.width < 1250
    cell = (figure.layout.height - figure.layout.margin.t - figure.layout.margin.b) / size[0]
    assert cell >= 12, "a cell can be seen and clicked"
    assert (heatmap.text is not None) == (max(size) <= 16)


def test_each_cell_says_which_layer_and_head_it_is():
    da = grid().assign_coords(layer=[3, 5, 7, 9], layer_name=("layer", ["a", "b", "c", "d"]))
    heatmap = head_grid(da.isel(layer=[0, 1])).data[0]
    assert heatmap.customdata.shape == (2, 3, 2)
    assert heatmap.customdata[1, 2].tolist() == [5, 2] and "layer 5, head 2<br>b" in heatmap.hovertext[1][2]
    assert "attention mass" in heatmap.hovertemplate and "attention mass" in heatmap.colorbar.title.text


def test_values_on_both_sides_of_zero_are_centred_others_start_at_zero():
    both = head_grid(grid()).data[0]
    assert both.zmin == -both.zmax and both.zmid == 0.0 and both.colorscale[0][1] == DIVERGING[0][1]
    above = head_grid(grid(low=0.1)).data[0]
    assert above.zmin == 0.0 and above.zmax == pytest.approx(float(grid(low=0.1).max()))
    below = head_grid(-grid(low=0.1)).data[0]
    assert below.zmax == 0.0 and below.zmin == pytest.approx(-float(grid(low=0.1).max()))
    zero = head_grid(grid() * 0).data[0]
    assert zero.zmin == 0.0 < zero.zmax


def test_cluster_one_is_outlined_all_around_and_the_others_are_parted():
    clusters = grid().astype(int).copy(data=[[1, 1, 2], [3, 1, 2], [3, 3, 3], [3, 3, 3]])
    thin, thick = head_grid(grid(), clusters=clusters).data[-2:]
    around = {
        ((-0.5, -0.5), (0.5, -0.5)),
        ((0.5, -0.5), (1.5, -0.5)),
        ((-0.5, -0.5), (-0.5, 0.5)),
        ((-0.5, 0.5), (0.5, 0.5)),
    }
    around |= {((0.5, 0.5), (0.5, 1.5)), ((0.5, 1.5), (1.5, 1.5)), ((1.5, -0.5), (1.5, 0.5)), ((1.5, 0.5), (1.5, 1.5))}
    assert segments(thick) == {frozenset(edge) for edge in around}
    assert segments(thin) == {frozenset({(1.5, 1.5), (2.5, 1.5)})}
    assert thick.line.width > thin.line.width
    last = grid().astype(int).copy(data=np.where(np.arange(12).reshape(4, 3) == 11, 1, 2))
    assert frozenset({(2.5, 2.5), (2.5, 3.5)}) in segments(head_grid(grid(), clusters=last).data[-1])


def test_the_largest_are_marked_in_their_order():
    da = grid()
    marks = head_grid(da, top=3).data[-1]
    order = np.argsort(-da.values, axis=None)[:3]
    rows, columns = np.unravel_index(order, da.shape)
    assert [round(x) for x in marks.x] == columns.tolist() and [round(y) for y in marks.y] == rows.tolist()
    assert list(marks.text) == ["1", "2", "3"]
    assert "numbered: the 3 largest" in head_grid(da, top=3).layout.title.text
    assert "dotted: the 3 largest" in head_grid(grid(42, 48), top=3).layout.title.text


def test_what_is_no_grid_is_refused():
    with pytest.raises(InputError, match="over layer and head, none of them empty, got head: 3"):
        head_grid(grid().isel(layer=0))
    with pytest.raises(InputError, match="NaN"):
        head_grid(grid().where(grid() > 0.5))
    with pytest.raises(InputError, match=r"clusters are of \(2, 3\)"):
        head_grid(grid(), clusters=xr.ones_like(grid()).isel(layer=[0, 1]))
    with pytest.raises(InputError, match="whole numbers from 1"):
        head_grid(grid(), clusters=grid())
    with pytest.raises(InputError, match="top -1"):
        head_grid(grid(), top=-1)
