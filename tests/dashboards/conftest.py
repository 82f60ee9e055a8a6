"""Folders of studies that were really recorded, and the dashboard's pages over them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dymos_probe.serving.pages import app_script
from dymos_probe.serving.server import FOLDER_VARIABLE

HOSTILE = '<img src=x onerror="window.hacked = 1"> **bold** :smile: [a](http://127.0.0.1:9) $x^2$'
PROMPTS = ("a red star moves left quickly on a navy background", HOSTILE)
FRAMES = 9


TO_COMPARE = (
    "a red star moves left quickly on a navy background",
    '<img src=x onerror="window.hacked = 1"> **bold** :smile: [a](http://127.0.0.1:9) $x^2$',
    "a green circle moves up slowly on a maroon background",
)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two prompts, one of them hostile, under T2V, I2V and three λ, not to be changed."""
    from dymos_probe.runs.intervene import intervene
    from dymos_probe.runs.measure import measure_study
    from dymos_probe.runs.record import record

    out = tmp_path_factory.mktemp("recorded") / "study"
    record("sprites", list(PROMPTS), out=out, num_frames=FRAMES, num_inference_steps=2, device="cpu")
    intervene(out, lam=[-1.0, 1.0, 4.0])
    measure_study(out, ["optical_flow"])
    return out


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    """A folder with a copy of the recorded study, ``demo``, to be changed at will."""
    shutil.copytree(recorded, tmp_path / "runs" / "demo")
    return tmp_path / "runs"


@pytest.fixture(scope="session")
def comparable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three prompts, one of them hostile, under T2V, I2V, λ = 1 and ALG, not to be changed."""
    from dymos_probe.runs.intervene import intervene
    from dymos_probe.runs.record import record

    out = tmp_path_factory.mktemp("comparable") / "study"
    record("sprites", list(TO_COMPARE), out=out, num_frames=9, num_inference_steps=2, device="cpu")
    intervene(out, lam=1.0)
    intervene(out, method="alg")
    return out


@pytest.fixture
def compared(comparable: Path, tmp_path: Path) -> Path:
    """A folder with a copy of that study, ``demo``, to be changed at will."""
    shutil.copytree(comparable, tmp_path / "runs" / "demo")
    return tmp_path / "runs"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., object]]:
    """Run the app over a folder, at a page and with an address, as a browser without a screen would."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    monkeypatch.syspath_prepend(str(app_script().parent))
    # Streamlit leaves the page as __main__, and a process spawned later would run it.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    before = set(sys.modules)

    def run(folder: Path, page: str = "", /, **query: str | list[str]) -> AppTest:
        monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
        test = AppTest.from_file(str(app_script()), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        if page:
            test.switch_page(f"app_pages/{page}.py").run()
        return test

    st.cache_data.clear()
    st.cache_resource.clear()
    yield run
    st.cache_data.clear()
    st.cache_resource.clear()
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(app_script().parent)):
            del sys.modules[name]
