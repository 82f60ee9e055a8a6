"""In a browser a video is made from upload to playing result, by a worker that outlives page, tab and server."""

from __future__ import annotations

import os
import re
import signal
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from dymos_probe import jobs
from dymos_probe.jobs.folder import folder_lock, jobs_root
from dymos_probe.jobs.liveness import is_alive

pytestmark = pytest.mark.slow

PROMPT = "a green plus moves up slowly on a black background"


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """An empty folder of studies; the worker that serves it is ended afterwards."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder = tmp_path / "runs"
    folder.mkdir()
    yield folder
    for pid in {one.state.pid for one in jobs.jobs(folder)} - {None}:
        if alive(folder):
            os.kill(pid, signal.SIGTERM)
    wait(lambda: not alive(folder))


def alive(folder):
    with folder_lock(folder):
        return is_alive(jobs_root(folder), "auto")


def wait(what, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def only_job(folder):
    return jobs.jobs(folder)[-1]


def set_number(page, label, value):
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Tab")
    expect(field).to_have_value(value)
    page.wait_for_timeout(300)


def start_long(page, url):
    """Begin a generation that takes minutes, and wait until it is in its steps."""
    page.goto(f"{url}/generate")
    page.get_by_text("More settings").click()
    set_number(page, "Denoising steps", "1000")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_url(re.compile("job="))
    expect(page.get_by_text(re.compile(r"^Run 1 of 3 \(T2V\), step \d+ of 1000"))).to_be_visible(timeout=90_000)


def test_from_an_upload_to_a_playing_result_and_its_maps(server, studies, page, shoot, tmp_path):
    pixels = np.full((60, 90, 3), 12, np.uint8)
    pixels[24:38, 38:52] = (40, 190, 60)
    Image.fromarray(pixels).save(tmp_path / "plus.png")
    page.goto(f"{server(studies)}/generate")
    page.get_by_text("Upload an image").click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(tmp_path / "plus.png")
    expect(page.get_by_role("img", name="The reference image")).to_be_visible()
    field = page.get_by_label("Prompt")
    field.fill(PROMPT)
    field.press("Control+Enter")
    slider = page.get_by_role("slider", name=re.compile("^λ"))
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_text("T2V, λ = 0, λ = 1.5")).to_be_visible()
    expect(page).to_have_url(re.compile("lam=1.5"))
    page.get_by_role("button", name="Generate").click()

    page.wait_for_url(re.compile("job="))
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=90_000)
    expect(page.get_by_text(re.compile(r"^Run \d of 3 \(.+\), step \d+ of 20, about \d+ s left"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Estimate of the finished video after step"))).to_be_visible()
    # Nobody touches the page until the result plays by itself.
    videos = page.locator(".players video")
    expect(videos).to_have_count(3, timeout=90_000)
    one = only_job(studies)
    assert one.request.lam == 1.5 and one.request.prompt == PROMPT
    assert (np.asarray(Image.open(one.files.reference)) == pixels).all()
    captions = ["Reference image", "T2V", "I2V, λ = 0 (untouched)", "I2V, λ = 1.5"]
    assert page.locator(".players .name").all_inner_texts() == captions
    wait(lambda: videos.evaluate_all("videos => videos.every(v => !v.paused && v.currentTime > 0.2)"))
    rows = videos.evaluate_all(
        """async videos => {
        const rows = []
        for (let i = 0; i < 30; i++) {
            if (videos.every(v => !v.paused && !v.seeking)) rows.push(videos.map(v => v.currentTime))
            await new Promise(resolve => setTimeout(resolve, 50))
        }
        return rows }"""
    )
    assert len(rows) > 10 and max(max(row) - min(row) for row in rows) < 1 / 8
    assert len({row[0] for row in rows}) > 5
    shoot(page, "generate-done-1280-light")

    page.get_by_role("link", name="Difference maps").last.click()
    expect(page.get_by_text(re.compile("generated frames put"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"^generated 20.*a green plus moves up slowly"))).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("generated frames put"))).to_be_visible()


def test_a_running_job_is_cancelled_from_the_page_and_survives_its_tab_and_its_server(
    server, servers, studies, page, browser
):
    url = server(studies)
    start_long(page, url)
    first = only_job(studies)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile("^Cancelled in run 1 of 3"))).to_be_visible()
    assert jobs.state(studies, first.id).status == "cancelled"
    expect(page.get_by_role("progressbar")).to_have_count(0)

    # Once more, with few steps left to wait for, and nobody to look on.
    page.get_by_role("link", name="Change something and run again").click()
    page.get_by_text("More settings").click()
    expect(page.get_by_label("Denoising steps", exact=True)).to_have_value("1000")
    set_number(page, "Denoising steps", "150")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_url(re.compile("job=(?!" + first.id + ")"))
    expect(page.get_by_text(re.compile(r"step \d+ of 150"))).to_be_visible(timeout=90_000)
    worker = wait(lambda: only_job(studies).state.pid)
    page.close()
    servers[url].terminate()
    servers[url].wait(30)
    assert jobs.state(studies, only_job(studies).id).status == "running", "it ended before the server did"

    tab = browser.new_context().new_page()
    tab.goto(f"{server(studies)}/generate")
    expect(tab.get_by_text("a red star moves left quickly").first).to_be_visible()
    wait(lambda: only_job(studies).state.status == "done", 120)
    assert only_job(studies).state.pid == worker == first.state.pid
    expect(tab.get_by_text(re.compile("^Done"))).to_be_visible(timeout=30_000)
    tab.get_by_role("link", name="Open").first.click()
    expect(tab.locator(".players video")).to_have_count(3, timeout=30_000)
    tab.context.close()


def test_a_worker_that_is_killed_is_replaced_and_twice_is_told(server, studies, page, shoot):
    start_long(page, server(studies))
    for attempt in (1, 2):
        now = wait(lambda n=attempt: s if (s := only_job(studies).state).attempts == n and s.step > 3 else None, 120)
        os.kill(now.pid, signal.SIGKILL)
    expect(page.get_by_text("The worker process died.")).to_be_visible()
    expect(page.get_by_text(re.compile("ended 2 times without a word in run 1 of 3"))).to_be_visible()
    expect(page.get_by_text(re.compile("Choose a smaller size"))).to_be_visible()
    shoot(page, "generate-failed-1280-light")


def test_what_is_no_image_or_too_large_is_refused_in_one_sentence(server, studies, page, tmp_path):
    (tmp_path / "notes.png").write_bytes(b"dear diary")
    Image.new("1", (9000, 9000)).save(tmp_path / "wide.png")
    (tmp_path / "large.png").write_bytes(bytes(21 * 2**20))
    page.goto(f"{server(studies)}/generate")
    page.get_by_text("Upload an image").click()
    upload = page.locator("[data-testid=stFileUploader] input[type=file]")
    upload.set_input_files(tmp_path / "notes.png")
    expect(page.get_by_text("Upload is no image; give one of PNG, JPEG, WEBP, BMP, TIFF.")).to_be_visible()
    upload.set_input_files(tmp_path / "wide.png")
    expect(page.get_by_text("is 9000×9000 pixels; at most 64 Mi pixels are read.")).to_be_visible()
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("Choose another image file first.")).to_be_visible()
    upload.set_input_files(tmp_path / "large.png")
    expect(page.get_by_text("File must be 20.0MB or smaller.")).to_be_visible()
    assert jobs.jobs(studies) == ()
