"""On dark paper every figure shows the same data, and nothing of it is too dim to be read."""

from __future__ import annotations

import math
import re
from itertools import combinations

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr

from dymos_probe import figures
from dymos_probe.figures import on_dark
from dymos_probe.figures.condition_styles import condition_styles
from dymos_probe.figures.sections import Section, sections
from dymos_probe.figures.template import DARK, DARK_TEMPLATE, LIGHT, TEMPLATE
from dymos_probe.store import open_study, write_metric
from dymos_probe.testing.synthetic import synthetic_study

TEXT, LINE = 4.5, 3.0
"""Least contrast with the paper (WCAG 2.2, 1.4.3 and 1.4.11)."""
FONTS = ("font", "tickfont", "textfont")
DECORATION = (DARK.rule, DARK.paper, "rgba(0,0,0,0)")
"""Grid lines, halos, and what is there to be clicked only."""

# Machado, Oliveira and Fernandes (2009), linear RGB, and no deficiency.
VISIONS = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear("#ffffff" if colour == "white" else colour) @ [0.2126, 0.7152, 0.0722])


def contrast(colour, paper):
    low, high = sorted((luminance(colour), luminance(paper)))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb):
    lms = np.cbrt(
        np.clip(
            np.array(
                [
                    [0.4122214708, 0.5363325363, 0.0514459929],
                    [0.2119034982, 0.6806995451, 0.1073969566],
                    [0.0883024619, 0.2817188376, 0.6299787005],
                ]
            )
            @ np.clip(rgb, 0, 1),
            0,
            None,
        )
    )
    return (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ lms
    )


def nearest(palette, vision):
    seen = [oklab(np.asarray(VISIONS[vision]) @ linear(colour)) for colour in palette]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Every figure function of the library, by its name, as it draws a synthetic study."""
    known = synthetic_study(tmp_path_factory.mktemp("made") / "study", samples=2, lams=(-1.0, 0.6, 1.0, math.inf))
    ds = open_study(known.path)
    for name in ("optical_flow", "psnr_to_reference"):
        for number, sample in enumerate(known.samples):
            for place, condition in enumerate(known.conditions):
                write_metric(
                    known.path, name, sample, condition, 1.0 + place + number, {"long_name": name, "units": "px"}
                )
    ds = open_study(known.path)
    made = {part.name: part.figure for part in sections(known.path, ds) if isinstance(part, Section)}
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 16, 24, 3), dtype=np.uint8)
    frames = xr.DataArray(pixels, dims=("condition", "time", "y", "x", "rgb"))
    heads = ds.probe.heads()
    other = {
        "head_grid": figures.head_grid(heads["excess"], clusters=heads["cluster"], top=3),
        "head_grid of both signs": figures.head_grid(xr.DataArray([[-0.1, 0.2], [0.3, 0.0]], dims=("layer", "head"))),
        "frame_strip": figures.frame_strip(frames),
        "time_slice": figures.time_slice(frames, row=3),
        "time_slice in rows not all full": figures.time_slice(
            xr.concat([frames] * 3, "condition").isel(condition=slice(7)), row=3
        ),
        "overhead_table": figures.overhead_table(
            [{"pair": "cogvideox-5b", "method": "dymos", "device": "H100", "ratio": "1.02"}]
        ),
        "change_plot": figures.change_plot(
            xr.Dataset(
                {name: ("condition", [1.5, -0.2]) for name in ("change", "change_standard_error", "pairs")},
                coords={"condition": ["a", "b"]},
                attrs={"long_name": "motion", "units": "px", "samples_total": 2},
            ),
            {"a": "placebo", "b": "λ = 1"},
            against="untouched",
        ),
        "preference_shares": figures.preference_shares(
            xr.Dataset(
                {name: (("question", "condition"), [[0.2, 0.3, 0.5]]) for name in ("share", "low", "high", "votes")},
                coords={
                    "question": ["motion"],
                    "title": ("question", ["Motion"]),
                    "condition": ["i2v", "i2v_alg", "i2v_lam1"],
                    "arm": ("condition", ["i2v"] * 3),
                    "lam": ("condition", [0.0, math.nan, 1.0]),
                },
                attrs={"pairs": 2, "raters": 2, "trials": 6, "level": 0.95},
            )
        ),
        "difference_map": figures.difference_map(ds.probe.difference()),
    }
    return made | other


def test_every_figure_of_the_library_is_among_those_looked_at(drawn):
    names = set(figures.__all__) - {"TEMPLATE", "on_dark", "write_html", "write_png"}
    shown = {name for name in names if any(title.startswith(name) for title in drawn)}
    # Those of sections that are called otherwise.
    shown |= {"distance_curve"} if "distance" in drawn else set()
    shown |= {"metric_curve"} if "metric_optical_flow" in drawn else set()
    assert shown == names


def colours(part, path=()):
    """Yield (path, least contrast, colour) of everything drawn in a figure's dictionary."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from colours(value, (*path, key))
    elif isinstance(part, (list, tuple)):
        for item in part:
            yield from colours(item, path)
    elif isinstance(part, str) and path[-1].endswith("color") and path[-1] != "bgcolor":
        yield path, TEXT if any(font in path for font in FONTS) else LINE, part
    elif isinstance(part, str) and path[-1] in ("text", "ticktext"):
        for colour, after in re.findall(r"color:([^;'\"]+)['\"]>(?:<b>)?(.?)", part):
            yield path, LINE if after == "━" else TEXT, colour


def dim(figure):
    """Everything of a figure that has too little contrast with its paper; texts in cells stand on their cells."""
    parts = figure.to_dict()
    parts["layout"].pop("template")
    parts["data"] = [trace for trace in parts["data"] if "meta" not in trace]
    areas = [shape for shape in parts["layout"].get("shapes", []) if shape.get("line", {}).get("width") == 0]
    parts["layout"]["shapes"] = [shape for shape in parts["layout"].get("shapes", []) if shape not in areas]
    return [
        (path, colour)
        for path, least, colour in colours(parts)
        if colour not in DECORATION and contrast(colour, DARK.paper) < least
    ]


def test_nothing_is_too_dim_to_be_read(drawn):
    for name, figure in drawn.items():
        dark = on_dark(figure)
        assert dark.layout.template == DARK_TEMPLATE
        assert not dim(dark), name
        # Text of the figure itself, of axes, legend and hover.
        layout = dark.layout.template.layout
        for font in (layout.font, layout.title.font, layout.xaxis.tickfont, layout.hoverlabel.font):
            assert contrast(font.color, layout.paper_bgcolor) >= TEXT


def test_the_test_sees_what_is_too_dim(drawn):
    assert all(dim(drawn[name].update_layout(template=TEMPLATE)) for name in ("arm_maps", "dominance_by_step"))
    assert dim(go.Figure(layout={"template": DARK_TEMPLATE}).add_scatter(y=[1], line={"color": "#202020"}))


def test_the_data_are_the_same_and_the_light_figure_stays_as_it_was(drawn):
    for name, figure in drawn.items():
        before = figure.to_json()
        dark = on_dark(figure)
        assert figure.to_json() == before and len(dark.data) == len(figure.data)
        for one, other in zip(figure.data, dark.data, strict=True):
            for axis in ("x", "y", "z", "customdata"):
                if getattr(one, axis, None) is not None:
                    assert np.array_equal(np.asarray(getattr(one, axis)), np.asarray(getattr(other, axis))), name
        assert (dark.layout.width, dark.layout.height) == (figure.layout.width, figure.layout.height)
        assert dark.layout.images == figure.layout.images
        light = str(figure.layout.title.text).replace(LIGHT.muted, DARK.muted)
        assert light == str(dark.layout.title.text)


def test_no_white_is_left_around_the_frames_of_a_strip(drawn):
    for name in ("frame_strip", "time_slice", "time_slice in rows not all full"):
        figure = on_dark(drawn[name])
        covers = [shape for shape in figure.layout.shapes if shape.fillcolor == DARK.paper]
        width, height = figure.layout.xaxis.range[1], figure.layout.yaxis.range[0]
        y, x = np.mgrid[0.5:height, 0.5:width]
        covered = np.zeros(y.shape, dtype=bool)
        for shape in covers:
            covered |= (shape.x0 <= x) & (x <= shape.x1) & (shape.y0 <= y) & (y <= shape.y1)
        image = np.asarray(picture(figure).resize((x.shape[1], x.shape[0]), 0))
        # A tile of noise has hardly a white pixel; between tiles all are.
        assert not (image == 255).all(axis=-1)[~covered].any(), name
        assert covered.mean() < 0.6, name


def picture(figure):
    import base64
    import io

    from PIL import Image

    [image] = figure.layout.images
    return Image.open(io.BytesIO(base64.b64decode(image.source.partition("base64,")[2]))).convert("RGB")


@pytest.mark.parametrize("vision", VISIONS)
def test_the_colours_are_told_apart_no_worse_than_the_worst_two_of_the_light_ones(vision):
    worst = min(nearest(LIGHT.palette, each) for each in VISIONS)
    assert nearest(DARK.palette, vision) > worst
    # T2V, I2V, weakened and strengthened are in nearly every figure.
    assert nearest(DARK.palette[:4], vision) > min(nearest(LIGHT.palette[:4], each) for each in VISIONS)


def test_the_scale_of_differences_grows_brighter_away_from_a_dark_zero():
    places, colours = zip(*DARK.diverging, strict=True)
    bright = [luminance(colour) for colour in colours]
    assert places == tuple(place for place, _ in LIGHT.diverging)
    assert bright[:5] == sorted(bright[:5], reverse=True) and bright[4:] == sorted(bright[4:])
    assert contrast(colours[4], DARK.paper) < 1.5 and min(contrast(colours[end], DARK.paper) for end in (0, -1)) > 7
    blue, red = linear(colours[2]), linear(colours[6])
    assert blue[2] > 2 * blue[0] and red[0] > 2 * red[2]


def test_differences_are_drawn_on_the_dark_scale_and_masses_on_the_same_as_before(drawn):
    scales = {
        "arm_maps": "coloraxis2",
        "difference_map": None,
        "head_grid of both signs": None,
    }
    for name, axis in scales.items():
        figure = on_dark(drawn[name])
        scale = figure.data[0] if axis is None else figure.layout[axis]
        assert scale.colorscale == DARK.diverging, name
    assert on_dark(drawn["arm_maps"]).layout.coloraxis.colorscale == drawn["arm_maps"].layout.coloraxis.colorscale


def test_shades_of_strength_keep_their_order():
    data = xr.DataArray(
        np.zeros(4),
        dims="condition",
        coords={
            "condition": ["a", "b", "c", "d"],
            "arm": ("condition", ["i2v"] * 4),
            "lam": ("condition", [0.5, 1.0, 2.0, 4.0]),
        },
    )
    shades = [style.colour for style in condition_styles(data).values()]
    figure = go.Figure(layout={"template": TEMPLATE})
    for shade in shades:
        figure.add_scatter(y=[1], line={"color": shade})
    dark = [trace.line.color for trace in on_dark(figure).data]
    seen = [contrast(colour, DARK.paper) for colour in dark]
    assert seen == sorted(seen) and dark[-1] == DARK.palette[2] and len(set(dark)) == 4
