"""In a browser a video is made from upload to playing result, by a worker that outlives page, tab and server."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from dymos_probe import jobs
from dymos_probe.jobs.folder import files_of, folder_lock, jobs_root
from dymos_probe.jobs.liveness import hold, is_alive
from dymos_probe.jobs.state import State
from dymos_probe.jobs.worker import End, work
from tests.dashboards.conftest import HOSTILE

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


def test_from_an_upload_to_a_playing_result_and_its_maps(server, studies, page, tmp_path):
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
    page.get_by_text("More settings").click()
    set_number(page, "Denoising steps", "200")  # the pair's own are over before a browser has looked
    page.get_by_role("button", name="Generate").click()

    page.wait_for_url(re.compile("job="))
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=90_000)
    expect(page.get_by_text(re.compile(r"^Run \d of 3 \(.+\), step \d+ of 200, about \d+ s left"))).to_be_visible()
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

    page.get_by_role("link", name="Difference maps").last.click()
    expect(page.get_by_text(re.compile("generated frames put"))).to_be_visible()
    chosen = page.get_by_role("combobox", name=re.compile("Study"))
    label = re.compile(r"^generated 20.*UTC: a green plus moves up slowly on a black background \[[0-9a-f]{8}\]$")
    expect(chosen).to_have_value(label)
    page.reload()
    expect(page.get_by_text(re.compile("generated frames put"))).to_be_visible()
    expect(chosen).to_have_value(label)


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
    page.get_by_role("button", name="Change something and run again").click()
    page.get_by_text("More settings").click()
    expect(page.get_by_label("Denoising steps", exact=True)).to_have_value("1000")
    set_number(page, "Denoising steps", "150")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_url(re.compile("job=(?!" + first.id + ")"))
    expect(page.get_by_text(re.compile(r", step \d+ of 150"))).to_be_visible(timeout=90_000)
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
    expect(tab.get_by_text("Done · ")).to_be_visible(timeout=30_000)
    tab.get_by_role("button", name="Open").filter(has_text="Open").first.click()
    expect(tab.locator(".players video")).to_have_count(3, timeout=30_000)
    tab.context.close()


def test_a_worker_that_is_killed_is_replaced_and_twice_is_told(server, studies, page):
    start_long(page, server(studies))
    for attempt in (1, 2):
        now = wait(lambda n=attempt: s if (s := only_job(studies).state).attempts == n and s.step > 3 else None, 120)
        os.kill(now.pid, signal.SIGKILL)
    expect(page.get_by_text("The worker process died.")).to_be_visible()
    expect(page.get_by_text(re.compile("ended 2 times without a word in run 1 of 3"))).to_be_visible()
    expect(page.get_by_text(re.compile("Choose a smaller size"))).to_be_visible()


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


@pytest.fixture
def in_every_state(studies):
    """Addresses of a running, a failed and a done job; this process counts as the worker of the one that runs."""
    asked = {"lam": 1.5, "with_t2v": True, "step_ratio": 0.25, "num_inference_steps": 20}
    done = jobs.submit(studies, jobs.Request(prompt=PROMPT, **asked))
    assert work(studies, device="cpu", idle_seconds=0.0) is End.IDLE
    running, failed, queued = (
        jobs.submit(studies, jobs.Request(prompt=prompt, **asked)) for prompt in (PROMPT, HOSTILE * 4, PROMPT)
    )
    with folder_lock(studies):
        held = hold(jobs_root(studies), "auto")
    files = files_of(studies, running)
    now = State(
        status="running",
        device="auto",
        phase="denoising",
        submitted=time.time(),
        updated=time.time(),
        run=2,
        runs=3,
        condition="i2v",
        step=6,
        steps=20,
        steps_before=20,
        seconds_left=11.4,
        estimate_from="earlier jobs",
        preview="i2v: Estimate of the finished video after step 6 of 20: latent frames 0, 2, 4, 6, each decoded alone.",
    )
    files.write_state(now)
    shutil.copyfile(files_of(studies, done).preview, files.preview)
    message = f"Not enough GPU memory for 81 frames of 832×480 {HOSTILE}."
    remedy = "Choose a smaller size or fewer frames, or set offload to model (slower, much less GPU memory)."
    ended = State(status="failed", kind="memory", message=message, remedy=remedy, submitted=time.time() - 7200)
    files_of(studies, failed).write_state(ended)
    files_of(studies, failed).log.write_text(f"Traceback (most recent call last):\n  {HOSTILE}\n")
    yield {"running": running, "failed": failed, "done": done, "queued": queued}
    os.close(held)


def test_nothing_is_wider_than_the_screen_and_others_words_stay_text(server, studies, in_every_state, page, shoot):
    url = server(studies)
    seen = {"form": "Generations of this folder", "running": "Run 2 of 3", "queued": "1 generation is ahead"}
    seen |= {"failed": "There was not enough memory.", "done": "Keep as sample of a study"}
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=scheme)
            for name, text in seen.items():
                page.goto(f"{url}/generate" + ("" if name == "form" else f"?job={in_every_state[name]}"))
                expect(page.get_by_text(text).first).to_be_visible()
                for title in page.get_by_text(re.compile("More settings|own words")).all():
                    title.click()
                page.wait_for_timeout(500)
                main = page.locator("[data-testid=stMain]")
                assert main.evaluate("main => main.scrollWidth <= main.clientWidth"), (name, width)
                shoot(page, f"generate-{name}-{width}-{scheme}")
    assert page.evaluate("window.hacked") is None
