"""Whatever stands in the address, a page answers with what there is or a sentence, and with nothing from elsewhere."""

from __future__ import annotations

import re
import shutil

import pytest

from dymos_probe.serving.pages import app_script

PAGES = sorted(path.stem for path in (app_script().parent / "app_pages").glob("*.py"))
OUTSIDE = (
    "../secret",
    "../../etc",
    "/etc",
    "%2e%2e/secret",
    "..\\secret",
    "demo/../../secret",
    "demo\0",
    "file:///etc/passwd",
    "x" * 5000,
    '<img src=x onerror="window.hacked=1">',
    "$x$ **x** :smile:",
    "nan",
    "-1",
    "",
)
SECRET = "a word that stands outside the folder"


def parameters():
    """Every name that a widget or a page reads from the address."""
    found = set()
    for path in app_script().parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"query_params(?:\.get\(|\[)\"(\w+)\"", text))
        for call in re.findall(r"key=\"([\w ]+)\"[^)]*?bind=\"query-params\"", text, flags=re.DOTALL):
            found.add(call)
    # Ranges take theirs from where they are called.
    return found | {"steps", "layers", "heads"}


@pytest.fixture
def beside_a_secret(folder):
    """A folder with a whole study and a broken one; a study that is not for showing lies beside it."""
    shutil.copytree(folder / "demo", folder.parent / "secret")
    (folder.parent / "secret" / "study.json").write_text(f'{{"pair": "{SECRET}"}}')
    (folder / "broken").mkdir()
    (folder / "broken" / "study.json").write_text("{")
    return folder


def said(page):
    """All text a page holds."""
    kinds = ("markdown", "text", "caption", "code", "error", "warning", "info")
    return " ".join(str(element.proto) for kind in kinds for element in page.get(kind))


def test_the_names_read_from_the_address_are_known():
    assert {
        "study",
        "sample",
        "condition",
        "lam",
        "setting",
        "predict",
        "videos",
        "find",
        "page",
        "vote",
        "view",
        "survey",
    } <= parameters()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_in_the_address_leads_out_of_the_folder_or_breaks_a_page(app, beside_a_secret, page):
    for number, value in enumerate(OUTSIDE):
        # In turn as the study, and as everything but the study: what is behind that choice is reached too.
        study = "demo" if number % 2 else value
        # Who votes sees one page only.
        query = dict.fromkeys(parameters() - {"vote"}, value) | {"study": study}
        shown = app(beside_a_secret, page, **query)
        assert not shown.exception, (value, study, shown.exception)
        assert shown.title or shown.error, (value, study)
        assert SECRET not in said(shown)


@pytest.mark.parametrize("value", OUTSIDE)
def test_no_vote_leads_out_of_the_folder(app, beside_a_secret, value):
    shown = app(beside_a_secret, "preference", vote=value)
    assert not shown.exception and SECRET not in said(shown)


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"studies", "preference"}))
def test_a_broken_study_is_shown_as_broken_and_the_others_still_open(app, beside_a_secret, page):
    broken = app(beside_a_secret, page, study="broken")
    whole = app(beside_a_secret, page, study="demo")
    assert not broken.exception and not whole.exception and not whole.error
    if broken.selectbox and any(box.key == "study" for box in broken.selectbox):
        assert "cannot be opened" in broken.error[0].value
