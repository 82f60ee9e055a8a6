"""What a page reads of a study: the means kept beside the maps, and each thing once."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from dymos_probe.store import Condition, extend_study, open_study
from dymos_probe.store.reader import RunArray
from dymos_probe.store.schema import AttentionShape
from dymos_probe.testing.synthetic import synthetic_study

MANY = AttentionShape(branches=("cond",), steps=10, layers=tuple("abcdefgh"), heads=37, frames=3)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A folder with a study of many heads, as published models have."""
    folder = tmp_path_factory.mktemp("large")
    synthetic_study(folder / "demo", samples=3, lams=(-1.0, 0.6), shape=MANY)
    return folder


@pytest.fixture
def read(monkeypatch):
    """How often each variable was read from disk, metrics and marks apart."""
    counts, plain = Counter(), RunArray.__getitem__

    def noting(self, key):
        if self.complete is not None:
            counts[self.name] += 1
        return plain(self, key)

    monkeypatch.setattr(RunArray, "__getitem__", noting)
    return counts


@pytest.mark.parametrize(("page", "other"), [("maps", {"dominance"}), ("lam", {"attention_tilted"})])
def test_no_page_reads_the_maps_of_heads_before_anybody_asks_for_some(app, large, read, page, other):
    assert not app(large, page).exception
    assert read["attention_mean"] == 1, "all runs in one go"
    assert set(read) == {"attention_mean"} | other


@pytest.mark.parametrize(("page", "choice"), [("maps", "condition"), ("lam", "sample")])
def test_a_second_session_and_a_way_back_read_nothing(app, large, read, page, choice):
    first = app(large, page)
    at_first = first.selectbox(key=choice).value
    first.selectbox(key=choice).select_index(2).run()
    assert not first.exception and read
    read.clear()
    first.selectbox(key=choice).set_value(at_first).run()
    second = app(large, page)
    second.selectbox(key=choice).select_index(2).run()
    assert not first.exception and not second.exception
    assert not read, read


def test_who_has_looked_at_one_head_has_read_the_others(app, large, read):
    page = app(large, "maps", layers=["2", "2"], heads=["30", "30"])
    assert not page.exception and set(read) == {"attention_mean", "dominance", "attention_early"}
    read.clear()
    page.slider(key="layers").set_value((5, 7)).run()
    assert not page.exception and not read
    known = open_study(large / "demo").probe.maps(conditions=["t2v", "i2v"], heads=[30], layers=[5, 6, 7], early=0.1)
    chart = page.get("plotly_chart")[0].proto
    packed = json.loads(chart.spec or chart.figure.spec)["data"][1]["z"]
    shown = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"]).reshape(MANY.frames, MANY.frames)
    np.testing.assert_allclose(shown, known.sel(condition="i2v").values, atol=1e-9)
    assert any("layers 5 to 7" in each.value and "head 30" in each.value for each in page.subheader)


def test_one_damaged_mean_does_not_hide_the_other_runs(app, large, tmp_path):
    shutil.copytree(large / "demo", tmp_path / "demo")
    file = tmp_path / "demo" / "attention.zarr" / "attention_mean" / "c" / "1" / "1" / "0" / "0" / "0" / "0"
    file.write_bytes(b"")
    other = app(tmp_path, "maps", sample="sample-0")
    assert not other.exception and len(other.get("plotly_chart")) >= 1
    whole = app(tmp_path, "maps")
    assert not whole.exception and any("damaged on disk" in each.value for each in whole.text)


def test_a_condition_that_is_added_is_seen_though_means_are_held(app, large, tmp_path):
    shutil.copytree(large / "demo", tmp_path / "demo")
    page = app(tmp_path, "maps")
    before = len(page.selectbox(key="condition").options)
    new = Condition(
        id="alg", arm="i2v", lam=float("nan"), step_ratio=float("nan"), schedule="", method="alg", key_frame=0,
        branches="", layers="", heads="",
    )  # fmt: skip
    extend_study(tmp_path / "demo", conditions=[new])
    import streamlit as st

    st.cache_data.clear()  # the list of studies may be two seconds old
    page.run()
    assert not page.exception and len(page.selectbox(key="condition").options) == before + 1


def test_the_server_loads_what_pages_need_before_anybody_asks(large, tmp_path):
    program = f"""
import os, sys
os.environ["DYMOS_PROBE_FOLDER"] = {str(large)!r}
from dymos_probe.serving.pages import app_script, load_libraries
load_libraries()
before = set(sys.modules)
from streamlit.testing.v1 import AppTest
for page in ("maps", "lam", "videos", "generate", "preference"):
    test = AppTest.from_file(str(app_script()), default_timeout=60)
    test.run()
    test.switch_page(f"app_pages/{{page}}.py").run()
    assert not test.exception
heavy = ("dymos_probe", "scipy", "dask", "distributed", "zarr", "pandas", "av", "torch")
print([name for name in sorted(set(sys.modules) - before) if name.split(".")[0] in heavy])
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    late, torch = done.stdout.strip().splitlines()[-2:]
    assert late == "[]" and torch == "False", late
