"""In a browser λ is moved by the keyboard, and the numbers, the video, the mark and the address follow."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dymos_probe.figures.labels import number
from dymos_probe.store import open_study

pytestmark = pytest.mark.slow


def test_moving_the_slider_by_keyboard_moves_all_that_follows_it_and_is_a_link(server, folder, page, shoot):
    d = open_study(folder / "demo").probe.distance(early=0.1)
    page.goto(f"{server(folder)}/lam?study=demo")
    slider = page.get_by_role("slider", name="λ")
    expect(slider).to_be_visible()
    expect(page.locator(".players video")).to_have_count(2)
    # The player of T2V is the same all along: moving λ does not begin the videos anew.
    page.locator(".players video").first.evaluate("video => { video.marked = true }")
    slider.focus()
    for lam in (1.0, 4.0):
        page.keyboard.press("ArrowRight")
        expect(page).to_have_url(re.compile(rf"[?&]lam={lam:g}(&|$)"))
        expect(page.locator(".players .name")).to_have_text(["T2V", "I2V, λ = 0 (untouched)", f"I2V, λ = {lam:g}"])
        expect(page.locator(".players video").last).to_have_attribute("src", re.compile(f"lam{lam:g}_"))
        shown = page.get_by_test_id("stMetric").filter(has_text=f"Distance to T2V attention at λ = {lam:g}")
        expect(shown).to_contain_text(f"{number(float(d.sel(lam=lam)))} nats")
        expect(page.get_by_text(f"The diamond is the λ of the slider, {lam:g}.")).to_be_visible()
    page.keyboard.press("Home")
    expect(page).not_to_have_url(re.compile("[?&]lam=0"))
    expect(page.locator(".players .name").last).to_have_text("I2V, λ = −1")
    page.keyboard.press("End")
    expect(page.locator(".players .name").last).to_have_text("I2V, λ = 4")
    assert page.locator(".players video").first.evaluate("video => video.marked")
    expect(page).to_have_url(re.compile("[?&]lam=4"))
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.locator(".players .name")).to_have_text(["T2V", "I2V, λ = 0 (untouched)", "I2V, λ = 4"])
    expect(tab.get_by_test_id("stMetric").first).to_contain_text(f"{number(float(d.sel(lam=4.0)))} nats")
    tab.locator(".players").get_by_role("button", name="Play").click()
    playing = "videos => videos.length === 3 && videos.every(v => !v.paused && v.currentTime > 0.1)"
    expect(tab.locator(".players").get_by_role("button", name="Pause")).to_be_visible()
    for _ in range(400):
        if tab.locator(".players video").evaluate_all(playing):
            break
        tab.wait_for_timeout(25)
    else:
        raise AssertionError("the videos never play")
    shoot(tab, "lam at 4")
