"""The denoisers of several seeds over one autoencoder, side by side."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

from studies.sprites.conditions import curve

_INTRODUCTION: Final = (
    "The same denoisers trained from other seeds over the same autoencoder; this pair was not chosen by what it shows. "
    "*moves*: tracked displacement whatever its direction, mean over the prompts tracked in both; *along*: its part "
    "along the caption, mean over the prompts tracked at that λ. Pixels, with standard errors; *paired* over the "
    "prompts tracked in both."
)
_LAMS: Final = ("-1", "0", "1", "2")
_COLUMNS: Final = (
    "seed",
    "column 0, I2V / T2V",
    "prompts in excess",
    "moves, T2V",
    "moves, λ = 0",
    *(f"along, λ = {lam}" for lam in _LAMS),
    "λ = 1 to 2, paired",
    "nearest to T2V, along, paired",
    "least d at λ",
    "colour, shape (λ ≤ 1, least)",
    "T2V direction",
)


def evaluations(out: Path) -> dict[int, Path]:
    """Return ``evaluation.json`` of every seed that has one under the study's folder, by seed."""
    found = {int(file.parents[1].name.removeprefix("seed-")): file for file in out.glob("seed-*/pair/evaluation.json")}
    return dict(sorted(found.items()))


def seeds_section(results: dict[int, dict[str, Any]]) -> str:
    """Return Markdown on every seed's evaluation: a row for each, displacements in pixels."""
    if len(results) == 1:
        return "Only this one has been measured: how much of the above another seed would change is not known."
    rows = [" | ".join(_COLUMNS), "|".join("---" for _ in _COLUMNS)]
    rows += [" | ".join(_cells(seed, each)) for seed, each in results.items()]
    table = "\n".join(f"| {row} |" for row in rows)
    return f"{_INTRODUCTION}\n\n{table}"


def load_evaluations(out: Path) -> dict[int, dict[str, Any]]:
    """Return the evaluations of every seed under the study's folder, by seed."""
    return {seed: json.loads(file.read_text()) for seed, file in evaluations(out).items()}


def _cells(seed: int, results: dict[str, Any]) -> tuple[str, ...]:
    conditions, attention = results["conditions"], results["attention"]["i2v"]
    moves = results["motion_against_t2v"][curve("i2v", 0.0)]["distance"]
    gap = results["motion_over_lam"]["i2v"]["gaps"]["1 to 2"]
    nearest, short = min(
        ((name, row["along"]) for name, row in results["motion_against_t2v"].items() if name.startswith("i2v λ=")),
        key=lambda named: abs(named[1]["mean"]) if named[1]["mean"] is not None else math.inf,
    )
    curves = {lam: conditions.get(curve("i2v", float(lam))) for lam in _LAMS}
    weak = [row for name, row in conditions.items() if name.startswith("i2v λ=") and float(name.split("=")[1]) <= 1]
    colour, shape = (min(row[f"{what}_right"] for row in weak) for what in ("colour", "shape"))
    return (
        str(seed),
        f"{attention['ratio']:.1f}",
        f"{attention['prompts_with_excess']:.0%}",
        _pixels(moves["second"]),
        _pixels(moves["first"]),
        *("–" if row is None else _pixels(row["along"], row["along_standard_error"]) for row in curves.values()),
        _pixels(gap["mean"], gap["standard_error"]),
        f"{nearest.removeprefix('i2v ')}: {_pixels(short['mean'], short['standard_error'])}",
        f"{results['least_distance']['i2v']['lam']:g}",
        f"{colour:.0%}, {shape:.0%}",
        f"{results['captions']['direction_right']:.0%}",
    )


def _pixels(value: float | None, error: float | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if error is None else f"{value:.1f} ± {error:.1f}"
