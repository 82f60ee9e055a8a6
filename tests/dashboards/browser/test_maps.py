"""From the list of studies to one head's maps by clicks, and the address says where one is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dymos_probe.store import open_study

pytestmark = pytest.mark.slow


def test_from_the_list_to_a_heads_maps_by_clicks(page, server, folder, shoot):
    page.goto(server(folder))
    page.get_by_role("link", name="Difference maps").last.click()
    expect(page.get_by_role("heading", name="Where each looks: step 0")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/maps\?study=demo$"))
    grid = page.locator(".st-key-grid .nsewdrag").first
    grid.scroll_into_view_if_needed()
    expect(page.locator(".st-key-grid .heatmaplayer image")).to_be_visible()
    box = grid.bounding_box()
    ds = open_study(folder / "demo")
    layers, heads = ds.sizes["layer"], ds.sizes["head"]
    layer, head = 2, 1
    page.mouse.click(box["x"] + box["width"] * (head + 0.5) / heads, box["y"] + box["height"] * (layer + 0.5) / layers)
    expect(page.get_by_role("heading", name="Where each looks: step 0, layer 2, head 1")).to_be_visible()
    expect(page).to_have_url(re.compile(r"layers=2&layers=2&heads=1&heads=1"))
    shoot(page, "maps of a head")
    page.reload()
    expect(page.get_by_role("heading", name="Where each looks: step 0, layer 2, head 1")).to_be_visible()
    page.get_by_role("button", name="Back to all layers and heads").click()
    expect(page.get_by_role("heading", name="Where each looks: step 0", exact=True)).to_be_visible()


def test_a_page_opened_without_a_study_names_the_one_it_shows(page, server, folder):
    page.goto(f"{server(folder)}/maps")
    expect(page).to_have_url(re.compile(r"/maps\?study=demo$"))
