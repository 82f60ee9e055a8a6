"""A study of the size the paper's has, of which as many runs are written as the disk is to hold.

50 samples under 10 conditions, 50 steps, 42 layers of 48 heads and 13 latent frames (CogVideoX-5B):
68 MB of attention a run before compression, 34 GB in all. All labels are there; the runs of some
samples and conditions are too, through the real writer. Runs of further samples can be hard links to
these: a study of full size then takes little of the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import logit

from dymos_probe.errors import InputError
from dymos_probe.store.schema import (
    COMPLETE_VARIABLE,
    EARLY_VARIABLES,
    RUN_VARIABLES,
    STORE_FOLDER,
    TILTED_VARIABLES,
    AttentionShape,
    Sample,
)
from dymos_probe.store.writer import completed_runs, create_study, extend_study, finish_study, write_run
from dymos_probe.testing.synthetic import as_run, conditions_over, t2v_maps, tilt

FULL: Final = AttentionShape(
    branches=("cond",),
    steps=50,
    layers=tuple(f"transformer_blocks.{index}.attn1" for index in range(42)),
    heads=48,
    frames=13,
)
"""Sizes of every run: those of CogVideoX-5B in the paper's settings."""
SAMPLES: Final = 50
LAMS: Final = (-2.0, -1.0, -0.5, 0.3, 0.6, 1.0, 1.5, 2.0)
"""Strengths of the modulated conditions; with the two arms there are ten."""
CONDITIONS: Final = len(LAMS) + 2
DOMINANCE: Final = 0.2
EXCESS: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class LargeStudy:
    """What was written, and what an analysis of it must find."""

    path: Path
    samples: tuple[str, ...]
    """Samples that have runs."""
    conditions: tuple[str, ...]
    """Conditions that have runs: ``t2v``, ``i2v``, and ``i2v lam=…``."""
    closest_lam: float
    """λ*, where the I2V maps are the T2V maps."""
    excess: float
    """ΔA[f, 0] for f ≥ 1, in every layer and head."""


def large_study(
    path: str | Path,
    *,
    samples: int = 3,
    conditions: int = 4,
    linked: int = 0,
    shape: AttentionShape = FULL,
    on_run: Callable[[int, int], None] | None = None,
) -> LargeStudy:
    """Write a study with the labels of all of the paper's runs, and the runs of the first few, at ``path``.

    Parameters
    ----------
    path
        A new folder.
    samples, conditions
        How many of each have runs; two conditions are the arms, more are modulations, the weakest first.
    linked
        How many further samples have the runs of the first ones, as hard links to their files.
    shape
        Sizes of a run.
    on_run
        Called after each run that is written with how many are done, of how many. What is there already stays.

    Raises
    ------
    InputError
        When there are not that many.
    """
    limits = (
        ("samples", samples, 1, SAMPLES),
        ("conditions", conditions, 2, CONDITIONS),
        ("linked", linked, 0, SAMPLES - samples),
    )
    for name, given, least, most in limits:
        if not least <= given <= most:
            raise InputError(f"{name} {given} is outside {least} to {most}, what the study has labels for")
    path = Path(path)
    known = conditions_over(sorted(LAMS, key=abs), 1.0)
    names = [f"sample-{index:02d}" for index in range(SAMPLES)]
    create_study(path, config={"pair": "synthetic", "note": "sizes of a full study, few of its runs"}, shape=shape)
    extend_study(
        path,
        samples=[Sample(id=name, prompt=f"prompt {i}", seed=i, image="") for i, name in enumerate(names)],
        conditions=known,
    )
    back = float(logit(DOMINANCE) - logit(DOMINANCE + EXCESS))
    there = completed_runs(path)
    for index, name in enumerate(names[:samples]):
        missing = [condition for condition in known[:conditions] if (name, condition.id) not in there]
        if missing:
            maps, mass = (part[0] for part in t2v_maps(np.random.default_rng(index), 1, shape, DOMINANCE, 0.1))
        for condition in missing:
            strength = 0.0 if condition.arm == "t2v" else back + condition.lam
            attention, text_mass = tilt(maps, mass, strength)
            write_run(path, as_run(name, condition.id, attention, text_mass, shape))
            if on_run is not None:
                on_run(index * conditions + known.index(condition) + 1, samples * conditions)
    for index in range(samples, samples + linked):
        _link(path, index % samples, index, conditions)
    finish_study(path)
    return LargeStudy(
        path=path,
        samples=tuple(names[: samples + linked]),
        conditions=tuple(condition.id for condition in known[:conditions]),
        closest_lam=-back,
        excess=EXCESS,
    )


def run_bytes(shape: AttentionShape = FULL) -> int:
    """Return the bytes of attention of one run before compression."""
    maps = len(shape.branches) * shape.steps * len(shape.layers) * shape.heads
    return maps * shape.frames**2 * np.dtype(np.float32).itemsize


def _link(path: Path, source: int, target: int, conditions: int) -> None:
    for variable in (*RUN_VARIABLES, *EARLY_VARIABLES, *TILTED_VARIABLES, COMPLETE_VARIABLE):
        chunks = path / STORE_FOLDER / variable.name / "c"
        for condition in map(str, range(conditions)):
            of_run = chunks / str(source) / condition
            for file in [of_run] if of_run.is_file() else [each for each in of_run.rglob("*") if each.is_file()]:
                link = chunks / str(target) / condition / file.relative_to(of_run)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)
                link.hardlink_to(file)
