"""Both maps share one scale from zero, their difference has its own around zero, and all mark the reference frame."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import TEMPLATE, arm_maps


def attention(column=0.3, frames=5, seed=0, **attrs):
    values = np.random.default_rng(seed).uniform(0.02, 0.1, (frames, frames))
    values[1:, 0] = column
    labels = np.arange(frames)
    return xr.DataArray(
        values, coords={"query_frame": labels, "key_frame": labels}, dims=("query_frame", "key_frame"), attrs=attrs
    )


def test_the_cells_are_both_maps_and_their_difference():
    t2v, i2v = attention(0.1), attention(0.4, seed=1)
    first, second, third = arm_maps(t2v.T, i2v).data[:3]
    np.testing.assert_array_equal(first.z, t2v.values)
    np.testing.assert_array_equal(second.z, i2v.values)
    np.testing.assert_allclose(third.z, i2v.values - t2v.values)
    assert [each.name for each in (first, second, third)] == ["T2V", "I2V", "ΔA = I2V − T2V"]


def test_masses_share_a_scale_from_zero_and_the_difference_is_centred():
    figure = arm_maps(attention(0.1), attention(0.4))
    first, second, third = figure.data[:3]
    assert first.coloraxis == second.coloraxis == "coloraxis" and third.coloraxis == "coloraxis2"
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0.0, 0.4)
    assert figure.layout.coloraxis2.cmin == -figure.layout.coloraxis2.cmax == pytest.approx(-0.3)
    for bar in (figure.layout.coloraxis.colorbar, figure.layout.coloraxis2.colorbar):
        assert "attention mass" in bar.title.text
    zeros = arm_maps(attention(0.0) * 0, attention(0.0) * 0).layout
    assert zeros.coloraxis.cmax > 0.0 and zeros.coloraxis2.cmin < 0.0


def test_the_reference_column_is_outlined_in_each_and_its_mean_written():
    figure = arm_maps(attention(0.125), attention(0.5))
    for axes in ("x", "x2", "x3"):
        outlines = [shape for shape in figure.layout.shapes if shape.xref == axes]
        assert {(s.x0, s.x1, s.y0, s.y1) for s in outlines} == {(-0.5, 0.5, -0.5, 4.5)}
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert "mean 0.125" in texts and "mean 0.500" in texts and "mean +0.375" in texts
    assert "mean −0.375" in arm_maps(attention(0.5), attention(0.125)).layout.annotations[2].text


def test_the_title_says_what_was_averaged_and_cells_are_written_as_far_as_they_can_be_read():
    figure = arm_maps(attention(), attention(early=0.1, samples_used=3))
    assert "first 10% of the steps · 3 samples" in figure.layout.title.text
    assert figure.layout.template == TEMPLATE and figure.data[0].text[1][0] == ".30"
    assert figure.data[2].text[1][1] == "0"
    assert arm_maps(attention(frames=21), attention(frames=21)).data[0].text is None


def test_what_are_no_two_maps_is_refused():
    with pytest.raises(InputError, match="the map of I2V is drawn over query_frame and key_frame, got layer"):
        arm_maps(attention(), attention().expand_dims(layer=2))
    holes = attention()
    holes[2, 2] = np.nan
    with pytest.raises(InputError, match="map of T2V cannot be drawn of NaN"):
        arm_maps(holes, attention())
    with pytest.raises(InputError, match="of the same frames, got 5×5 and 4×4"):
        arm_maps(attention(), attention(frames=4))
    with pytest.raises(InputError, match=r"the map of I2V holds -0\.1; attention masses are not negative"):
        arm_maps(attention(), attention(-0.1))
