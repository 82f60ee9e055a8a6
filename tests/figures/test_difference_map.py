"""The difference map shows the values it was given, centred on zero, the reference column marked."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import TEMPLATE, difference_map
from dymos_probe.figures.template import DIVERGING


def delta(frames=5, scale=0.2, **attrs):
    rng = np.random.default_rng(0)
    values = rng.normal(scale=scale / 8, size=(frames, frames))
    values[1:, 0] = scale
    labels = np.arange(frames)
    return xr.DataArray(
        values, coords={"query_frame": labels, "key_frame": labels}, dims=("query_frame", "key_frame"), attrs=attrs
    )


def test_the_cells_are_the_data_with_query_frame_zero_on_top():
    da = delta()
    figure = difference_map(da)
    heatmap = figure.data[0]
    np.testing.assert_array_equal(heatmap.z, da.values)
    np.testing.assert_array_equal(difference_map(da.T).data[0].z, da.values)
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.xaxis.title.text == "key frame (latent)"
    assert figure.layout.yaxis.title.text == "query frame (latent)"


@pytest.mark.parametrize("values", [delta().values, -delta().values, np.zeros((5, 5))])
def test_the_colours_are_centred_on_zero(values):
    heatmap = difference_map(delta().copy(data=values)).data[0]
    assert heatmap.zmin == -heatmap.zmax < 0.0 == heatmap.zmid
    assert heatmap.zmax >= np.abs(values).max()
    assert DIVERGING[len(DIVERGING) // 2][0] == 0.5


def test_the_reference_column_is_outlined_and_its_mean_written():
    figure = difference_map(delta(scale=0.125))
    outline = figure.layout.shapes[-1]
    assert (outline.x0, outline.x1, outline.y0, outline.y1) == (-0.5, 0.5, -0.5, 4.5)
    assert "+0.125" in figure.layout.annotations[0].text


def test_the_cells_are_written_as_far_as_they_can_be_read():
    heatmap = difference_map(delta(frames=4, scale=0.2)).data[0]
    assert heatmap.text[1][0] == "+.20"
    assert difference_map(delta(frames=4, scale=0.004)).data[0].text[1][0] == "+.0040"
    assert difference_map(delta(frames=21)).data[0].text is None


def test_the_title_says_what_was_averaged():
    title = difference_map(delta(lam=0.6, early=0.1, samples_used=1)).layout.title.text
    assert "λ = 0.6 · first 10% of the steps · 1 sample<" in title
    assert difference_map(delta()).layout.template == TEMPLATE


def test_the_map_of_one_layer_and_head_says_which_it_is():
    one = delta(early=0.1).assign_coords(layer=3, head=7)
    assert "layer 3 · head 7" in difference_map(one).layout.title.text
    assert "layers 0–2, 5 · head 7" in difference_map(delta(layers=[0, 1, 2, 5], heads=[7])).layout.title.text
    assert "step 4" in difference_map(delta().assign_coords(step=4)).layout.title.text
    alg = difference_map(delta(lam=float("nan"), conditions="alg − t2v")).layout.title.text
    assert "nan" not in alg and "alg − t2v" in alg


def test_other_dims_and_holes_are_refused():
    with pytest.raises(InputError, match="select or average the others first"):
        difference_map(delta().expand_dims(layer=2))
    holes = delta()
    holes[2, 2] = np.nan
    with pytest.raises(InputError, match="NaN"):
        difference_map(holes)
