"""How long a page of a study of full size takes to be there; prints a table, asserts nothing.

``PYTHONPATH=.:kernels python tests/dashboards/browser/first_paint.py FOLDER`` writes into FOLDER, once, a study of the
paper's size (1.3 GB on disk by hard links; 34 GB to read) and a tiny one beside it, and opens every page of each in
Chromium. The tiny one costs what any page of any study does; what the large one takes beyond that is ours.

first: until the page's title is there; cold: until all of it is; by a server just started and a browser that has seen
nothing. warm: the same page chosen again in the menu, when another session has had it. choice: another sample. CPU
seconds are the server's, which other work on the machine disturbs less.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from dymos_probe.testing.large import LAMS, large_study
from dymos_probe.testing.synthetic import synthetic_study

PAGES = {"studies": "Studies", "maps": "Difference maps", "lam": "λ", "videos": "Videos", "preference": "Preference"}
"""Address → name in the menu, which is the page's title."""
FIGURES = {"maps": 3, "lam": 2}
PATIENCE = 120_000
WHOLE = """([title, figures]) => {
  const main = document.querySelector('[data-testid=stMain]')
  const charts = [...document.querySelectorAll('.js-plotly-plot')]
  return main?.querySelector('h1')?.innerText.trim().startsWith(title)
    && document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
    && !main.querySelector('[data-stale=true], [data-testid=stSkeleton], [data-testid=stSpinner]')
    && charts.length >= figures && charts.every(chart => chart.querySelector('.plotly'))
}"""
"""Whether a page is there to its last figure."""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Serve ``folder`` in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "from dymos_probe.cli import main; main()"
    command = [sys.executable, "-c", program, "dashboard", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, "the dashboard ended"
                time.sleep(0.1)
        time.sleep(1.0)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def titled(tab: Page, page: str, since: float) -> float:
    """Return the seconds from ``since`` until the title of a page is there."""
    title = "title => document.querySelector('[data-testid=stMain] h1')?.innerText.trim().startsWith(title)"
    tab.wait_for_function(title, arg=PAGES[page], timeout=PATIENCE, polling=10)
    return time.perf_counter() - since


def until_whole(tab: Page, page: str, since: float) -> float:
    """Return the seconds from ``since`` until a page is there."""
    tab.wait_for_function(WHOLE, arg=[PAGES[page], FIGURES.get(page, 0)], timeout=PATIENCE, polling=10)
    return time.perf_counter() - since


def choose(tab: Page, page: str) -> float | None:
    """Return the seconds another sample takes; None where there is none to choose."""
    if page not in ("maps", "lam", "videos"):
        return None
    tab.get_by_role("combobox", name="Sample").first.click()
    option = tab.get_by_role("option").nth(1)
    option.wait_for()
    before, since = tab.url, time.perf_counter()
    option.click()
    tab.wait_for_function("before => location.href !== before", arg=before, polling=10)
    tab.wait_for_timeout(30)
    return until_whole(tab, page, since)


def measure(browser: Browser, folder: Path, page: str) -> str:
    """Return what a page takes, as the columns of the table."""
    address = "" if page == "studies" else page
    query = "?study=study" if page in ("maps", "lam", "videos") else ""
    with served(folder) as (url, server):
        used = [sum(server.cpu_times()[:2])]
        tabs = [browser.new_context(viewport={"width": 1280, "height": 900}).new_page() for _ in range(2)]
        firsts: list[float] = []
        took = []
        for tab in tabs:
            since = time.perf_counter()
            tab.goto(f"{url}/{address}{query}", wait_until="commit")
            firsts.append(titled(tab, page, since))
            took.append(until_whole(tab, page, since))
            used.append(sum(server.cpu_times()[:2]))
        tab = tabs[1]
        other = "studies" if page == "preference" else "preference"
        tab.get_by_role("link", name=PAGES[other], exact=True).first.click()
        until_whole(tab, other, 0.0)
        tab.wait_for_timeout(500)
        since = time.perf_counter()
        tab.get_by_role("link", name=PAGES[page], exact=True).first.click(no_wait_after=True)
        warm = until_whole(tab, page, since)
        chosen = choose(tab, page)
        for each in tabs:
            each.context.close()
        memory = server.memory_info().rss / 1e6
    cpu = [after - before for before, after in pairwise(used)]
    choice = "" if chosen is None else f"{chosen:8.2f}"
    load = os.getloadavg()[0]
    numbers = [
        f"{firsts[0]:8.2f} {took[0]:8.2f} {cpu[0]:8.2f} {took[1]:11.2f} {cpu[1]:8.2f}",
        f"{warm:8.2f} {choice:>8} {memory:8.0f} {load:8.1f}",
    ]
    return " ".join(numbers)


def main(folder: Path) -> None:
    """Write the studies where they are not there, and print the table."""
    # A folder each, so that the menu leads to the study that is meant.
    if not (folder / "tiny").exists():
        synthetic_study(folder / "tiny" / "study", samples=2, lams=LAMS)
    if not (folder / "large").exists():
        large_study(folder / "large" / "study", samples=2, conditions=10, linked=48)
    columns = ("first s", "cold s", "CPU s", "2nd browser", "CPU s", "warm s", "choice s", "MB", "load")
    print(f"{'page':10} {'study':6} " + " ".join(f"{name:>8}" for name in columns))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"]
        )
        for page in PAGES:
            for study in ("tiny", "large"):
                print(f"{page:10} {study:6} {measure(browser, folder / study, page)}", flush=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
