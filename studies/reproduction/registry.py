"""Every study, in the order of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from dymos_probe.errors import InputError
from studies.controls.study import STUDY as CONTROLS
from studies.fig2_difference.study import STUDY as FIG2
from studies.fig3_intervention.study import STUDY as FIG3
from studies.fig5_ablations.study import STUDY as FIG5
from studies.fig6_continuous_control.study import STUDY as FIG6
from studies.reproduction.study import Reproduction
from studies.tab1_backbones.study import STUDY as TAB1
from studies.tab2_datasets.study import STUDY as TAB2
from studies.tab5_overhead.study import STUDY as TAB5
from studies.tab6_schedules.study import STUDY as TAB6

STUDIES: tuple[Reproduction, ...] = (FIG2, FIG3, FIG5, FIG6, TAB1, TAB2, TAB5, TAB6, CONTROLS)


def chosen(names: Sequence[str]) -> tuple[Reproduction, ...]:
    """Return the studies called ``names``, all of them without any, in the order of the paper.

    Raises
    ------
    InputError
        When one does not exist; the message lists those that do.
    """
    known = {study.name for study in STUDIES}
    for name in names:
        if name not in known:
            raise InputError(f"study {name!r} is unknown; choose from {', '.join(study.name for study in STUDIES)}")
    return tuple(study for study in STUDIES if not names or study.name in names)
