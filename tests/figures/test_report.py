"""A report holds every figure its study allows, with sentences and tables, and names what is missing."""

import csv
import shutil
from html import unescape

import numpy as np
import pytest

from dymos_probe.analysis.exemplars import exemplars
from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.figures.report import write_report
from dymos_probe.figures.sections import LeftOut, Section, sections
from dymos_probe.runs.media import write_video
from dymos_probe.store import Condition, extend_study, open_study, video_path, write_metric
from dymos_probe.testing.synthetic import synthetic_study

ABOUT = {"long_name": "motion <degree>", "units": "px"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four samples with known maps, videos that differ, and one metric."""
    known = synthetic_study(tmp_path_factory.mktemp("reports") / "study", samples=4, lams=(-1.0, 1.0, 2.0))
    rng = np.random.default_rng(0)
    for number, sample in enumerate(known.samples):
        for place, condition in enumerate(known.conditions):
            video = rng.integers(0, 256, (5, 32, 48, 3), dtype=np.uint8)
            write_video(video_path(known.path, sample, condition), video, fps=8)
            write_metric(known.path, "motion", sample, condition, 10.0 * number + place, ABOUT)
    return known


@pytest.fixture
def known(made, tmp_path):
    shutil.copytree(made.path, tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture
def no_browser(monkeypatch):
    def refuse(figures, **_):
        raise EnvironmentLacksError("a PNG needs Chrome or Chromium")

    monkeypatch.setattr("dymos_probe.figures.report.write_pngs", refuse)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that would be drawn as PNG, by file name."""
    taken = {}
    monkeypatch.setattr(
        "dymos_probe.figures.report.write_pngs", lambda figures: taken.update({p.name: f for p, f in figures.items()})
    )
    return taken


def parts(path, kind):
    return {part.name: part for part in sections(path, open_study(path)) if isinstance(part, kind)}


def test_every_figure_is_in_the_page_once_with_its_sentences_and_a_file_beside_it(known, tmp_path, drawn):
    report = write_report(known, tmp_path / "out")
    assert report.left_out == ()
    names = ["difference_map", "distance", "metric_motion", "strip_1", "strip_2", "strip_3"]
    assert list(drawn) == [f"{name}.png" for name in names]
    tables = ["conditions.csv", "difference_map.csv", "distance.csv", "metric_motion.csv"]
    assert [path.name for path in report.written] == ["index.html", *drawn, *tables]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1 and '<script src="http' not in page
    assert page.count("Plotly.newPlot(") == len(names)
    text = unescape(page)
    for part in parts(known, Section).values():
        assert part.said in text and part.how in text
    assert "motion <degree>" not in page, "text from a study is text, not HTML"


def test_the_summary_says_what_the_study_was_made_to_show(known, tmp_path, no_browser):
    attention, closest, metric = write_report(known, tmp_path / "out").summary
    assert "40.0 %" in attention and "20.0 %: 2.00 times as much" in attention
    assert "(−1, 0, 1, 2)" in closest and "closest to T2V's at λ = 1" in closest
    # The metric rises by one from condition to condition, in every sample.
    assert "T2V 15.0; I2V 16.0 untouched" in metric and "17.0 (+1.0 ± 0) at λ = −1" in metric


def test_the_tables_hold_the_numbers_of_the_figures(known, tmp_path, no_browser):
    write_report(known, tmp_path / "out")
    with (tmp_path / "out" / "distance.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = open_study(known).probe.distance().compute()
    assert [float(row["lam"]) for row in rows] == expected["lam"].values.tolist()
    np.testing.assert_allclose([float(row["distance"]) for row in rows], expected)
    with (tmp_path / "out" / "difference_map.csv").open(encoding="utf-8") as file:
        cells = {(row["query_frame"], row["key_frame"]): float(row["difference"]) for row in csv.DictReader(file)}
    assert cells["1", "0"] == pytest.approx(0.2, abs=1e-6) and len(cells) == 16


def test_without_a_browser_the_page_and_tables_are_there(known, tmp_path, no_browser):
    report = write_report(known, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.png")) and all(path.is_file() for path in report.written)
    assert len(report.left_out) == 1 and "strip_3.png: a PNG needs Chrome" in report.left_out[0]


def test_a_study_at_zero_alone_has_its_pair_of_videos_and_says_how_to_go_on(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=1, lams=())
    assert "there are no videos" in parts(known.path, LeftOut)["strips"].reason
    for condition in known.conditions:
        video = np.zeros((3, 32, 48, 3), np.uint8)
        write_video(video_path(known.path, "sample-0", condition), video, fps=8)
    assert set(parts(known.path, Section)) == {"difference_map", "strip_1"}
    left_out = parts(known.path, LeftOut)
    assert set(left_out) == {"curves over λ"} and "probe intervene" in left_out["curves over λ"].reason


def test_a_missing_video_costs_its_own_strip_alone(known):
    ds = open_study(known)
    conditions = list(ds["condition"].values)
    _, missing, cut = (each.sample for each in exemplars(ds, conditions, over=conditions[1:]))
    video_path(known, missing, "i2v").unlink()
    video_path(known, cut, "i2v").write_bytes(b"cut")
    assert {"strip_1"} == {name for name in parts(known, Section) if name.startswith("strip")}
    reasons = {name: part.reason for name, part in parts(known, LeftOut).items()}
    assert "there is no video" in reasons["strip_2"] and "cannot be read" in reasons["strip_3"]


def test_a_metric_without_t2v_and_a_strength_without_runs_are_named(known):
    write_metric(known, "sharpness", "sample-0", "i2v", 1.0, {})
    extend_study(
        known,
        conditions=[
            Condition(
                id="short",
                arm="i2v",
                lam=1.0,
                step_ratio=0.5,
                schedule="linear",
                method="dymos",
                key_frame=0,
                branches="cond",
                layers="",
                heads="",
            )
        ],
    )
    left_out = {name: part.reason for name, part in parts(known, LeftOut).items()}
    assert "not measured under t2v" in left_out["metric_sharpness_ratio1_uniform"]
    assert "only λ = 0" in left_out["distance_ratio0.5_linear"]
    there = parts(known, Section)
    assert {"distance_ratio1_uniform", "metric_motion_ratio1_uniform", "strip_3"} <= set(there)
    assert there["distance_ratio1_uniform"].said.startswith("λ in all steps, uniform schedule — Of the λ tried (−1,")
