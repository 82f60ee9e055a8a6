"""The distance curve shows its values, marks the least and says where it stands."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import distance_curve


def curve(lams=(-1.0, 0.0, 0.6, 1.0), values=(0.1, 0.03, 0.002, 0.01), **attrs):
    return xr.DataArray(list(values), coords={"lam": list(lams)}, dims="lam", attrs={"units": "nats", **attrs})


def title(figure):
    return figure.layout.title.text


def test_the_points_are_the_data_by_rising_strength():
    figure = distance_curve(
        curve(lams=(1.0, 0.0, -1.0, 0.6), values=(0.01, 0.03, 0.1, 0.002), early=0.1, samples_used=2)
    )
    line = figure.data[0]
    assert list(line.x) == [-1.0, 0.0, 0.6, 1.0] and list(line.y) == [0.1, 0.03, 0.002, 0.01]
    assert figure.layout.yaxis.title.text == "distance to T2V attention (nats)"
    assert "closest at λ = 0.6 · first 10% of the steps · 2 samples<" in title(figure)
    assert list(figure.layout.xaxis.ticktext) == ["−1", "0", "0.6", "1"]


def test_the_ring_is_at_the_least_value_and_zero_is_named():
    figure = distance_curve(curve())
    ring = figure.data[-1]
    assert (ring.x, ring.y) == ((0.6,), (0.002,))
    words = {note.text: note.x for note in figure.layout.annotations}
    assert words == {"untouched I2V model": 0.0, "<b>least</b> 0.00200 nats": 0.6}
    assert [shape.x0 for shape in figure.layout.shapes] == [0.0]


@pytest.mark.parametrize(("values", "edge"), [((0.1, 0.2, 0.3, 0.4), "smallest"), ((0.4, 0.3, 0.2, 0.1), "largest")])
def test_a_least_value_at_the_edge_is_said_to_be_there(values, edge):
    assert f"at the edge: the {edge} λ tried" in title(distance_curve(curve(values=values)))
    assert "edge" not in title(distance_curve(curve()))


def test_infinite_strengths_stand_apart_and_off_the_line():
    figure = distance_curve(curve(lams=(-np.inf, 0.0, 1.0, np.inf), values=(0.4, 0.1, 0.2, 0.3)))
    line, apart, _ = figure.data
    assert list(line.x) == [0.0, 1.0] and "lines" in line.mode
    assert apart.mode == "markers" and list(apart.y) == [0.4, 0.3]
    assert apart.x[0] < 0.0 and apart.x[1] > 1.0 and np.isfinite(apart.x).all()
    assert list(figure.layout.xaxis.ticktext) == ["−∞", "0", "1", "∞"]
    low, high = figure.layout.xaxis.range
    assert low < apart.x[0] and apart.x[1] < high


def test_labels_that_would_overlap_are_left_out_but_never_zero():
    figure = distance_curve(curve(lams=(-0.01, 0.0, 0.01, 10.0), values=(1, 2, 3, 4)))
    assert list(figure.layout.xaxis.ticktext) == ["0", "10"]


@pytest.mark.parametrize("scale", [1e-6, 0.03, 0.07, 0.0999, 1.0, 20.0])
def test_no_distance_below_zero_is_labelled(scale):
    axis = distance_curve(curve() * scale).layout.yaxis
    assert axis.tick0 == 0.0 and -axis.dtick < axis.range[0] < 0.0
    assert axis.range[1] / axis.dtick < 9


def minimum(place="inside", low=0.4, high=0.8, **changes):
    values = {
        "closest_lam": 0.55,
        "closest_lam_low": low,
        "closest_lam_high": high,
        "least_distance": 0.0015,
        "place": place,
        "fitted": ("lam_fit", [0.1, 0.02, 0.0015, 0.01]),
    }
    return xr.Dataset(values | changes, coords={"lam_fit": [-1.0, 0.0, 0.55, 1.0]}, attrs={"level": 0.9})


def direct(lams=(-1.5, 0.0, 1.0, 3.0), values=(0.4, 0.03, 0.02, 0.05), exact=True):
    return xr.DataArray(list(values), dims="lam", coords={"lam": list(lams)}, attrs={"exact": exact})


def test_a_fitted_curve_replaces_the_line_and_its_minimum_is_what_is_marked():
    figure = distance_curve(curve(), minimum=minimum())
    named = {trace.name: trace for trace in figure.data}
    assert list(named["fitted curve"].x) == [-1.0, 0.0, 0.55, 1.0]
    assert list(named["fitted curve"].y) == [0.1, 0.02, 0.0015, 0.01]
    assert named["measured"].mode == "markers" and list(named["measured"].y) == [0.1, 0.03, 0.002, 0.01]
    assert (figure.data[-1].x, figure.data[-1].y) == ((0.55,), (0.0015,))
    (band,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (band.x0, band.x1) == (0.4, 0.8)
    assert "closest at λ = 0.550 (90 % interval 0.400 to 0.800)" in title(figure)


def test_a_minimum_without_interval_or_at_the_edge_is_said_to_be_so():
    alone = distance_curve(curve(), minimum=minimum(low=np.nan, high=np.nan))
    assert not [shape for shape in alone.layout.shapes if shape.type == "rect"] and "interval" not in title(alone)
    assert "at the edge: the largest λ tried" in title(distance_curve(curve(), minimum=minimum("largest")))


def test_the_direct_effect_is_dashed_says_if_it_is_exact_and_widens_the_axis():
    figure = distance_curve(curve(), counterfactual=direct())
    dashed = next(trace for trace in figure.data if trace.name == "direct effect, exact")
    assert dashed.line.dash == "dash" and list(dashed.x) == [-1.5, 0.0, 1.0, 3.0] and dashed.y[0] == 0.4
    low, high = figure.layout.xaxis.range
    assert low < -1.5 and high > 3.0 and figure.layout.yaxis.range[1] > 0.4
    assert list(figure.layout.xaxis.ticktext) == ["−1", "0", "0.6", "1"], "ticks are the λ that were run"
    named = [trace.name for trace in distance_curve(curve(), counterfactual=direct(exact=False)).data]
    assert "direct effect, approximate" in named
    infinite = distance_curve(curve(), counterfactual=direct(lams=(-1.0, 0.0, 1.0, np.inf)))
    apart = next(trace for trace in infinite.data if trace.name == "direct effect, exact" and trace.mode == "markers")
    assert list(apart.y) == [0.05] and apart.x[0] > 1.0 and np.isfinite(apart.x[0])


def test_a_minimum_or_direct_effect_that_is_none_is_refused():
    with pytest.raises(InputError, match="needs fitted over"):
        distance_curve(curve(), minimum=minimum().drop_vars("fitted"))
    with pytest.raises(InputError, match="needs closest_lam over no dims"):
        distance_curve(curve(), minimum=minimum().expand_dims(head=2))
    with pytest.raises(InputError, match="fitted curve holds NaN"):
        distance_curve(curve(), minimum=minimum(closest_lam=np.nan))
    with pytest.raises(InputError, match="counterfactual distance holds NaN"):
        distance_curve(curve(), counterfactual=direct(values=(1, 2, np.nan, 3)))
    unsaid = direct()
    unsaid.attrs.clear()
    with pytest.raises(InputError, match="attribute exact"):
        distance_curve(curve(), counterfactual=unsaid)


def test_what_is_no_curve_is_refused():
    with pytest.raises(InputError, match="select or average the others first"):
        distance_curve(curve().expand_dims(head=2))
    with pytest.raises(InputError, match="NaN"):
        distance_curve(curve(values=(0.1, np.nan, 0.1, 0.1)))
    with pytest.raises(InputError, match="every λ once"):
        distance_curve(curve(lams=(0.0, 0.0, 1.0, 2.0)))
    with pytest.raises(InputError, match="coordinate lam"):
        distance_curve(curve().drop_vars("lam"))
