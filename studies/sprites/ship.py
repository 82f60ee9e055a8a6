"""Puts a finished pair into the package, and every seed's figures beside this study."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import dymos_probe.pairs
from studies.sprites.seeds import evaluations

PACKAGE: Final = Path(dymos_probe.pairs.__path__[0]) / "sprites"
"""Where the pair stands in the package."""

RESULTS: Final = Path(__file__).with_name("results")
"""Where the figures of every seed stand."""


def ship(out: Path, pair: Path, *, package: Path = PACKAGE, results: Path = RESULTS) -> None:
    """Copy ``pair`` to ``package`` in place of what is there, and each seed's ``evaluation.json`` to ``results``."""
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(pair, package)
    results.mkdir(parents=True, exist_ok=True)
    for seed, file in evaluations(out).items():
        shutil.copyfile(file, results / f"seed-{seed}.json")
