"""The λ page shows the report's figures over λ, what `probe tune` recommends, and one λ beside T2V and λ = 0."""

from __future__ import annotations

import json

import pytest
import streamlit as st

from dymos_probe.analysis.closest import predicted_closest
from dymos_probe.figures.labels import number
from dymos_probe.figures.recommendation_sentences import at
from dymos_probe.figures.sections import Section
from dymos_probe.figures.sections.strength import strength_sections
from dymos_probe.runs.tune import tune
from dymos_probe.store import open_study
from dymos_probe.store.writer import forget_run
from dymos_probe.testing.synthetic import synthetic_study

SETTING = (0.25, "uniform")
OWN = ["Which λ to take", "Moving λ"]


def said(page):
    return [block.value.strip("*") for block in page.markdown if block.value.startswith("**") and len(block.value) > 40]


def metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def labels(page):
    [component] = page.get("bidi_component")
    return [cell["label"] for cell in json.loads(component.proto.json)["cells"]]


def texts(page):
    return [text.value for text in page.text]


@pytest.mark.parametrize("which", [None, 1])
def test_every_figure_over_strength_is_there_with_what_it_says(app, folder, which):
    ds = open_study(folder / "demo")
    sample = None if which is None else str(ds["sample"].values[which])
    page = app(folder, "lam") if sample is None else app(folder, "lam", sample=sample)
    assert not page.exception
    part = ds if sample is None else ds.sel(sample=[sample])
    known = [each for each in strength_sections(part, SETTING, only=True) if isinstance(each, Section)]
    # d(λ) follows the slider at once.
    known.sort(key=lambda section: section.name != "distance")
    assert [each.value for each in page.subheader] == OWN + [section.heading for section in known]
    assert said(page)[-len(known) :] == [section.said for section in known]
    assert len(page.get("plotly_chart")) == len(known) >= 3


def test_a_study_at_zero_alone_says_how_to_go_on_and_what_can_be_predicted(app, tmp_path):
    known = synthetic_study(tmp_path / "runs" / "plain study", lams=())
    page = app(tmp_path / "runs", "lam")
    assert not page.exception
    intervene, tuning = (code.value for code in page.code)
    assert intervene == f"probe intervene '{known.path}' --lam=-1,1,2" and tuning == f"probe tune '{known.path}'"
    assert not page.metric
    page = page.toggle(key="predict").set_value(True).run()
    assert not page.exception
    # From frame means, of a study of several tokens a frame in name only: the known λ* is met nearly.
    assert float(metrics(page)["λ of nearest attention, predicted"]) == pytest.approx(known.closest_lam, abs=0.1)
    assert any(text.startswith("Predicted, not run") for text in texts(page))


def test_moving_the_slider_moves_numbers_video_and_mark(app, folder):
    page = app(folder, "lam")
    assert page.select_slider(key="lam").value == "0"
    assert labels(page) == ["T2V", "I2V, λ = 0 (untouched)"]
    page = page.select_slider(key="lam").set_value("4").run()
    assert not page.exception and labels(page) == ["T2V", "I2V, λ = 0 (untouched)", "I2V, λ = 4"]
    ds = open_study(folder / "demo")
    d = float(ds.probe.distance(early=0.1).sel(lam=4.0))
    share = 100.0 * ds.probe.dominance(conditions=["t2v", "i2v_lam4_ratio0.25"], early=0.1)
    shown = metrics(page)
    assert shown["Distance to T2V attention at λ = 4"] == f"{number(d)} nats"
    assert shown["Attention on the reference frame at λ = 4"] == f"{number(float(share[1]))} %"
    assert any(label.startswith("Optical flow") for label in shown)
    chart = page.get("plotly_chart")[0].proto
    assert "Marked: λ = 4." in str(chart)
    mark = json.loads(chart.spec or chart.figure.spec)["data"][-1]
    assert mark["marker"]["symbol"] == "diamond" and mark["x"] == [4.0] and mark["y"] == [pytest.approx(d)]


def test_the_address_chooses_the_strength_and_the_sample_whose_videos_are_shown(app, folder):
    sample = str(open_study(folder / "demo")["sample"].values[1])
    page = app(folder, "lam", lam="-1", sample=sample)
    assert page.select_slider(key="lam").value == "-1" and labels(page)[-1] == "I2V, λ = −1"
    [component] = page.get("bidi_component")
    assert all(f"sample={sample}" in cell["src"] for cell in json.loads(component.proto.json)["cells"])


def test_a_strength_in_the_address_that_was_not_run_falls_back_to_the_untouched_model(app, folder):
    page = app(folder, "lam", lam="<b>7</b>")
    assert not page.exception and page.select_slider(key="lam").value == "0"


def test_a_sample_without_the_untouched_run_has_no_slider_and_the_page_is_whole(app, folder):
    sample = str(open_study(folder / "demo")["sample"].values[0])
    forget_run(folder / "demo", sample, "i2v")
    page = app(folder, "lam", sample=sample)
    assert not page.exception and not page.select_slider
    part = open_study(folder / "demo").sel(sample=[sample])
    known = [each for each in strength_sections(part, SETTING, only=True) if isinstance(each, Section)]
    assert len(page.get("plotly_chart")) == len(known)


def test_without_a_tuning_the_command_is_there_and_nothing_is_predicted_unasked(app, folder):
    page = app(folder, "lam")
    assert page.code[0].value == f"probe tune {folder / 'demo'} --step-ratio 0.25 --schedule uniform"
    assert not any("nearest attention" in label for label in metrics(page))
    page = page.toggle(key="predict").set_value(True).run()
    known = predicted_closest(open_study(folder / "demo"), low=-1.0, high=4.0, step=0.25, step_ratio=0.25)
    assert float(metrics(page)["λ of nearest attention, predicted"]) == pytest.approx(known.pair.lam, abs=0.005)


def test_what_probe_tune_found_is_shown_until_the_study_changes(app, folder):
    found = tune(folder / "demo", metric="optical_flow", runs=0)
    page = app(folder, "lam")
    assert not page.exception and not page.warning
    shown = metrics(page)
    assert float(shown["λ of nearest attention"]) == pytest.approx(found.predicted.pair.lam, abs=0.005)
    assert shown["λ of equal motion"] == ("none" if found.motion.lam is None else at(found.motion.lam))
    assert any("were there already; trying 20 λ from −1 to 4 one by one takes 40 runs" in text for text in texts(page))
    assert any("the study has not changed since" in caption.value for caption in page.caption)
    forget_run(folder / "demo", str(open_study(folder / "demo")["sample"].values[0]), "i2v_lam1_ratio0.25")
    st.cache_data.clear()  # the list of studies is two seconds old at most
    page = app(folder, "lam")
    assert "Out of date" in page.warning[0].value


def test_a_damaged_tuning_is_said_to_be_and_the_figures_are_still_there(app, folder):
    (folder / "demo" / "tune.json").write_text('{"version": 1, "results": [{}]}')
    page = app(folder, "lam")
    assert not page.exception and "cannot be read" in page.error[0].value
    assert len(page.get("plotly_chart")) >= 3
