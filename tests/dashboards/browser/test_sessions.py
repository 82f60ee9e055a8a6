"""Ten people at once, on every page and several studies, one of them broken; nobody sees another's troubles."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import psutil
import pytest
from playwright.sync_api import expect

from dymos_probe.store.schema import AttentionShape
from dymos_probe.testing.synthetic import synthetic_study

pytestmark = pytest.mark.slow

MANY = AttentionShape(branches=("cond",), steps=10, layers=tuple("abcdefgh"), heads=37, frames=5)
VISITS = [
    ("maps", {"study": "demo"}, "Where each looks: step 0"),
    ("maps", {"study": "large"}, "Which heads"),
    ("maps", {"study": "large", "sample": "sample-1"}, "When"),
    ("maps", {"study": "large", "layers": ["1", "1"], "heads": ["30", "30"]}, "step 0, layer 1, head 30"),
    ("lam", {"study": "demo"}, "How close λ brings attention to T2V"),
    ("lam", {"study": "large"}, "How close λ brings attention to T2V"),
    ("lam", {"study": "large", "sample": "sample-0"}, "How close λ brings attention to T2V"),
    ("videos", {"study": "demo"}, "Frame by frame"),
    ("", {}, "Studies"),
    ("preference", {}, "Preference"),
]
"""Page, address, and a heading that the page has when it is there."""


@pytest.fixture
def contexts(browser):
    opened = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in (*VISITS, None)]
    yield opened
    for context in opened:
        context.close()


def is_whole(tab, heading):
    expect(tab.get_by_role("heading", name=heading).first).to_be_visible()
    expect(tab.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_have_count(1)
    expect(tab.locator("[data-testid=stException]")).to_have_count(0)


def another_sample(tab, name):
    tab.get_by_role("combobox", name="Sample").first.click()
    tab.get_by_role("option", name=name, exact=True).click()
    expect(tab).to_have_url(re.compile(f"sample={name}(&|$)"))


def test_ten_sessions_on_every_page_and_a_broken_study_among_them(contexts, server, folder, capsys):
    synthetic_study(folder / "large", samples=3, lams=(-1.0, 0.6), shape=MANY)
    (folder / "broken").mkdir()
    (folder / "broken" / "study.json").write_text("{")
    url = server(folder)
    [process] = [each for each in psutil.Process().children() if "dashboard" in each.cmdline()]
    before = process.memory_info().rss
    tabs = [context.new_page() for context in contexts]
    failed: list[str] = []
    for tab in tabs:
        tab.on("pageerror", lambda error: failed.append(str(error)))
    for tab, (page, query, _) in zip(tabs, VISITS, strict=False):
        tab.goto(f"{url}/{page}?{urlencode(query, doseq=True)}", wait_until="commit")  # and does not wait
    tabs[-1].goto(f"{url}/maps?study=broken", wait_until="commit")
    for tab, (_, _, heading) in zip(tabs, VISITS, strict=False):
        is_whole(tab, heading)
    expect(tabs[-1].get_by_text("This study cannot be opened.")).to_be_visible()

    sampled = [(tab, query) for tab, (page, query, _) in zip(tabs, VISITS, strict=False) if page in ("maps", "lam")]
    for tab, query in sampled:
        if query["study"] == "large":
            another_sample(tab, "sample-2")
    for tab, (_, _, heading) in zip(tabs, VISITS, strict=False):
        is_whole(tab, heading)
    assert not failed, failed
    assert process.is_running()
    with capsys.disabled():
        print(f"\nten sessions: the server takes {before / 1e6:.0f} MB, then {process.memory_info().rss / 1e6:.0f} MB")
