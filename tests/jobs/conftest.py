"""A studies folder, the tiny pair, images as an upload brings them, and real worker processes."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dymos_probe import jobs
from dymos_probe.jobs.folder import folder_lock, jobs_root
from dymos_probe.jobs.liveness import hold
from dymos_probe.jobs.worker import End, work

ROOT = Path(__file__).parents[2]
STEPS = 3
SMALL: dict[str, Any] = {"pair": "tiny-cogvideox", "num_frames": 9, "num_inference_steps": STEPS}
LONG: dict[str, Any] = {"pair": "tiny-cogvideox", "num_frames": 49, "num_inference_steps": 1000}
"""Many seconds a run, so that there is time to do something to it."""


def request(prompt: str = "a red square", **changes: Any) -> jobs.Request:
    return jobs.Request(**{"prompt": prompt, **SMALL, **changes})


def wait_for(what: Callable[[], Any], *, seconds: float = 120.0) -> Any:
    """What ``what`` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tiny pair is built here, not in the cache of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A PNG of another shape than the videos."""
    written = io.BytesIO()
    Image.fromarray(np.random.default_rng(7).integers(0, 256, (50, 90, 3), dtype=np.uint8)).save(written, format="png")
    return written.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "studies"
    made.mkdir()
    return made


@pytest.fixture
def submit(folder: Path, picture: bytes) -> Callable[..., str]:
    def one(prompt: str = "a red square", *, image: bytes | None = picture, **changes: Any) -> str:
        return jobs.submit(folder, request(prompt, **changes), image=image)

    return one


@pytest.fixture
def make(folder: Path) -> Callable[[str], jobs.State]:
    """Serve the folder in this process until no job waits, and return how one ended."""

    def serve(id: str) -> jobs.State:
        assert work(folder, device="cpu", idle_seconds=0.0) is End.IDLE
        return jobs.state(folder, id)

    return serve


@pytest.fixture
def own_pair(folder: Path, tiny_pair: Callable[[str], tuple[Path, Path]]) -> Callable[..., Path]:
    """A pair of one's own in the studies folder."""

    def copy(name: str, pipeline: str = "wan2.1") -> Path:
        for arm, source in zip(("t2v", "i2v"), tiny_pair(pipeline), strict=True):
            shutil.copytree(source, folder / "pairs" / name / arm)
        return folder / "pairs" / name

    return copy


@pytest.fixture
def held(folder: Path) -> Iterator[None]:
    """This process counts as the living worker of the CPU."""
    with folder_lock(folder):
        descriptor = hold(jobs_root(folder), "cpu")
    assert descriptor is not None
    yield
    os.close(descriptor)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What worker processes inherit: this source, one thread as in this process."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "kernels")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def start(folder: Path, environment: None) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start workers in the foreground; those still there afterwards are ended."""
    started: list[subprocess.Popen[str]] = []

    def worker(idle_seconds: float = 60.0, *, before: str = "", **options: Any) -> subprocess.Popen[str]:
        own = [sys.executable, "-m", "dymos_probe.jobs", str(folder)]
        command = [*own, "--device", "cpu", "--idle-seconds", str(idle_seconds)]
        if before:
            command = ["sh", "-c", f'{before}; exec "$@"', "sh", *command]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options))
        return started[-1]

    yield worker
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        assert process.stderr is not None
        process.stderr.close()
