"""One λ beside T2V and λ = 0: the numbers are those of the analyses, and the mark is where the curve is."""

from __future__ import annotations

import math

import pytest

from dymos_probe.figures.sections import Section
from dymos_probe.figures.sections.one_strength import beside, marked
from dymos_probe.figures.sections.strength import strength_sections
from dymos_probe.store import open_study, write_metric
from dymos_probe.testing.synthetic import synthetic_study

SETTING = (1.0, "uniform")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    known = synthetic_study(tmp_path_factory.mktemp("made") / "study", samples=3, lams=(-1.0, 0.5, 2.0, math.inf))
    ds = open_study(known.path)
    for number, sample in enumerate(known.samples):
        for condition in known.conditions:
            lam = 7.0 if condition == "t2v" else min(float(ds["lam"].sel(condition=condition)), 9.0)
            about = {"long_name": "optical flow", "units": "px"}
            write_metric(known.path, "optical_flow", sample, condition, lam + number, about)
    return open_study(known.path)


@pytest.fixture(scope="module")
def parts(study):
    return list(strength_sections(study, SETTING, only=True))


@pytest.mark.parametrize("lam", [-1.0, 0.0, 2.0, math.inf])
def test_every_number_is_that_of_its_analysis(study, parts, lam):
    distance, attention, motion = beside(parts, study, lam)
    d = study.probe.distance(early=0.1)
    assert distance.at == pytest.approx(float(d.sel(lam=lam))) and distance.t2v == 0.0
    assert distance.untouched == pytest.approx(float(d.sel(lam=0.0))) and distance.units == "nats"
    condition = "i2v" if lam == 0.0 else f"i2v lam={lam:g}"
    share = 100.0 * study.probe.dominance(conditions=["t2v", "i2v", condition] if lam else ["t2v", "i2v"], early=0.1)
    assert attention.at == pytest.approx(float(share.sel(condition=condition)))
    # The synthetic study puts 0.2 of the attention there in T2V, and 0.2 more in I2V.
    assert (attention.t2v, attention.untouched) == pytest.approx((20.0, 40.0)) and attention.units == "%"
    assert (motion.t2v, motion.untouched, motion.at) == pytest.approx((8.0, 1.0, 1.0 + min(lam, 9.0)))
    assert (motion.name, motion.units) == ("optical flow", "px")


def test_a_strength_that_was_not_run_has_no_numbers_and_no_mark(study, parts):
    assert beside(parts, study, 0.25) == []
    [part] = [part for part in parts if part.name == "distance"]
    assert marked(part, 0.25) == part.figure


@pytest.mark.parametrize("lam", [-1.0, 2.0, math.inf])
def test_the_mark_is_on_the_point_of_its_strength(study, parts, lam):
    [part] = [part for part in parts if isinstance(part, Section) and part.name == "distance"]
    figure = marked(part, lam)
    mark = figure.data[-1]
    points = {
        (float(x), float(y))
        for trace in part.figure.data
        if trace.name == "measured"
        for x, y in zip(trace.x, trace.y, strict=True)
    }
    assert (float(mark.x[0]), float(mark.y[0])) in points
    assert mark.y[0] == pytest.approx(float(study.probe.distance(early=0.1).sel(lam=lam)))
    assert len(part.figure.data) == len(figure.data) - 1, "the figure it was made of stays as it was"
