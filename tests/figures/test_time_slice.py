"""A slice holds one line of pixels of every frame, unblended, in order of time and named by condition."""

import base64
import io

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from dymos_probe.errors import InputError
from dymos_probe.figures import time_slice


def videos(arms=("i2v", "t2v"), lams=(1.0, 0.0), time=7, height=12, width=20, **coords):
    values = np.random.default_rng(0).integers(0, 256, (len(arms), time, height, width, 3), dtype=np.uint8)
    return xr.DataArray(
        values,
        dims=("condition", "time", "y", "x", "rgb"),
        coords={"arm": ("condition", list(arms)), "lam": ("condition", list(lams)), **coords},
    )


def tiles(figure):
    """Every tile at two pixels for each one of the axes, found by the names above them."""
    (image,) = figure.layout.images
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.source.partition("base64,")[2]))))
    found = {}
    for note in figure.layout.annotations:
        left, top = round(2 * note.x), round(2 * note.y)
        found[note.text] = picture[top:, left:]
    return found


def test_of_a_row_x_runs_right_and_time_down():
    frames = videos(prompt="a boat", time=7)
    figure = time_slice(frames, row=5)
    shown = tiles(figure)
    assert list(shown) == ["T2V", "I2V, λ = 1"] and figure.layout.title.text.startswith("a boat<br>")
    high, wide = 336 // 7, 336 // 20
    for name, condition in (("T2V", 1), ("I2V, λ = 1", 0)):
        for time, x in ((0, 0), (6, 19), (3, 11)):
            given = frames.values[condition, time, 5, x]
            cell = shown[name][time * high : (time + 1) * high, x * wide : (x + 1) * wide]
            assert (cell == given).all()
    assert figure.layout.yaxis.title.text == "video frame" and list(figure.layout.yaxis.ticktext) == ["0", "6"]
    assert figure.layout.xaxis.title.text == "row 5, left to right"


def test_of_a_column_time_runs_right_and_y_down():
    frames = videos(time=7).assign_coords(time=np.arange(7) * 4)
    figure = time_slice(frames, column=13)
    shown = tiles(figure)
    high, wide = 336 // 12, 336 // 7
    for time, y in ((0, 0), (6, 11), (2, 4)):
        given = frames.values[1, time, y, 13]
        assert (shown["T2V"][y * high : (y + 1) * high, time * wide : (time + 1) * wide] == given).all()
    assert list(figure.layout.xaxis.ticktext)[:2] == ["0", "24"]
    assert figure.layout.yaxis.title.text == "column 13, top to bottom"


def test_a_line_cut_out_of_the_image_keeps_its_number():
    frames = videos().isel(y=[9]).assign_coords(y=[9])
    assert time_slice(frames, row=0).layout.xaxis.title.text == "row 9, left to right"


def test_many_conditions_go_to_further_lines_of_equal_length():
    count = 8
    figure = time_slice(videos(arms=["i2v"] * count, lams=np.arange(count)), row=0)
    places = {(note.x, note.y) for note in figure.layout.annotations}
    assert len(places) == count and len({y for _, y in places}) == 2 and len({x for x, _ in places}) == 4
    assert figure.layout.width < 1250


@pytest.mark.parametrize(("height", "width", "time"), [(480, 832, 81), (48, 48, 25), (720, 1280, 5)])
def test_any_video_gives_a_figure_that_fits_a_screen(height, width, time):
    figure = time_slice(videos(height=height, width=width, time=time), row=3)
    (image,) = figure.layout.images
    assert figure.layout.width < 600 and figure.layout.height < 500 and len(image.source) < 1_500_000
    drawn = figure.layout.width - figure.layout.margin.l - figure.layout.margin.r
    assert drawn == pytest.approx(image.sizex, abs=1), "one unit of the axes is one pixel on the screen"


@pytest.mark.parametrize(
    ("frames", "options", "words"),
    [
        (videos(), {}, "give one"),
        (videos(), {"row": 1, "column": 1}, "give one"),
        (videos(), {"row": 12}, "row 12 is not in the image; choose from 0 to 11"),
        (videos(), {"column": -1}, "column -1 is not in the image; choose from 0 to 19"),
        (videos().isel(time=0), {"row": 0}, "a time slice needs frames over"),
        (videos().astype(float), {"row": 0}, "uint8"),
    ],
)
def test_what_is_no_slice_is_refused(frames, options, words):
    with pytest.raises(InputError, match=words):
        time_slice(frames, **options)
