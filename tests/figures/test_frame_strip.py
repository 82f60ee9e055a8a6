"""A strip's pixels are the videos', its rows go from T2V over rising λ, and its size stays sane."""

import base64
import io

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from dymos_probe.errors import InputError
from dymos_probe.figures import frame_strip


def videos(arms=("i2v", "t2v", "i2v"), lams=(1.0, 0.0, -1.0), time=9, height=32, width=48, **coords):
    values = np.random.default_rng(0).integers(0, 256, (len(arms), time, height, width, 3), dtype=np.uint8)
    return xr.DataArray(
        values,
        dims=("condition", "time", "y", "x", "rgb"),
        coords={"arm": ("condition", list(arms)), "lam": ("condition", list(lams)), **coords},
    )


def picture(figure):
    (image,) = figure.layout.images
    encoded = image.source.partition("base64,")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))


def centre(figure, row, column, y, x, factor, frames):
    """The middle of the pixel (y, x) of a tile, found by the axes alone."""
    axes = figure.layout.yaxis.tickvals[row], figure.layout.xaxis.tickvals[column]
    sides = frames.sizes["y"] * factor, frames.sizes["x"] * factor
    at = [round(a - s / 2 + (i + 0.5) * factor) for a, s, i in zip(axes, sides, (y, x), strict=True)]
    return picture(figure)[at[0], at[1]]


def test_rows_go_from_t2v_over_rising_strength_and_pixels_are_enlarged_as_they_are():
    frames = videos(prompt="a boat", time=9)
    figure = frame_strip(frames, columns=5)
    assert list(figure.layout.yaxis.ticktext) == ["T2V", "I2V, λ = −1", "I2V, λ = 1"]
    assert list(figure.layout.xaxis.ticktext) == ["0", "2", "4", "6", "8"]
    assert figure.layout.title.text == "a boat"
    for row, condition in enumerate((1, 2, 0)):
        for column, time in enumerate((0, 2, 4, 6, 8)):
            for y, x in ((0, 0), (31, 47), (7, 20)):
                given = frames.values[condition, time, y, x]
                np.testing.assert_array_equal(centre(figure, row, column, y, x, 3, frames), given)


def test_a_method_without_strength_comes_last_under_its_own_name():
    frames = videos(arms=("i2v", "i2v", "t2v", "i2v"), lams=(np.nan, np.inf, 0.0, -1.0), time=2)
    rows = ["T2V", "I2V, λ = −1", "I2V, λ = ∞", "I2V, ALG"]
    assert list(frame_strip(frames).layout.yaxis.ticktext) == rows


def test_controls_schedules_and_methods_are_named_by_what_they_are():
    rows = {
        "arm": ["i2v", "i2v", "t2v", "i2v", "i2v", "i2v"],
        "lam": [np.nan, 1.0, 0.0, 0.0, 1.0, 1.0],
        "method": ["alg", "dymos", "none", "none", "dymos", "dymos"],
        "step_ratio": [np.nan, 0.2, 0.0, 0.0, 0.2, 0.2],
        "schedule": ["", "uniform", "", "", "matched-0b9d3c2f61a8", "uniform"],
        "bias_key_frame": [0, 0, 0, 0, 0, 3],
        "bias_branches": ["cond"] * 6,
        "bias_layers": [""] * 6,
        "bias_heads": [""] * 6,
        "bias_query_frames": [""] * 6,
    }
    frames = xr.DataArray(
        np.random.default_rng(0).integers(0, 256, (6, 2, 16, 16, 3), dtype=np.uint8),
        dims=("condition", "time", "y", "x", "rgb"),
        coords={"condition": list("abcdef"), **{name: ("condition", column) for name, column in rows.items()}},
    )
    figure = frame_strip(frames)
    names = list(figure.layout.yaxis.ticktext)
    assert names[:2] == ["T2V", "I2V, λ = 0 (untouched)"] and names[-1] == "I2V, ALG"
    assert sum("matched schedule" in name for name in names) == 1
    assert sum("on frame 3 instead of the reference frame" in name for name in names) == 1
    alg = picture(figure)[-9 * 16 :, : 9 * 16]
    np.testing.assert_array_equal(alg, frames.values[0, 0].repeat(9, axis=0).repeat(9, axis=1))


def test_the_whole_tile_is_the_frame_enlarged_by_a_whole_factor():
    frames = videos(height=48, width=48, time=2)
    enlarged = np.kron(frames.values[1, 0], np.ones((3, 3, 1), dtype=np.uint8))
    np.testing.assert_array_equal(picture(frame_strip(frames))[:144, :144], enlarged)


@pytest.mark.parametrize(("height", "width"), [(480, 832), (832, 480), (720, 1280), (16, 16), (200, 200)])
def test_any_video_gives_a_figure_that_fits_a_screen(height, width):
    frames = videos(height=height, width=width, time=3).isel(time=[0, 1, 2, 0, 1, 2, 0])
    figure = frame_strip(frames)
    assert 600 < figure.layout.width < 1300 and figure.layout.height < 700
    (image,) = figure.layout.images
    assert len(image.source) < 6_000_000
    drawn = figure.layout.width - figure.layout.margin.l - figure.layout.margin.r
    assert drawn == pytest.approx(image.sizex, abs=1), "one unit of the axes is one pixel on the screen"


def test_a_large_video_keeps_its_colours():
    frames = videos(height=480, width=832, time=2)
    frames[:] = 0
    frames[1, 0, :, :, 0] = 200
    pixels = picture(frame_strip(frames)).astype(int)
    assert abs(pixels[40, 40] - [200, 0, 0]).max() <= 3
    assert abs(pixels[-40, -40]).max() <= 3


def test_labels_and_title_can_be_given_and_are_shown_as_text():
    frames = videos(time=2, prompt="a <b>bold</b> & " + "long prompt " * 60)
    figure = frame_strip(frames, labels=["one", "two <i>", "three"])
    assert list(figure.layout.yaxis.ticktext) == ["two &lt;i&gt;", "three", "one"]
    lines = figure.layout.title.text.split("<br>")
    assert lines[0].startswith("a &lt;b&gt;bold&lt;/b&gt; &amp;") and len(lines) == 2 and lines[-1].endswith("…")
    assert frame_strip(frames, title="mine").layout.title.text == "mine"
    plain = xr.DataArray(frames.values, dims=frames.dims)
    assert list(frame_strip(plain).layout.yaxis.ticktext) == ["video 0", "video 1", "video 2"]


@pytest.mark.parametrize(
    ("frames", "more", "words"),
    [
        (videos().isel(time=0), {}, "needs frames over"),
        (videos(time=0), {}, "none of them empty"),
        (videos().astype(float), {}, "uint8"),
        (videos(), {"labels": ["one"]}, "1 labels are given for 3"),
        (videos(), {"columns": 0}, "columns 0"),
    ],
)
def test_what_is_no_strip_is_refused(frames, more, words):
    with pytest.raises(InputError, match=words):
        frame_strip(frames, **more)
