"""The command line called in this process, a recorded study, and places that cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SMALL = ("--num-frames", "9", "--steps", "2", "--device", "cpu")
PROMPT = "A dog runs across a beach"


@dataclass(frozen=True)
class Answer:
    """What a command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


Probe = Callable[..., Answer]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tiny pair is built here, and the hub is not asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield


@pytest.fixture
def probe(capfd: pytest.CaptureFixture[str]) -> Probe:
    """Run ``probe`` with arguments."""

    def call(*arguments: str | Path) -> Answer:
        from dymos_probe.cli import main

        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Answer(int(left.value.code or 0), out, err)

    return call


@pytest.fixture
def refused(probe: Probe) -> Callable[..., str]:
    """Run ``probe`` with arguments it must refuse with ``status``, and return its one line."""

    def call(status: int, *arguments: str | Path) -> str:
        answer = probe(*arguments)
        assert answer.status == status, answer
        lines = answer.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("probe: "), answer.err
        assert "Traceback" not in answer.out + answer.err and "a defect" not in answer.err
        return lines[0]

    return call


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, own_cache: None) -> Path:
    """A study of one prompt, not to be changed."""
    from dymos_probe.runs.record import record

    out = tmp_path_factory.mktemp("recorded") / "study"
    return record("sprites", [PROMPT], out=out, num_frames=9, num_inference_steps=2, device="cpu")


@pytest.fixture
def study(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the recorded study, to be changed at will."""
    return shutil.copytree(recorded, tmp_path / "study")


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder, by relative name."""

    def read(folder: Path) -> dict[str, bytes]:
        return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}

    return read


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a disk of a given size, such as ``64k``; needs the right to mount."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        if (
            os.geteuid() != 0
            or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
            ).returncode
        ):
            pytest.skip("mounting a small disk needs root")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)
