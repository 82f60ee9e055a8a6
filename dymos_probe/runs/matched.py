"""The matched schedule of a study: computed from its runs, or found again by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from dymos_probe.analysis.matched import as_table, matched_strengths
from dymos_probe.bias import MATCHED, MatchedTable, matched_name
from dymos_probe.store import read_schedule, write_schedule


@dataclass(frozen=True, kw_only=True)
class MatchedSchedule:
    """A table of strengths and how it came about."""

    table: MatchedTable
    """Strength λ of every layer, a tuple over query frames."""
    about: Mapping[str, Any]
    """Plain JSON values for whoever reads the study's file."""

    @property
    def name(self) -> str:
        """What the study calls it."""
        return matched_name(self.table)

    def keep(self, study: Path) -> Path:
        """Write it into the study's folder and return its file."""
        return write_schedule(study, self.table, self.about)


def is_matched(schedule: str) -> bool:
    """Return whether ``schedule`` is ``matched`` or the name of a matched table."""
    return schedule == MATCHED or schedule.startswith(f"{MATCHED}-")


def find_matched(
    study: Path, ds: xr.Dataset, schedule: str, *, step_ratio: float, table: MatchedTable | None = None
) -> MatchedSchedule:
    """Return the schedule that ``matched``, computed from all complete samples, or a kept table's name stands for.

    Raises
    ------
    InputError
        When the study has no table of that name, or no sample complete in both arms to match.
    """
    if table is not None:
        return MatchedSchedule(table=table, about={"source": "given by the caller"})
    if schedule != MATCHED:
        return MatchedSchedule(table=read_schedule(study, schedule), about={"source": "kept by the study"})
    strengths = matched_strengths(ds, step_ratio=step_ratio)
    about = {
        "source": "logit of the mean reference mass, untouched I2V minus T2V, by layer and query frame; "
        "mean over samples, heads and the modulated steps",
        **{key: strengths.attrs[key] for key in ("conditions", "branch", "step_ratio", "steps_matched")},
        "samples": strengths.attrs["samples_used"],
    }
    return MatchedSchedule(table=as_table(strengths), about=about)
