"""The built wheel holds the whole package and works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out), cwd=ROOT)
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_nothing_else(wheel):
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    roots = {"dymos_probe": ROOT, "dymos_kernels": ROOT / "kernels"}
    modules = {str(file.relative_to(base)) for top, base in roots.items() for file in (base / top).rglob("*.py")}
    assert modules <= packed
    assert {name.split("/")[0] for name in packed} == set(roots)
    assert {"dymos_probe/py.typed", "dymos_kernels/py.typed"} <= packed
    pages = {f"dymos_probe/{file.relative_to(ROOT)}" for file in (ROOT / "dashboards").rglob("*.py")}
    assert pages and pages <= packed


@pytest.mark.slow
def test_the_installed_wheel_records_a_study_from_another_folder(wheel, tmp_path):
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel), cwd=tmp_path)
    # What Hugging Face calls `kernels`, which diffusers imports where it is installed, must not be ours.
    (site / "kernels").mkdir()
    (site / "kernels" / "__init__.py").write_text("")
    script = (
        "import sys, dymos_probe, dymos_kernels, kernels\n"
        "assert all(m.__file__.startswith(sys.argv[1]) for m in (dymos_probe, dymos_kernels, kernels))\n"
        "dymos_probe.record('sprites', ['a red star moves up'], out='study', num_frames=9, num_inference_steps=2)\n"
        "print(bool(dymos_probe.open_study('study').complete.all()))\n"
    )
    printed = run(
        sys.executable,
        "-c",
        script,
        str(site),
        cwd=tmp_path,
        PYTHONPATH=str(site),
        HF_HUB_OFFLINE="1",
        OMP_NUM_THREADS="1",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert printed.split()[-1] == "True"
