"""In a browser the videos of a sample really play, and stay in step whatever is done to them."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from dymos_probe.store import open_study, video_path
from dymos_probe.store.videos import read_video

pytestmark = pytest.mark.slow

FPS = 8.0
FRAMES = 9
STATES = """videos => videos.map(v => ({
    time: v.currentTime, paused: v.paused, rate: v.playbackRate, ended: v.ended, ready: v.readyState}))"""
# Read in one go, twenty times a second, while they play: what a test reads one call after the other is never in step.
RECORD = """async (videos, seconds) => {
    const rows = []
    const end = performance.now() + 1000 * seconds
    while (performance.now() < end || rows.length < 10) {
        const playing = videos.every(v => !v.paused && !v.seeking)
        rows.push({at: performance.now() / 1000, playing, times: videos.map(v => v.currentTime)})
        await new Promise(resolve => setTimeout(resolve, 50))
    }
    return rows
}"""
# The picture a video shows, red, green and blue of every pixel.
PIXELS = """video => {
    const canvas = document.createElement("canvas")
    canvas.width = video.videoWidth; canvas.height = video.videoHeight
    const context = canvas.getContext("2d")
    context.drawImage(video, 0, 0)
    const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data
    return Array.from(rgba).filter((_, i) => i % 4 !== 3)
}"""


@pytest.fixture
def samples(folder):
    return [str(sample) for sample in open_study(folder / "demo")["sample"].values]


@pytest.fixture
def opened(server, folder, page):
    """The Videos page of the recorded study, its videos loaded."""
    page.goto(f"{server(folder)}/videos?study=demo")
    return loaded(page)


def loaded(page, count=5):
    expect(page.locator(".players video")).to_have_count(count)
    wait(page, "videos.every(v => v.readyState >= 2 && !v.seeking)")
    return page


def wait(page, condition):
    """Wait until ``condition`` holds of the array ``videos``."""
    for _ in range(400):
        if page.locator(".players video").evaluate_all(f"videos => {condition}"):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"{condition} never held: {states(page)}")


def states(page):
    return page.locator(".players video").evaluate_all(STATES)


def record(page, seconds):
    return page.locator(".players video").evaluate_all(RECORD, seconds)


def spread(row):
    return max(row["times"]) - min(row["times"])


def control(page, name):
    return page.locator(".players").get_by_role("button", name=name, exact=True)


def frame(page):
    return int(re.fullmatch(r"Frame (\d+) of 9", page.locator(".players .where").inner_text()).group(1))


def shown_frame(page, folder, sample, condition, number):
    """The frame of the file that the video shows, by its pixels."""
    shown = np.asarray(page.locator(".players video").nth(number).evaluate(PIXELS), dtype=np.float64)
    frames = read_video(video_path(folder / "demo", sample, condition)).frames
    distance = np.abs(frames.reshape(len(frames), -1) - shown).mean(axis=1)
    return int(distance.argmin()), float(distance.min())


def test_play_moves_every_video_and_pause_stops_every_one(opened):
    control(opened, "Play").click()
    for moment in (0.2, 0.5, 0.8):
        wait(opened, f"videos.every(v => !v.paused && v.currentTime > {moment})")
    control(opened, "Pause").click()
    wait(opened, "videos.every(v => v.paused && !v.seeking)")
    first = states(opened)
    opened.wait_for_timeout(400)
    assert states(opened) == first
    # All at the middle of the frame that is named, not run out to their end.
    assert [state["time"] for state in first] == pytest.approx([(frame(opened) - 0.5) / FPS] * 5, abs=1e-3)


@pytest.mark.parametrize("speed", ["0.25", "1", "2"])
def test_videos_stay_within_a_frame_of_each_other_also_over_the_loop(opened, speed):
    opened.get_by_label("Speed").select_option(speed)
    control(opened, "Play").click()
    wait(opened, "videos.every(v => !v.paused && v.currentTime > 0.2)")
    seconds = 1.2 * FRAMES / FPS / float(speed) + 1
    rows = record(opened, seconds)
    playing = [row for row in rows if row["playing"]]
    assert len(playing) > 0.5 * len(rows)
    assert max(spread(row) for row in playing) < 1 / FPS
    # It ran as fast as it was told to, and over the end.
    times = [row["times"][0] for row in rows]
    assert any(later < earlier - 0.5 for earlier, later in pairwise(times))
    state = states(opened)[0]
    assert state["rate"] == pytest.approx(float(speed), rel=0.01)
    pairs = [(a, b) for a, b in pairwise(rows) if a["playing"] and b["playing"] and b["times"][0] > a["times"][0]]
    moved = sum(b["times"][0] - a["times"][0] for a, b in pairs)
    assert moved / sum(b["at"] - a["at"] for a, b in pairs) == pytest.approx(float(speed), rel=0.3)


def test_one_video_that_falls_behind_is_brought_back(opened):
    control(opened, "Play").click()
    wait(opened, "videos.every(v => !v.paused && v.currentTime > 0.2)")
    opened.locator(".players video").nth(2).evaluate("video => { video.pause() }")
    wait(opened, "videos.every(v => !v.paused && !v.seeking)")
    opened.locator(".players video").nth(1).evaluate("video => { video.currentTime = 0 }")
    opened.wait_for_timeout(700)
    assert max(spread(row) for row in record(opened, 0.8) if row["playing"]) < 1 / FPS


def test_without_the_loop_all_stop_at_the_last_frame_and_play_begins_anew(opened):
    opened.get_by_label("Loop").uncheck()
    control(opened, "Play").click()
    expect(control(opened, "Play")).to_be_visible(timeout=20_000)
    wait(opened, "videos.every(v => v.paused && !v.seeking)")
    assert frame(opened) == FRAMES
    control(opened, "Play").click()
    wait(opened, "videos.every(v => !v.paused && v.currentTime > 0 && v.currentTime < 0.8)")


def test_scrubbing_shows_the_same_frame_of_every_video(opened, folder, samples):
    opened.get_by_label("Frame", exact=True).fill("5")
    wait(opened, "videos.every(v => !v.seeking && v.currentTime > 0.6)")
    assert frame(opened) == 6
    ids = ["t2v", "i2v_lam-1_ratio0.25", "i2v", "i2v_lam1_ratio0.25", "i2v_lam4_ratio0.25"]
    for number, condition in enumerate(ids):
        index, distance = shown_frame(opened, folder, samples[0], condition, number)
        assert index == 5 and distance < 6.0, (condition, index, distance)
    # While playing, too, and they go on from there.
    control(opened, "Play").click()
    opened.get_by_label("Frame", exact=True).fill("2")
    wait(opened, "videos.every(v => !v.paused && !v.seeking && v.currentTime > 0.3)")
    assert max(spread(row) for row in record(opened, 0.5) if row["playing"]) < 1 / FPS


def test_scrubbing_to_the_end_while_playing_goes_round_or_stops_as_the_loop_says(opened):
    control(opened, "Play").click()
    wait(opened, "videos.every(v => !v.paused && v.currentTime > 0.1)")
    opened.get_by_label("Frame", exact=True).fill("8")
    wait(opened, "videos.every(v => !v.paused && v.currentTime > 0.1 && v.currentTime < 0.9)")
    opened.get_by_label("Loop").uncheck()
    opened.get_by_label("Frame", exact=True).fill("8")
    expect(control(opened, "Play")).to_be_visible()
    wait(opened, "videos.every(v => v.paused && !v.seeking)")
    assert frame(opened) == FRAMES


def test_keys_step_a_frame_and_play(opened, folder, samples):
    opened.locator(".players video").first.click()
    opened.keyboard.press("Space")
    wait(opened, "videos.every(v => v.paused && !v.seeking)")
    opened.keyboard.press("Home")
    assert frame(opened) == 1
    for _ in range(3):
        opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowLeft")
    assert frame(opened) == 3
    wait(opened, "videos.every(v => !v.seeking && Math.abs(v.currentTime - 2.5 / 8) < 0.01)")
    assert shown_frame(opened, folder, samples[0], "t2v", 0)[0] == 2
    opened.keyboard.press("End")
    assert frame(opened) == FRAMES
    opened.keyboard.press("ArrowRight")
    assert frame(opened) == FRAMES
    opened.keyboard.press("Space")
    wait(opened, "videos.every(v => !v.paused)")


def test_every_control_is_reached_by_the_tab_key(opened):
    control(opened, "Play").focus()
    reached = []
    for _ in range(6):
        reached.append(
            opened.evaluate("""() => {
            let e = document.activeElement
            while (e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement
            return e.className }""")
        )
        opened.keyboard.press("Tab")
    assert reached == ["play", "back", "forward", "scrub", "loop", "speed"]


def test_a_rerun_that_changes_nothing_leaves_the_players_alone(opened):
    control(opened, "Play").click()
    # Marked in the same moment: at the end of a loop they stand for an instant.
    wait(opened, "videos.every(v => !v.paused && v.currentTime > 0.1) && videos.every(v => (v.marked = true))")
    # A condition less: the page runs again, and what stays shows no gap.
    opened.get_by_role("button", name=re.compile("Remove I2V, λ = 4|I2V, λ = 4")).first.click()
    expect(opened.locator(".players video")).to_have_count(4)
    assert opened.locator(".players video").evaluate_all("videos => videos.every(v => v.marked)")
    wait(opened, "videos.every(v => !v.paused && !v.seeking)")
    assert max(spread(row) for row in record(opened, 0.6) if row["playing"]) < 1 / FPS


def test_a_video_that_is_not_there_says_so_and_the_others_play(server, folder, page, samples):
    (folder / "demo" / "videos" / samples[0] / "i2v.mp4").unlink()
    page.goto(f"{server(folder)}/videos?study=demo")
    loaded(page, 4)
    missing = page.locator(".players figure", has_text="untouched")
    expect(missing).to_contain_text("The video of this run is missing.")
    control(page, "Play").click()
    wait(page, "videos.every(v => !v.paused && v.currentTime > 0.1)")


def test_a_video_that_goes_while_the_page_is_open_takes_none_with_it(opened):
    opened.locator(".players video").nth(0).evaluate("video => { video.src = '/study/video?study=none' }")
    expect(opened.locator(".players figure").nth(1)).to_contain_text("cannot play this video")
    control(opened, "Play").click()
    wait(opened, "videos.length === 4 && videos.every(v => !v.paused && v.currentTime > 0.1)")


def test_a_link_restores_the_selection_and_a_prompt_stays_text(server, folder, page, samples, shoot):
    query = urlencode({"study": "demo", "sample": samples[1], "videos": ["T2V", "I2V, λ = 4"]}, doseq=True)
    page.goto(f"{server(folder)}/videos?{query}")
    loaded(page, 2)
    expect(page.get_by_text('<img src=x onerror="window.hacked = 1"> **bold** :smile:')).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert page.locator(".players .name").all_inner_texts() == ["Reference image", "T2V", "I2V, λ = 4"]
    page.get_by_role("button", name="Previous").click()
    page.wait_for_url(lambda url: samples[1] not in url)
    assert "I2V" in page.url


def test_a_new_sample_goes_on_playing(opened):
    control(opened, "Play").click()
    wait(opened, "videos.every(v => !v.paused && v.currentTime > 0.1)")
    source = opened.locator(".players video").first.get_attribute("src")
    opened.get_by_role("button", name="Next").click()
    expect(opened.locator(".players video").first).not_to_have_attribute("src", source)
    wait(opened, "videos.length === 5 && videos.every(v => !v.paused && v.currentTime > 0.1)")


def test_a_video_can_be_downloaded_whole(opened, folder, samples):
    with opened.expect_download() as download:
        opened.get_by_role("link", name="Download video: T2V").click()
    assert download.value.suggested_filename == f"{samples[0]} t2v.mp4"
    assert download.value.path().read_bytes() == video_path(folder / "demo", samples[0], "t2v").read_bytes()


def test_the_csv_has_what_was_measured_under_every_condition(server, folder, page, samples):
    page.goto(f"{server(folder)}/videos?{urlencode({'study': 'demo', 'sample': samples[1], 'videos': 'T2V'})}")
    with page.expect_download() as download:
        page.get_by_role("button", name="All conditions as CSV").click()
    assert download.value.suggested_filename == f"{samples[1]}.csv"
    with download.value.path().open(encoding="utf-8", newline="") as file:
        rows = {row["condition"]: row for row in csv.DictReader(file)}
    ds = open_study(folder / "demo").sel(sample=samples[1])
    assert set(rows) == {str(condition) for condition in ds["condition"].values}
    for condition, row in rows.items():
        stored = ds.sel(condition=condition)
        assert float(row["optical_flow"]) == float(stored["metric_optical_flow"])
        assert float(row["lam"]) == float(stored["lam"]) and row["prompt"] == str(stored["prompt"].item())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(server, folder, page, shoot, width, scheme):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server(folder)}/videos?study=demo")
    loaded(page)
    expect(page.get_by_role("button", name="All conditions as CSV")).to_be_visible()
    page.wait_for_timeout(1000)
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    inside = page.locator(".players").evaluate("root => root.scrollWidth <= root.clientWidth")
    assert inside
    shoot(page, f"videos-{width}-{scheme}")
