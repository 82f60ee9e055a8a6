"""What the stand-ins for the paper's metrics say: their names, units and margins go into every verdict about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studies.reproduction.stand_ins import StandIns, heading, units
from studies.reproduction.verdict import Verdict, falls, keeps, rises, steadily, worsens

Change = Mapping[str, Any]


def motion_rises(ins: StandIns, change: Change, *, claim: str, when: str, where: str = "") -> Verdict:
    """Return whether motion rises; ``when`` says from what to what, ``where`` in which samples, with its comma."""
    return rises(change, margin=ins.motion_margin, claim=claim, what=_of(ins.motion, when, where), units=_per(ins))


def motion_falls(ins: StandIns, change: Change, *, claim: str, when: str, where: str = "") -> Verdict:
    """Return whether motion falls."""
    return falls(change, margin=ins.motion_margin, claim=claim, what=_of(ins.motion, when, where), units=_per(ins))


def motion_keeps(ins: StandIns, change: Change, *, claim: str, when: str) -> Verdict:
    """Return whether motion rises by no more than counts as none."""
    return keeps(change, worse=1, margin=ins.motion_margin, claim=claim, what=_of(ins.motion, when), units=_per(ins))


def motion_steadily(ins: StandIns, changes: Sequence[tuple[float, float, Change]], *, claim: str) -> Verdict:
    """Return whether motion rises from each place to the next."""
    return steadily(changes, claim=claim, what=heading(ins.motion), units=_per(ins))


def quality_keeps(ins: StandIns, change: Change | None, *, claim: str, when: str, where: str = "") -> list[Verdict]:
    """Return whether quality gets no worse; nothing where it has no stand-in."""
    if ins.quality is None or change is None:
        return []
    what, unit = _of(ins.quality, when, where), units(ins.quality)
    return [keeps(change, worse=ins.worse, margin=ins.quality_margin, claim=claim, what=what, units=unit)]


def quality_worsens(ins: StandIns, change: Change | None, *, claim: str, when: str) -> list[Verdict]:
    """Return whether quality gets worse; nothing where it has no stand-in."""
    if ins.quality is None or change is None:
        return []
    return [worsens(change, worse=ins.worse, claim=claim, what=_of(ins.quality, when), units=units(ins.quality))]


def _of(metric: str, when: str, where: str = "") -> str:
    return f"{where}{heading(metric)}, {when},"


def _per(ins: StandIns) -> str:
    return units(ins.motion)
