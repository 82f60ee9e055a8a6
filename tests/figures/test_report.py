"""A report holds every figure its study allows, with sentences and tables, and names what is missing."""

import csv
import shutil
from datetime import date
from html import unescape

import numpy as np
import pytest
import xarray as xr

from dymos_probe.analysis.exemplars import exemplars
from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.figures.report import write_report
from dymos_probe.figures.sections import LeftOut, Section, sections
from dymos_probe.figures.sections.videos import liveliest_line
from dymos_probe.runs.media import write_video
from dymos_probe.store import (
    Condition,
    Run,
    extend_study,
    finish_study,
    open_study,
    video_path,
    write_metric,
    write_run,
)
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


def refuse(figures, **_):
    raise EnvironmentLacksError("a PNG needs Chrome or Chromium")


@pytest.fixture
def no_browser(monkeypatch):
    monkeypatch.setattr("dymos_probe.figures.report.write_pngs", refuse)


@pytest.fixture(scope="module")
def written(made, tmp_path_factory):
    """The report of the study as it was made, without a browser, and its folder."""
    out = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dymos_probe.figures.report.write_pngs", refuse)
        return write_report(made.path, out), out


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
    arms = ["arm_maps", "difference_map", "dominance_by_step", "temporal_profile", "heads"]
    over = ["reference_attention", "distance", "metric_motion"]
    names = [*arms, *over, "strip_1", "strip_2", "strip_3", "time_slice"]
    assert list(drawn) == [f"{name}.png" for name in names]
    tables = [f"{name}.csv" for name in ("conditions", *arms, *over)]
    assert [path.name for path in report.written] == ["index.html", *drawn, *tables]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1 and '<script src="http' not in page
    assert page.count("Plotly.newPlot(") == len(names)
    text = unescape(page).replace("\xa0", " ")
    for part in parts(known, Section).values():
        assert part.said in text and part.how.strip() in text
        assert f"<a href='#{part.name}'>" in page and f"<section id='{part.name}'>" in page
        assert f"<a href='{part.name}.png'>" in page, "its picture is linked"
    assert page.count('role="group" aria-label="') == len(names), "each figure is told to who cannot see it"
    assert page.count("<a href='#") == len(names) + 1, "and the table of conditions"
    assert "motion <degree>" not in page, "text from a study is text, not HTML"


def test_the_page_says_what_was_run_and_when(written):
    page = (written[1] / "index.html").read_text(encoding="utf-8")
    assert f"<dd>{date.today().isoformat()}</dd>" in page and "<dt>pair</dt><dd>synthetic</dd>" in page
    assert "4 samples, 5 conditions, 20 runs; 6 steps × 3 layers × 2 heads, 4 latent frames" in page
    assert "width=device-width" in page and ".png'>" not in page, "no link to what is not there"


def test_a_method_without_strength_is_in_the_strips_the_slice_and_the_table(known, tmp_path, no_browser):
    plain = {"key_frame": 0, "branches": "cond", "layers": "", "heads": ""}
    alg = Condition(id="alg", arm="i2v", lam=np.nan, step_ratio=np.nan, schedule="", method="alg", **plain)
    extend_study(known, conditions=[alg])
    ds = open_study(known)
    untouched = ds.sel(condition="i2v")
    for sample in ds["sample"].values:
        maps, mass = (untouched[name].sel(sample=sample).values for name in ("attention", "text_mass"))
        steps = {name: untouched[name].sel(sample=sample).values for name in ("timestep", "sigma", "expert")}
        write_run(known, Run(sample=str(sample), condition="alg", attention=maps, text_mass=mass, **steps))
        video = np.random.default_rng(1).integers(0, 256, (5, 32, 48, 3), dtype=np.uint8)
        write_video(video_path(known, str(sample), "alg"), video, fps=8)
    finish_study(known)
    made = parts(known, Section)
    for number in (1, 2, 3):
        assert made[f"strip_{number}"].figure.layout.yaxis.ticktext[-1] == "I2V, ALG"
        assert "I2V, λ = 0 (untouched)" in made[f"strip_{number}"].figure.layout.yaxis.ticktext
        assert "I2V, ALG: " in made[f"strip_{number}"].said
    assert "I2V, ALG" in [note.text for note in made["time_slice"].figure.layout.annotations]
    lines = [line.name for line in made["dominance_by_step"].figure.data]
    assert lines[0] == "T2V" and "I2V, ALG" in lines
    assert made["distance"].said.startswith("Of the λ tried (−1, 0, 1, 2)"), "it is no λ"
    # Its videos are not measured, the others are: each against the untouched model.
    changes = made["changes_motion"]
    assert "I2V, ALG not measured" in changes.said and "I2V, λ = 2 +3.0" in changes.said
    np.testing.assert_allclose(changes.data["change"].sel(condition=["t2v", "i2v lam=2"]), [-1.0, 3.0])
    write_report(known, tmp_path / "out")
    assert "<td>alg</td><td>i2v</td><td>ALG</td><td>—</td>" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_a_sample_without_the_method_keeps_its_strip_of_the_others(known):
    plain = {"key_frame": 0, "branches": "cond", "layers": "", "heads": ""}
    alg = Condition(id="alg", arm="i2v", lam=np.nan, step_ratio=np.nan, schedule="", method="alg", **plain)
    extend_study(known, conditions=[alg])
    made = parts(known, Section)
    assert list(made["strip_1"].figure.layout.yaxis.ticktext)[-1] == "I2V, λ = 2"
    assert [line.name for line in made["dominance_by_step"].figure.data][-1] == "I2V, λ = 2"


def test_motion_and_quality_stand_together_where_both_are_measured(known):
    for number, sample in enumerate(open_study(known)["sample"].values):
        for place, condition in enumerate(open_study(known)["condition"].values):
            for name, value in (("optical_flow", number + place), ("temporal_flickering", 0.9 - place / 100)):
                write_metric(known, name, str(sample), str(condition), value, {"long_name": name, "units": "1"})
    part = parts(known, Section)["motion_and_quality"]
    motion, quality = part.figure.data
    # By λ −1, 0, 1, 2; of T2V, I2V, −1, 1, 2 the places are 0 to 4.
    np.testing.assert_allclose(motion.y, [3.5, 2.5, 4.5, 5.5])
    np.testing.assert_allclose(quality.y, [0.88, 0.89, 0.87, 0.86])
    assert "changes by +1.0 at λ = −1 and +3.0 at λ = 2" in part.said
    np.testing.assert_allclose(part.data["quality_mean"], quality.y)


def test_attention_over_strength_has_intervals_and_the_distance_its_fitted_minimum(known):
    made = parts(known, Section)
    assert made["reference_attention"].figure.data[0].error_y.array is not None
    assert set(made["reference_attention"].data) == {"value", "low", "high"}
    # The synthetic maps are T2V's at λ* = logit(0.4) − logit(0.2).
    closest = float(made["distance"].said.partition("least at λ = ")[2].split()[0])
    assert closest == pytest.approx(np.log(0.4 / 0.6) - np.log(0.2 / 0.8), abs=0.1)
    assert "fitted curve" in [trace.name for trace in made["distance"].figure.data]
    assert "changes_motion" not in made, "every condition is on the curve over λ"


def test_the_slice_lies_along_the_motion():
    frames = np.zeros((1, 4, 20, 30, 3), np.uint8)
    for time in range(4):
        frames[0, time, 7, 3 + 5 * time : 6 + 5 * time] = 255
    da = xr.DataArray(frames, dims=("condition", "time", "y", "x", "rgb"))
    assert liveliest_line(da) == ("y", 7)
    assert liveliest_line(da.transpose("condition", "time", "x", "y", "rgb").rename(x="y", y="x")) == ("x", 7)


def test_the_summary_says_what_the_study_was_made_to_show(written):
    attention, closest, metric = written[0].summary
    assert "40.0 %" in attention and "20.0 %: 2.00 times as much" in attention
    assert "(−1, 0, 1, 2)" in closest and "closest to T2V's at λ = 1" in closest
    # The metric rises by one from condition to condition, in every sample.
    assert "T2V 15.0; I2V 16.0 untouched" in metric and "17.0 (+1.0 ± 0) at λ = −1" in metric


def test_the_tables_hold_the_numbers_of_the_figures(made, written):
    out = written[1]
    with (out / "distance.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = open_study(made.path).probe.distance().compute()
    assert [float(row["lam"]) for row in rows] == expected["lam"].values.tolist()
    np.testing.assert_allclose([float(row["distance"]) for row in rows], expected)
    with (out / "difference_map.csv").open(encoding="utf-8") as file:
        cells = {(row["query_frame"], row["key_frame"]): float(row["difference"]) for row in csv.DictReader(file)}
    assert cells["1", "0"] == pytest.approx(0.2, abs=1e-6) and len(cells) == 16


def test_without_a_browser_the_page_and_tables_are_there(written):
    report, out = written
    assert not list(out.glob("*.png")) and all(path.is_file() for path in report.written)
    assert len(report.left_out) == 1 and "12 pictures (PNG): a PNG needs Chrome" in report.left_out[0]


def test_a_study_at_zero_alone_has_its_pair_of_videos_and_says_how_to_go_on(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=1, lams=())
    assert "there are no videos" in parts(known.path, LeftOut)["strips"].reason
    for condition in known.conditions:
        video = np.zeros((3, 32, 48, 3), np.uint8)
        write_video(video_path(known.path, "sample-0", condition), video, fps=8)
    arms = {"arm_maps", "difference_map", "dominance_by_step", "temporal_profile", "heads"}
    assert set(parts(known.path, Section)) == {*arms, "strip_1", "time_slice"}
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
