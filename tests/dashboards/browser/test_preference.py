"""A participant judges in a real browser, and neither it nor the network learns which video is which."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dymos_probe.preference import QUESTIONS, create_survey, progress, results, surveys, to_csv
from dymos_probe.preference.trials import shown_at

pytestmark = pytest.mark.slow

ALL_VIDEOS = """[...document.querySelectorAll("*")]
    .flatMap((each) => [...(each.shadowRoot?.querySelectorAll("video") ?? [])])"""
HAS_FOCUS = "(n) => document.querySelectorAll('[role=radiogroup]')[n].contains(document.activeElement)"
FITS = "(main) => main.scrollWidth <= main.clientWidth"


def videos(page, what="({ at: video.currentTime, paused: video.paused })"):
    """What is asked of each video of the page."""
    return page.evaluate(f"() => {ALL_VIDEOS}.map((video) => {what})")


def in_play(page):
    """Wait until three videos are loaded and move."""
    loaded = f"() => {ALL_VIDEOS}.filter((video) => video.videoWidth && !video.paused).length === 3"
    page.wait_for_function(loaded)
    before = videos(page, "video.currentTime")
    page.wait_for_function(f"(before) => {ALL_VIDEOS}.every((video, i) => video.currentTime !== before[i])", arg=before)


def see_set(page, number):
    """Wait until a set is there whole, in play, and nothing of the one before it is left."""
    expect(page.get_by_text(f"Set {number} of 3")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)
    in_play(page)


def choose(page, number, position):
    question = page.get_by_role("radiogroup").nth(number)
    question.get_by_text(f"Video {position}", exact=True).click()
    expect(question.get_by_role("radio", name=f"Video {position}")).to_be_checked()


def hears(page):
    """Whatever comes from the server from now on: frames of the socket, addresses, headers, small bodies."""
    heard = []

    def frame(payload):
        heard.append(payload if isinstance(payload, bytes) else payload.encode())

    page.on("websocket", lambda socket: socket.on("framereceived", frame))
    page.on("response", lambda answer: heard.append(f"{answer.url} {answer.headers}".encode()))
    return heard


def test_a_participant_judges_a_whole_study_by_clicks_and_the_results_appear(page, server, compared, shoot):
    base = server(compared)
    page.goto(f"{base}/preference")
    page.get_by_role("button", name="Set up", exact=True).last.click()
    expect(page.get_by_text("This is the participants' address")).to_be_visible()
    (survey,) = surveys(compared)
    address = f"{base}/preference?vote={survey.id}"
    expect(page.get_by_text(address)).to_have_count(2)
    expect(page.get_by_role("link", name="Open as a participant")).to_have_attribute("href", address)
    shoot(page, "preference-set-up")
    heard = hears(page)
    page.goto(address)
    page.get_by_label("Nickname").fill("Ada")
    shoot(page, "preference-welcome")
    page.get_by_role("button", name="Start").click()
    conditions = set()
    for number in range(1, 4):
        see_set(page, number)
        html = page.content()
        for place, position in enumerate("BACC"):
            choose(page, place, position)
        if number == 1:
            shoot(page, "preference-trial")
        heard.append(html.encode())
        page.get_by_role("button", name="Finish" if number == 3 else "Next set").click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    heard.append(page.content().encode())
    assert progress(survey).trials == 3
    said = b"\n".join(heard)
    trials = set(re.findall(rb"trial=([\w-]{22})", said))
    assert len(trials) == 3 and b"Set 3 of 3" in said
    for trial in trials:
        conditions |= {shown_at(survey, trial.decode(), position).condition for position in "ABC"}
    assert conditions == set(survey.conditions)
    for secret in (*conditions, *survey.samples, survey.title, "I2V", "ALG", "λ"):
        assert not re.search(rb"(?<![\w-])" + re.escape(secret.encode()) + rb"(?![\w-])", said), secret

    page.goto(f"{base}/preference")
    page.get_by_role("link", name="Results").click()
    expect(page.get_by_text("Where the video stood")).to_be_visible()
    assert "view=Results" in page.url and "vote" not in page.url
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    shoot(page, "preference-results")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download every vote as CSV").click()
    assert waiting.value.path().read_text(encoding="utf-8") == to_csv(survey)
    assert results(survey)["votes"].sum() == 12


def test_the_view_of_a_participant_leads_nowhere_else(page, server, compared):
    survey = create_survey(compared, "demo")
    page.goto(f"{server(compared)}/preference?vote={survey.id}")
    page.get_by_role("button", name="Start").click()
    see_set(page, 1)
    assert [link.get_attribute("href") for link in page.get_by_role("link").all()] == ["#stMain"], "skip to the content"
    assert page.get_by_text("Studies").count() == 0


def test_videos_stay_in_step_and_one_button_stops_them_all(page, server, compared):
    survey = create_survey(compared, "demo")
    page.goto(f"{server(compared)}/preference?vote={survey.id}")
    page.get_by_role("button", name="Start").click()
    see_set(page, 1)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    stopped = videos(page)
    assert all(video["paused"] for video in stopped)
    places = [video["at"] for video in stopped]
    assert max(places) - min(places) < 1 / 8, "within a frame"
    page.get_by_role("button", name="Play").click()
    in_play(page)


def test_answers_given_faster_than_the_page_follows_are_all_kept(page, server, compared):
    survey = create_survey(compared, "demo")
    page.goto(f"{server(compared)}/preference?vote={survey.id}")
    page.get_by_role("button", name="Start").click()
    see_set(page, 1)
    page.evaluate("""async () => {
        for (const group of document.querySelectorAll("[role=radiogroup]")) {
            group.querySelectorAll("input")[2].click()
            await new Promise((resolve) => setTimeout(resolve, 30))
        }
    }""")
    expect(page.get_by_role("button", name="Next set")).to_be_enabled()
    page.get_by_role("button", name="Next set").click()
    expect(page.get_by_text("Set 2 of 3")).to_be_visible()
    assert progress(survey).trials == 1 and results(survey)["position_votes"].sel(position="C").sum() == 4


def test_a_set_is_judged_with_the_keyboard_alone(page, server, compared):
    survey = create_survey(compared, "demo")
    page.goto(f"{server(compared)}/preference?vote={survey.id}")
    page.get_by_role("button", name="Start").focus()
    page.keyboard.press("Enter")
    see_set(page, 1)
    for number in range(len(QUESTIONS)):
        for _ in range(12):
            if page.evaluate(
                "(n) => document.querySelectorAll('[role=radiogroup]')[n].contains(document.activeElement)", number
            ):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("radiogroup").nth(number).get_by_role("radio", name="Video B")).to_be_checked()
    expect(page.get_by_role("button", name="Next set")).to_be_enabled()
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText").strip().endswith("Next set"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Set 2 of 3")).to_be_visible()
    assert progress(survey).trials == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_everything_fits_and_the_next_set_begins_at_the_top(page, server, compared, shoot, scheme):
    survey = create_survey(compared, "demo")
    base = server(compared)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{base}/preference?vote={survey.id}")
    page.get_by_role("button", name="Start").click()
    see_set(page, 1)
    main = page.get_by_test_id("stMain")
    assert main.evaluate(FITS)
    shoot(page, f"preference-trial-phone-{scheme}")
    for place in range(len(QUESTIONS)):
        choose(page, place, "A")
    page.get_by_role("button", name="Next set").click()
    expect(page.get_by_text("Set 2 of 3")).to_be_visible()
    page.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop === 0")
    for view, last in (("Set up", "Open as a participant"), ("Results", "Download every vote as CSV")):
        page.goto(f"{base}/preference?view={view}")
        expect(page.get_by_text(last).first).to_be_visible()
        page.wait_for_timeout(1500)
        assert main.evaluate(FITS)
        shoot(page, f"preference-{view.lower().replace(' ', '-')}-phone-{scheme}")


def test_a_trial_of_another_study_and_a_made_up_one_are_refused(page, server, compared):
    ours, other = create_survey(compared, "demo"), create_survey(compared, "demo")
    base = server(compared)
    page.goto(f"{base}/preference?vote={other.id}")
    page.get_by_role("button", name="Start").click()
    see_set(page, 1)
    sources = videos(page, "video.src")
    assert len(sources) == 3
    for source in sources:
        assert page.request.get(source).ok
        assert page.request.get(source.replace(other.id, ours.id)).status == 404
        assert page.request.get(re.sub(r"trial=[\w-]+", "trial=" + "A" * 22, source)).status == 404
        assert page.request.get(re.sub(r"position=\w", "position=..%2F..%2Fstudy", source)).status == 404
