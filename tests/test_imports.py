"""Imports go one way, light doors stay light, and no module outgrows its room."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("dymos_probe", "dymos_kernels")
SOURCES = {
    **{file: ("dymos_probe", file.relative_to(ROOT)) for file in (ROOT / "dymos_probe").rglob("*.py")},
    **{
        file: ("dymos_kernels", file.relative_to(ROOT / "kernels"))
        for file in (ROOT / "kernels" / "dymos_kernels").rglob("*.py")
    },
}

# What each part may import of ours; a part not named here (bench, cli, jobs) sits on top and may import everything.
ALLOWED = {
    "errors": set(),
    "layout": {"errors"},
    "bias": {"errors", "layout"},
    "families": {"errors", "layout", "bias"},
    "tap": {"errors", "layout", "bias", "families", "dymos_kernels"},
    "store": {"errors", "layout", "bias"},
    "testing": {"errors", "layout", "bias", "families", "store"},
    "pairs": {"errors", "layout", "bias", "families", "testing"},
    "baselines": {"errors", "layout", "bias", "families", "tap"},
    "metrics": {"errors", "store"},
    "runs": {"errors", "layout", "bias", "families", "tap", "store", "pairs", "baselines", "metrics", "analysis"},
    "analysis": {"errors", "layout", "bias", "store"},
    "figures": {"errors", "layout", "bias", "store", "analysis"},
    "preference": {"errors", "store", "pairs"},
    "serving": {"errors", "store", "preference", "jobs"},
    "dymos_kernels": set(),
}
WITHOUT_TORCH = (
    "dymos_probe.analysis",
    "dymos_probe.store",
    "dymos_probe.figures",
    "dymos_probe.metrics.registry",
    "dymos_probe.preference",
    "dymos_probe.layout",
    "dymos_probe.bias",
    "dymos_probe.jobs",  # what a dashboard imports; the worker it starts loads torch
)


def part(module: str) -> str:
    """The part of the package a dotted module belongs to: ``families``, ``errors``, ``dymos_kernels``."""
    package, *rest = module.split(".")
    return package if package == "dymos_kernels" or not rest else rest[0]


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every (line, dotted name) a file imports of ours, also inside functions and for type checkers."""
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module in OURS:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] in OURS)


def test_imports_go_one_way() -> None:
    against = []
    for file, (_, relative) in SOURCES.items():
        own = part(".".join(relative.with_suffix("").parts))
        if own not in ALLOWED:
            continue
        against += [
            f"{relative}:{line} imports {name}; {own} may import {', '.join(sorted(ALLOWED[own])) or 'nothing of ours'}"
            for line, name in imports(file)
            if part(name) not in ALLOWED[own] | {own}
        ]
    assert not against, "\n".join(against)


def test_only_the_tap_and_their_benchmark_import_the_kernels() -> None:
    users = {
        str(relative)
        for file, (package, relative) in SOURCES.items()
        if package == "dymos_probe" and any(name.startswith("dymos_kernels") for _, name in imports(file))
    }
    above = {name for name in users if not name.startswith("dymos_probe/tap/")}
    assert above == {"dymos_probe/bench/kernels.py", "dymos_probe/bench/machine.py"}


def test_the_checker_sees_an_import_that_goes_back(tmp_path: Path) -> None:
    file = tmp_path / "layout.py"
    file.write_text(
        "def f():\n    from dymos_probe.tap.seam import x\n\nimport dymos_kernels.api\nfrom dymos_probe import runs\n"
    )
    assert [(line, part(name)) for line, name in imports(file)] == [(4, "dymos_kernels"), (5, "runs"), (2, "tap")]


def loaded_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*sorted(name.split('.')[0] for name in sys.modules))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


def test_importing_the_package_loads_none_of_its_heavy_libraries() -> None:
    assert loaded_after("import dymos_probe").isdisjoint(
        {"torch", "diffusers", "transformers", "streamlit", "xarray", "cv2"}
    )


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_looking_at_data_never_loads_torch(module: str) -> None:
    assert loaded_after(f"import {module}").isdisjoint({"torch", "diffusers", "transformers", "streamlit"})


def test_choosing_a_pair_and_reading_prompts_never_loads_torch() -> None:
    statement = (
        "from dymos_probe.pairs import preset, PRESETS; import dymos_probe.runs.prompts, dymos_probe.runs.images"
    )
    assert loaded_after(statement).isdisjoint({"torch", "diffusers", "transformers"})


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_fits_in_500_lines(file: Path) -> None:
    assert len(file.read_text().splitlines()) < 500
