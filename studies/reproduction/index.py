"""``studies/README.md``: a line a study, written from their results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studies.reproduction.numbers import table
from studies.reproduction.results import FILE, read_results
from studies.reproduction.study import Reproduction
from studies.reproduction.verdict import ANSWERS

_ABOVE = Path(__file__).with_name("index.md")


def index(studies: Sequence[Reproduction], folder: Path) -> str:
    """Return the index of the studies that have results in ``folder``."""
    rows = []
    for study in studies:
        if not (folder / study.name / FILE).is_file():
            continue
        answers = [verdict.answer for verdict in study.verdicts(read_results(folder / study.name))]
        counts = [answers.count(answer) for answer in ANSWERS]
        rows.append((f"[{study.name}]({study.name})", study.paper, study.title, *map(str, counts)))
    columns = ("study", "in the paper", "about", *(answer.lower() for answer in ANSWERS))
    return "\n\n".join([_ABOVE.read_text(encoding="utf-8").rstrip(), table(columns, rows)]) + "\n"
