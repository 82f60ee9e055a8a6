from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import pytest
from hypothesis import settings

# The same tree has the same verdict; `pytest --hypothesis-profile explore` draws new examples, ten times as many.
settings.register_profile("same", derandomize=True)
settings.register_profile("explore", max_examples=1000, derandomize=False)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Sums over one thread: the same bits on every machine load, and no fight for cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Folders of the saved T2V and I2V arm of a tiny pipeline, written once a session."""
    from dymos_probe.testing import save_pair

    saved: dict[str, tuple[Path, Path]] = {}

    def pair(name: str) -> tuple[Path, Path]:
        if name not in saved:
            saved[name] = save_pair(name, tmp_path_factory.mktemp(name))
        return saved[name]

    return pair
