"""The Preference page sets a study up, lets people judge without telling them what, and shows what they chose."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from dymos_probe.preference import QUESTIONS, create_survey, done, get_trial, join, next_trial, progress, surveys, vote
from dymos_probe.preference.trials import shown_at
from dymos_probe.store import open_study

ASKED = [question.id for question in QUESTIONS]


@pytest.fixture
def survey(compared):
    return create_survey(compared, "demo", title="lam against alg")


def sent(page):
    """Everything of the page that is sent to a browser."""
    return "\n".join(str(node.proto) for node in page if hasattr(node, "proto"))


def trial_on(page):
    """Id of the trial whose videos are on the page."""
    [videos] = [part for part in page.get("bidi_component") if "cells" in part.proto.json]
    return json.loads(videos.proto.json)["cells"][1]["src"].partition("trial=")[2].partition("&")[0]


def judge(page, choice="A", questions=ASKED):
    trial = trial_on(page)
    for question in questions:
        page = page.radio(key=f"{trial} {question}").set_value(choice).run()
        assert not page.exception
    return page


def begin(app, folder, survey):
    return app(folder, "preference", vote=survey.id).button(key="start").click().run()


def test_the_three_of_the_paper_are_offered_and_a_click_sets_it_up(app, compared):
    page = app(compared, "preference")
    assert not page.exception
    ids = page.multiselect(key="compare").value
    ds = open_study(compared / "demo").sel(condition=ids)
    assert ds["method"].values.tolist() == ["none", "alg", "dymos"] and set(ds["arm"].values) == {"i2v"}
    page = page.number_input(key="pairs of 3").set_value(2).run()
    page = page.text_input(key="title").set_value("Round one").run()
    page = page.button(key="set up").click().run()
    (made,) = surveys(compared)
    assert (made.title, len(made.samples), list(made.conditions)) == ("Round one", 2, ids)
    address = f"/preference?vote={made.id}"
    assert [code.value for code in page.code] == [address, address] and page.success


def test_not_three_conditions_is_said_and_sets_nothing_up(app, compared):
    page = app(compared, "preference", compare=["I2V, ALG", "T2V"])
    assert "2 of three conditions chosen" in page.info[0].value
    assert "set up" not in {button.key for button in page.button} and surveys(compared) == []


def test_a_study_without_three_conditions_says_what_is_missing(app, tmp_path, comparable):
    from dymos_probe.testing.synthetic import synthetic_study

    synthetic_study(tmp_path / "runs" / "small", samples=1, lams=())
    page = app(tmp_path / "runs", "preference")
    assert not page.exception and any("`probe intervene" in text.value for text in page.text)


def test_a_study_whose_videos_are_gone_cannot_be_compared(app, compared):
    shutil.rmtree(compared / "demo" / "videos")
    page = app(compared, "preference")
    assert not page.exception and "No sample is complete" in page.warning[0].value


def test_a_preference_study_that_cannot_be_read_hides_no_other(app, compared, survey):
    survey.path.with_name("a" * 12 + ".sqlite").write_bytes(b"no database" * 400)
    page = app(compared, "preference")
    assert not page.exception and page.error[0].value == "This preference study cannot be read."
    assert any(survey.id in text.value for text in page.text)


def test_a_participant_is_welcomed_and_only_who_starts_takes_part(app, compared, survey):
    page = app(compared, "preference", vote=survey.id)
    assert not page.exception and progress(survey).joined == 0
    page = page.text_input(key="nickname").set_value("Ada").run()
    page = page.button(key="start").click().run()
    assert progress(survey).joined == 1
    assert page.query_params["vote"] == survey.id and done(survey, page.query_params["rater"]) == 0
    assert trial_on(page) == next_trial(survey, page.query_params["rater"]).id


def test_a_trial_shows_prompt_image_three_videos_and_four_questions_and_tells_nothing_else(app, compared, survey):
    page = begin(app, compared, survey)
    trial = trial_on(page)
    [videos] = [part for part in page.get("bidi_component") if "cells" in part.proto.json]
    cells = json.loads(videos.proto.json)["cells"]
    assert [cell["label"] for cell in cells] == ["Reference image", "Video A", "Video B", "Video C"]
    assert get_trial(survey, trial).prompt in [text.value for text in page.text]
    assert [radio.key for radio in page.radio] == [f"{trial} {question}" for question in ASKED]
    assert [radio.options for radio in page.radio] == [["Video A", "Video B", "Video C"]] * 4
    assert all(radio.value is None for radio in page.radio)
    told = sent(page)
    assert all(word in told for word in ("Set 1 of 3", QUESTIONS[0].ask, trial))
    shown = [shown_at(survey, trial, position) for position in "ABC"]
    secret = {survey.title, "demo", *(each.condition for each in shown), shown[0].sample, "T2V", "I2V", "ALG", "λ"}
    # By itself, not as a part of a random id.
    assert [word for word in secret if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", told)] == []


def test_no_results_and_no_other_page_are_in_the_participants_view(app, compared, survey):
    page = begin(app, compared, survey)
    page = judge(page)
    assert not page.metric and not page.dataframe and not page.selectbox and not page.segmented_control
    assert not page.get("page_link") and not page.get("plotly_chart") and not page.get("download_button")


def test_every_answer_is_kept_at_once_and_only_four_lead_on(app, compared, survey):
    page = begin(app, compared, survey)
    first = trial_on(page)
    page = judge(page, "B", ASKED[:3])
    assert get_trial(survey, first).answers == dict.fromkeys(ASKED[:3], "B")
    assert page.button(key="next").disabled and progress(survey).trials == 0
    page = judge(page, "C", ASKED[3:])
    assert trial_on(page) == first, "it stays on the screen, to be thought over"
    page = page.radio(key=f"{first} overall").set_value("A").run()
    page = page.button(key="next").click().run()
    assert trial_on(page) != first
    assert get_trial(survey, first).answers == {**dict.fromkeys(ASKED[:3], "B"), "overall": "A"}


def test_whoever_comes_back_goes_on_where_they_were(app, compared, survey):
    page = begin(app, compared, survey)
    page = judge(page, "C", ASKED[:2])
    again = app(compared, "preference", vote=survey.id, rater=page.query_params["rater"])
    assert trial_on(again) == trial_on(page)
    assert [radio.value for radio in again.radio] == ["C", "C", None, None]


def test_after_the_last_set_there_are_thanks(app, compared, survey):
    page = begin(app, compared, survey)
    for number in range(3):
        assert f"Set {number + 1} of 3" in [bar.text for bar in page.progress]
        page = judge(page, "ABC"[number])
        assert page.button(key="next").label == ("Finish" if number == 2 else "Next set")
        page = page.button(key="next").click().run()
    assert [title.value for title in page.title] == ["Thank you!"] and not page.radio
    assert progress(survey).trials == 3


def test_a_second_tab_that_went_on_takes_the_first_along(app, compared, survey):
    page = begin(app, compared, survey)
    first = trial_on(page)
    rater = page.query_params["rater"]
    for question in ASKED:
        vote(survey, first, question, "A")
    later = next_trial(survey, rater)
    page = page.radio(key=f"{first} motion").set_value("B").run()
    assert not page.exception and trial_on(page) == later.id
    assert get_trial(survey, first).answers["motion"] == "A"


@pytest.mark.parametrize("ident", ["", "nobody", "../../demo", "0" * 12])
def test_an_address_of_no_preference_study_is_said(app, compared, ident):
    page = app(compared, "preference", vote=ident)
    assert not page.exception and "leads to no study" in page.error[0].value


def test_an_unknown_participant_begins_anew(app, compared, survey):
    page = app(compared, "preference", vote=survey.id, rater="somebody")
    assert not page.exception and "begin anew" in page.warning[0].value and page.button(key="start")


def test_the_results_show_shares_places_and_every_vote(app, compared, survey):
    rater = join(survey)
    while trial := next_trial(survey, rater):
        for question in ASKED:
            vote(survey, trial.id, question, "B")
    page = app(compared, "preference", view="Results")
    assert not page.exception and [metric.value for metric in page.metric] == ["1", "3", "0"]
    shares, places = (table.value for table in page.dataframe)
    assert len(shares) == 12 and shares["votes"].sum() == 12
    assert shares["condition"][:3].tolist() == ["I2V, λ = 0", "I2V, ALG", "I2V, λ = 1"]
    assert places[["A", "B", "C"]].values.tolist() == [[0, 3, 0]] * 4
    assert places["p"].tolist() == ["0.050"] * 4  # exp(−6 / 2)
    figure = json.loads(page.get("plotly_chart")[0].proto.spec)
    assert [trace["name"] for trace in figure["data"]] == ["I2V, λ = 0", "I2V, ALG", "I2V, λ = 1"]


def test_before_any_vote_the_results_say_so(app, compared, survey):
    page = app(compared, "preference", view="Results")
    assert not page.exception and "Nobody has answered" in page.info[0].value
    empty = app(compared / "demo", "preference", view="Results")
    assert not empty.exception and "no preference study" in empty.info[0].value


def test_the_address_chooses_the_preference_study(app, compared, survey):
    other = create_survey(compared, "demo", title="another")
    for each in (survey, other):
        label = f"{each.title} · {each.created:%Y-%m-%d} · {each.id}"
        assert app(compared, "preference", view="Results", survey=label).selectbox(key="survey").value == label
    page = app(compared, "preference", view="Results", survey="nobody")
    assert not page.exception and "no such preference study" in page.warning[0].value
