"""The λ page shows the report's figures over λ, of all samples or of one."""

from __future__ import annotations

import pytest

from dymos_probe.figures.sections import Section
from dymos_probe.figures.sections.strength import strength_sections
from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import synthetic_study


def said(page):
    return [block.value.strip("*") for block in page.markdown if block.value.startswith("**") and len(block.value) > 40]


@pytest.mark.parametrize("which", [None, 1])
def test_every_figure_over_strength_is_there_with_what_it_says(app, folder, which):
    ds = open_study(folder / "demo")
    sample = None if which is None else str(ds["sample"].values[which])
    page = app(folder, "lam") if sample is None else app(folder, "lam", sample=sample)
    assert not page.exception
    part = ds if sample is None else ds.sel(sample=[sample])
    setting = (0.25, "uniform")
    known = [each for each in strength_sections(part, setting, only=True) if isinstance(each, Section)]
    assert [each.value for each in page.subheader] == [section.heading for section in known]
    assert said(page)[-len(known) :] == [section.said for section in known]
    assert len(page.get("plotly_chart")) == len(known) >= 3


def test_a_study_at_zero_alone_says_how_to_go_on(app, tmp_path):
    synthetic_study(tmp_path / "runs" / "plain", lams=())
    page = app(tmp_path / "runs", "lam")
    assert not page.exception and "probe intervene" in page.code[0].value
