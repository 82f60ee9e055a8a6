"""Motion stands above quality over one axis of λ, each with its own units and level."""

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.figures import motion_and_quality


def curve(lams=(-1.0, 0.0, 1.0), first=1.0, name="motion", units="px", samples=4, level=2.5):
    return xr.Dataset(
        {
            "mean": ("lam", first + np.arange(len(lams))),
            "standard_error": ("lam", np.full(len(lams), 0.2)),
            "t2v_mean": level,
            "t2v_standard_error": 0.1,
        },
        coords={"lam": list(lams)},
        attrs={"long_name": name, "units": units, "samples_used": samples},
    )


def both(**changes):
    return motion_and_quality(curve(), curve(first=50.0, name="quality", units="1", level=60.0, **changes))


def test_each_panel_shows_its_own_metric():
    above, below = both().data
    assert list(above.y) == [1.0, 2.0, 3.0] and list(below.y) == [50.0, 51.0, 52.0]
    assert list(above.x) == list(below.x) == [-1.0, 0.0, 1.0]
    assert (above.yaxis, below.yaxis) == ("y", "y2") and list(above.error_y.array) == [0.2, 0.2, 0.2]
    layout = both().layout
    assert (layout.yaxis.title.text, layout.yaxis2.title.text) == ("motion (px)", "quality")
    assert layout.xaxis.range == layout.xaxis2.range and layout.xaxis2.title.text.startswith("λ")
    assert layout.yaxis.domain[0] > layout.yaxis2.domain[1], "two panels, not one with two scales"


def test_each_panel_has_its_level_of_t2v_in_sight():
    layout = both().layout
    levels = {s.yref: s.y0 for s in layout.shapes if s.type == "line" and s.y0 == s.y1}
    assert levels == {"y": 2.5, "y2": 60.0}
    assert {note.yref: note.y for note in layout.annotations if "T2V" in note.text} == levels
    assert layout.yaxis2.range[0] < 50.0 and layout.yaxis2.range[1] > 60.0


def test_strengths_and_samples_may_differ_and_are_said():
    figure = both(lams=(0.0, 1.0, 2.0), samples=3)
    assert list(figure.layout.xaxis2.ticktext) == ["−1", "0", "1", "2"]
    assert "4 samples above, 3 below" in figure.layout.title.text
    assert "mean ± standard error of 4 samples" in both().layout.title.text


def test_what_is_no_pair_of_curves_is_refused():
    with pytest.raises(InputError, match="curve of quality needs t2v_mean"):
        motion_and_quality(curve(), curve().drop_vars("t2v_mean"))
    with pytest.raises(InputError, match="curve of motion needs mean over"):
        motion_and_quality(curve().expand_dims(head=2), curve())
    with pytest.raises(InputError, match="NaN"):
        motion_and_quality(curve(level=np.nan), curve())
