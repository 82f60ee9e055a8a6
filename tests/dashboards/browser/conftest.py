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
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]
PATIENCE = 30_000
"""Milliseconds to wait for what is expected: a machine that runs tests has other things to do."""

expect.set_options(timeout=PATIENCE)


@pytest.fixture
def servers() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The dashboards that run, by address."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    yield started
    for process in started.values():
        process.terminate()
        process.wait(30)


@pytest.fixture
def server(tmp_path: Path, servers: dict[str, subprocess.Popen[bytes]]) -> Callable[[Path], str]:
    """Serve a folder of studies; return the address."""

    def serve(folder: Path) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        said = tmp_path / f"server-{port}.log"
        program = "from dymos_probe.cli import main; main()"
        command = [sys.executable, "-c", program, "dashboard", str(folder), "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        with said.open("wb") as log:
            servers[url] = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(240):
            assert servers[url].poll() is None, said.read_text()
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                    return url
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        raise AssertionError(f"the dashboard does not answer: {said.read_text()}")

    return serve


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
def shoot() -> Callable[[Page, str], Path]:
    """Write a screenshot of the whole page to the folder in $SCREENSHOTS."""

    def write(page: Page, name: str) -> Path:
        path = Path(os.environ.get("SCREENSHOTS", "runs/screenshots")) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = page.viewport_size
        assert size is not None
        # The page scrolls inside itself, so a full-page picture would end at the window.
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": min(height, 6000)})
        page.wait_for_timeout(500)
        page.screenshot(path=path)
        page.set_viewport_size(size)
        return path

    return write
