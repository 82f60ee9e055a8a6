"""The Studies page lists what is in the folder, whole, growing or broken, and leads to its pages."""

from __future__ import annotations

import shutil

import pytest
from streamlit.proto.PageLink_pb2 import PageLink

from dymos_probe.store import open_study
from dymos_probe.store.writer import forget_run


def names(page):
    return [block.value.removeprefix("#### ").strip("` ") for block in page.markdown if block.value.startswith("####")]


def links(page) -> list[PageLink]:
    return [link.proto for link in page.page_link]


def test_a_study_says_what_it_is_and_leads_to_its_pages(app, folder):
    page = app(folder)
    assert not page.exception and names(page) == ["demo"]
    assert "sprites: 2 samples × 5 conditions" in [text.value for text in page.text]
    assert [link.page for link in links(page)] == ["maps", "lam", "videos"]
    assert all("study=demo" in link.query_string for link in links(page))
    assert not page.get("progress") and not page.error


def test_the_progress_of_a_study_that_lacks_runs_is_shown_and_grows(app, folder):
    sample = str(open_study(folder / "demo")["sample"].values[0])
    forget_run(folder / "demo", sample, "i2v")
    page = app(folder)
    [bar] = page.get("progress")
    assert bar.proto.value == 90 and bar.proto.text.startswith("9 of 10 runs")


@pytest.mark.parametrize("harm", ["study.json", "attention.zarr/zarr.json"])
def test_a_broken_study_is_an_error_beside_the_others(app, folder, harm):
    shutil.copytree(folder / "demo", folder / "harmed")
    (folder / "harmed" / harm).write_text("{")
    page = app(folder)
    assert not page.exception and names(page) == ["demo", "harmed"]
    assert [error.value for error in page.error] == ["This study cannot be opened."]
    assert any("harmed" in text.value for text in page.text)
    assert len(links(page)) == 3  # of the whole one


def test_a_name_is_shown_as_it_is_and_its_links_lead_to_it(app, folder):
    hostile = "![a](http:x) <img src=q onerror=alert(1)> `*b*` &study=demo#"
    (folder / "demo").rename(folder / hostile)
    page = app(folder)
    [title] = [block.value for block in page.markdown if block.value.startswith("####")]
    assert title == f"#### `` {hostile} ``"
    opened = app(folder, "videos", study=hostile)
    assert not opened.exception and opened.selectbox(key="study").value == hostile


def test_sixty_studies_come_a_page_at_a_time_can_be_found_and_hide_no_broken_one(app, folder):
    for number in range(60):
        place = folder / f"study-{number:02d}"
        shutil.copytree(folder / "demo", place, ignore=shutil.ignore_patterns("videos", "images"))
    (folder / "study-07" / "study.json").write_text("{")
    page = app(folder)
    assert len(names(page)) == 13 and names(page)[-1] == "study-07"
    seen = set(names(page))
    for number in range(2, 6):
        page.get_by_key("page").set_value(number).run()
        seen |= set(names(page))
    assert len(seen) == 61
    page.text_input(key="find").set_value("STUDY-42").run()
    assert names(page) == ["study-42"]
    page.text_input(key="find").set_value("nothing of the kind").run()
    assert names(page) == [] and "No study" in page.info[0].value


def test_an_empty_folder_says_how_to_record(app, tmp_path):
    page = app(tmp_path)
    assert not page.exception and "probe record" in page.code[0].value
