"""The committed pages are what the committed results say, to the byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studies.reproduction.index import index
from studies.reproduction.page import FILE as PAGE
from studies.reproduction.page import page
from studies.reproduction.registry import STUDIES
from studies.reproduction.results import FILE, configuration_values, read_results
from studies.reproduction.setting import Setting

ROOT = Path(__file__).parents[2] / "studies"
_LARGEST = 3 * 2**20


@pytest.fixture(params=STUDIES, ids=lambda study: study.name)
def study(request):
    return request.param


def test_every_study_has_results(study):
    assert (ROOT / study.name / FILE).is_file()


def test_the_page_is_written_from_its_results(study):
    assert (ROOT / study.name / PAGE).read_text(encoding="utf-8") == page(study, read_results(ROOT / study.name))


def test_the_results_are_those_of_the_configuration_as_it_is_now(study):
    assert read_results(ROOT / study.name).configuration == configuration_values(study.configuration(Setting()))


def test_every_picture_shown_is_there_and_every_picture_there_is_shown(study):
    text = (ROOT / study.name / PAGE).read_text(encoding="utf-8")
    shown = set(re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text))
    assert shown == {file.name for file in (ROOT / study.name).glob("*.png")}


def test_every_verdict_is_said_with_a_place_in_the_paper(study):
    verdicts = study.verdicts(read_results(ROOT / study.name))
    assert verdicts
    assert all(re.match(r"(§\d|Appendix [A-E]|Eq\. \d)", verdict.claim) for verdict in verdicts)
    text = (ROOT / study.name / PAGE).read_text(encoding="utf-8")
    assert all(verdict.line in text for verdict in verdicts)


def test_a_page_says_when_and_on_what_it_was_made(study):
    made = read_results(ROOT / study.name).made
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made["date"]) and made["device"] and "torch" in made["versions"]


def test_times_are_in_no_results_but_table_5_s():
    for study in STUDIES:
        assert ("seconds" in (ROOT / study.name / FILE).read_text()) == (study.name == "tab5_overhead")


def test_the_index_counts_the_verdicts():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == index(STUDIES, ROOT)


def test_what_is_committed_is_small():
    sizes = [f.stat().st_size for study in STUDIES for f in (ROOT / study.name).iterdir() if f.is_file()]
    assert sum(sizes) < _LARGEST
