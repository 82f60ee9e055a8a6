"""The figures of one study, each with the sentences that go with it; a module for each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from dymos_probe.analysis.select import modulation_settings
from dymos_probe.figures.sections.arms import arm_sections
from dymos_probe.figures.sections.changes import change_sections
from dymos_probe.figures.sections.section import LeftOut, Section
from dymos_probe.figures.sections.strength import strength_sections
from dymos_probe.figures.sections.videos import video_sections

__all__ = ["LeftOut", "Section", "sections"]


def sections(study: str | Path, ds: xr.Dataset) -> Iterator[Section | LeftOut]:
    """Yield every figure of a study in the order they are read, and why those that are missing are.

    The two untouched models: their attention maps, its difference, the denoising steps, distance in time,
    the heads. What λ
    does, for each step ratio and schedule of the plain modulations that has more than one λ:
    attention on the reference frame, d(λ), motion and quality, every metric. What every other condition
    does to each metric. The videos of the
    samples that λ changes most, middling and least, under every condition.

    Parameters
    ----------
    study
        Folder of the study.
    ds
        The study, from ``open_study``.

    Raises
    ------
    InputError
        When no sample is complete in both arms.
    CorruptStoreError
        When data of a run is damaged.
    """
    yield from arm_sections(ds)
    settings = modulation_settings(ds)
    if not settings:
        yield LeftOut("curves over λ", f"there is only λ = 0; `probe intervene {study} --lam=-1,1,2` adds others")
    for setting in settings:
        yield from strength_sections(ds, setting, only=len(settings) == 1)
    yield from change_sections(ds)
    yield from video_sections(Path(study), ds, settings[0] if settings else None)
