"""In a browser the list of studies grows by itself, survives what is broken, and leads to the videos by clicks."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect

from dymos_probe.runs.intervene import intervene
from dymos_probe.store import open_study
from dymos_probe.store.writer import forget_run

pytestmark = pytest.mark.slow


def card(page, text):
    return page.locator("[data-testid=stVerticalBlock]", has_text=text).last


def test_a_study_is_seen_to_grow_while_the_page_is_open(server, folder, page):
    sample = str(open_study(folder / "demo")["sample"].values[0])
    page.goto(server(folder))
    expect(page.get_by_text("sprites: 2 samples × 5 conditions")).to_be_visible()
    forget_run(folder / "demo", sample, "i2v_lam1_ratio0.25")
    expect(page.get_by_text("9 of 10 runs are there")).to_be_visible()
    intervene(folder / "demo", lam=[1.0, 2.0])
    expect(page.get_by_text("sprites: 2 samples × 6 conditions")).to_be_visible()
    expect(page.get_by_text("runs are there")).to_have_count(0)


def test_a_run_recorded_while_its_videos_are_open_appears_among_them(server, folder, page):
    sample = str(open_study(folder / "demo")["sample"].values[0])
    forget_run(folder / "demo", sample, "i2v_lam4_ratio0.25")
    (folder / "demo" / "videos" / sample / "i2v_lam4_ratio0.25.mp4").unlink()
    page.goto(f"{server(folder)}/videos?study=demo")
    lacking = page.locator(".players figure", has_text="λ = 4")
    expect(lacking).to_contain_text("Not recorded yet.")
    page.locator(".players video").first.evaluate("video => { video.marked = true }")
    intervene(folder / "demo", lam=[4.0])
    expect(lacking.locator("video")).to_have_count(1)
    assert page.locator(".players video").first.evaluate("video => video.marked")


def test_a_study_that_breaks_while_the_page_is_open_takes_no_other_with_it(server, folder, page):
    shutil.copytree(folder / "demo", folder / "other")
    page.goto(server(folder))
    expect(page.get_by_role("link", name="Videos")).to_have_count(3)  # one of them in the menu
    (folder / "other" / "study.json").write_text("{")
    expect(page.get_by_text("This study cannot be opened.")).to_be_visible()
    expect(page.get_by_role("link", name="Videos")).to_have_count(2)


def test_a_click_leads_from_a_study_to_its_videos(server, folder, page):
    shutil.copytree(folder / "demo", folder / "other")
    url = server(folder)
    for name in ("demo", "other"):
        page.goto(url)
        expect(page.get_by_role("link", name="Videos")).to_have_count(3)
        card(page, name).get_by_role("link", name="Videos").click()
        expect(page.locator(".players video")).to_have_count(5)
        assert f"study={name}&" in page.locator(".players video").first.get_attribute("src")


def test_hostile_names_stay_text_and_nothing_is_fetched_from_elsewhere(server, folder, page):
    hostile = "<img src=x onerror='window.hacked = 1'> **b** ![a](http:evil)"
    (folder / "demo").rename(folder / hostile)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    url = server(folder)
    page.goto(url)
    expect(page.get_by_text(hostile)).to_be_visible()
    card(page, hostile).get_by_role("link", name="Videos").click()
    expect(page.locator(".players video")).to_have_count(5)
    page.wait_for_function("() => true")
    assert page.evaluate("window.hacked") is None
    assert [each for each in asked if not each.startswith((url, "data:", "blob:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(server, folder, page, shoot, width, scheme):
    shutil.copytree(folder / "demo", folder / f"a study of a {'very-long-name-' * 5}")
    shutil.copytree(folder / "demo", folder / "broken")
    (folder / "broken" / "study.json").write_text("{")
    forget_run(folder / "demo", str(open_study(folder / "demo")["sample"].values[0]), "i2v")
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(server(folder))
    expect(page.get_by_text("This study cannot be opened.")).to_be_visible()
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    shoot(page, f"studies-{width}-{scheme}")
