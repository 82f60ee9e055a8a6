"""One saved tiny pair for all tests of loading; they copy it before they damage it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dymos_probe import testing
from dymos_probe.pairs import Pair


@pytest.fixture(scope="session")
def saved_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    t2v, i2v = testing.save_pair("cogvideox", tmp_path_factory.mktemp("pair"))
    return Pair(t2v=t2v, i2v=i2v, device="cpu")


@pytest.fixture
def copied_pair(saved_pair: Pair, tmp_path: Path) -> Callable[[], Pair]:
    def copy() -> Pair:
        for arm, source in (("t2v", saved_pair.t2v), ("i2v", saved_pair.i2v)):
            shutil.copytree(source, tmp_path / arm)
        return Pair(t2v=tmp_path / "t2v", i2v=tmp_path / "i2v", device="cpu")

    return copy


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    # The variable is read when huggingface_hub is first imported; the constant is what it then looks at.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
