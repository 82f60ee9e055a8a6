"""A study as files a person can open: one HTML page, and PNG and CSV beside it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dymos_probe.analysis.summary import Row, condition_table
from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.figures.about import about_study
from dymos_probe.figures.labels import counted
from dymos_probe.figures.page import page
from dymos_probe.figures.sections import LeftOut, Section, sections
from dymos_probe.figures.write import write_pngs
from dymos_probe.store import open_study, read_config, storage_errors


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was written."""

    summary: tuple[str, ...]
    """What was found, a plain sentence each."""
    written: tuple[Path, ...]
    """Files, in the order they are worth opening."""
    left_out: tuple[str, ...]
    """Why something was not written."""


def write_report(study: str | Path, out: str | Path) -> Report:
    """Write the report of a study into the folder ``out``.

    Raises
    ------
    InputError
        When no sample is complete in both arms.
    StudyError
        When ``study`` is no study.
    EnvironmentLacksError
        When ``out`` cannot be written.
    """
    study, out = Path(study), Path(out)
    ds = open_study(study)
    rows = condition_table(ds)
    parts = list(sections(study, ds))
    drawn = [part for part in parts if isinstance(part, Section)]
    left_out = [f"{part.name}: {part.reason}" for part in parts if isinstance(part, LeftOut)]
    summary = tuple(part.said for part in drawn if part.found)
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        tables = _write_tables(out, drawn, rows)
        images = {out / f"{part.name}.png": part.figure for part in drawn}
        try:
            write_pngs(images)
        except EnvironmentLacksError as error:
            images = {}
            left_out.append(f"{counted(len(drawn), 'picture')} (PNG): {error}")
        text = page(
            study.resolve().name,
            about=about_study(read_config(study), ds, date.today()),
            summary=summary,
            sections=drawn,
            rows=rows,
            beside={path.name for path in (*images, *tables)},
            left_out=left_out,
        )
        (out / "index.html").write_text(text, encoding="utf-8")
    return Report(summary=summary, written=(out / "index.html", *images, *tables), left_out=tuple(left_out))


def _write_tables(out: Path, drawn: Sequence[Section], rows: Sequence[Row]) -> list[Path]:
    table = out / "conditions.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    written = [table]
    for part in drawn:
        if part.data is not None:
            written.append(out / f"{part.name}.csv")
            part.data.to_dataframe().to_csv(written[-1], encoding="utf-8")
    return written
