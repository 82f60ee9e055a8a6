"""The dashboard as a person meets it: its own process, and a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]
PATIENCE = 30_000
"""Milliseconds to wait for what is expected: a machine that runs tests has other things to do."""

TALLEST = 16_000
"""Pixels of a picture that Chromium can take."""

expect.set_options(timeout=PATIENCE)


Processes = dict[str, subprocess.Popen[bytes]]
"""The dashboards that run, by address."""


@pytest.fixture
def servers() -> Iterator[Processes]:
    """The dashboards that ``server`` started, which end with the test."""
    with _ended() as started:
        yield started


@pytest.fixture
def server(tmp_path: Path, servers: Processes) -> Callable[..., str]:
    """Serve a folder of studies; return the address."""
    return lambda folder, *options: _serve(servers, folder, tmp_path, *options)


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[Callable[..., str]]:
    """Serve a folder to all tests of a module; what is said goes to ``server-PORT.log`` of the folder above it."""
    with _ended() as started:
        yield lambda folder, *options: _serve(started, folder, folder.parent, *options)


@contextmanager
def _ended() -> Iterator[Processes]:
    started: Processes = {}
    try:
        yield started
    finally:
        for process in started.values():
            process.terminate()
            process.wait(30)


def _serve(started: Processes, folder: Path, logs: Path, *options: str) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = logs / f"server-{port}.log"
    program = "from dymos_probe.cli import main; main()"
    command = [sys.executable, "-c", program, "dashboard", str(folder), "--port", str(port), *options]
    url = f"http://127.0.0.1:{port}"
    with said.open("wb") as log:
        started[url] = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(240):
        assert started[url].poll() is None, said.read_text()
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return url
        except urllib.error.HTTPError as refused:
            # It answers; what it wants is a token.
            assert refused.code == 401
            return url
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise AssertionError(f"the dashboard does not answer: {said.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a screen."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of a laptop's size; no script of the page may have failed in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE)
    failed: list[str] = []
    tab.on("pageerror", lambda error: failed.append(str(error)))
    yield tab
    context.close()
    assert not failed, failed


@pytest.fixture
def menu() -> Callable[[Page], dict[str, str]]:
    """Return the pages in the menu: name, and what stands in the address; the first has nothing there."""

    def read(page: Page) -> dict[str, str]:
        links = page.get_by_test_id("stTopNavLink")
        expect(links.first).to_be_visible()
        paths = [urlsplit(link.get_attribute("href") or "").path.strip("/") for link in links.all()]
        return {path or "studies": path for path in paths}

    return read


@pytest.fixture
def settled() -> Callable[[Page], None]:
    """Wait until a page has run, its figures are drawn, its videos loaded, and its height stays."""

    def wait(page: Page) -> None:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        before = -1
        for _ in range(PATIENCE // 500):
            # A page whose list is looked at every two seconds is idle in between.
            busy = page.locator("[data-testid=stApp][data-test-script-state=running], [data-testid=stSpinner]").count()
            empty = page.locator("[data-testid=stPlotlyChart]:not(:has(.main-svg))").count()
            loading = page.locator("video").evaluate_all("videos => videos.filter(v => v.readyState < 2).length")
            height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
            if not busy and not empty and not loading and height == before:
                return
            before = height
            page.wait_for_timeout(500)
        raise AssertionError(f"{page.url} does not come to rest: {busy=} {empty=} {loading=} {height=} {before=}")

    return wait


@pytest.fixture
def shoot() -> Callable[[Page, str], Path]:
    """Write a screenshot of the whole page to the folder in $SCREENSHOTS."""

    def write(page: Page, name: str) -> Path:
        path = Path(os.environ.get("SCREENSHOTS", "runs/screenshots")) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = page.viewport_size
        assert size is not None
        # The page scrolls inside itself, so a full-page picture would end at the window.
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": min(height, TALLEST)})
        page.wait_for_timeout(500)
        page.screenshot(path=path)
        page.set_viewport_size(size)
        return path

    return write
