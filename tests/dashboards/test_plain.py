"""Somebody else's text becomes one code span of Markdown, whatever is in it."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dymos_probe.serving.pages import app_script


@pytest.fixture(scope="module")
def as_code():
    spec = importlib.util.spec_from_file_location("plain", app_script().parent / "plain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.as_code


@given(st.text(alphabet=st.sampled_from("`*_[]()<>!\\ab #\n:$&"), min_size=1).filter(str.strip))
def test_markdown_reads_back_the_text_and_nothing_else(as_code, text):
    [inline] = [token for token in MarkdownIt("commonmark").parse(f"#### {as_code(text)}") if token.type == "inline"]
    [span] = inline.children
    assert span.type == "code_inline" and span.content == " ".join(text.split())


def test_no_text_is_no_span(as_code):
    assert as_code(" \n") == ""
