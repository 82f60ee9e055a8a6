"""A study as files a person can open: one HTML page, and PNG and CSV beside it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dymos_probe.analysis.summary import Row, condition_table
from dymos_probe.errors import EnvironmentLacksError
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
    summary = tuple(part.said for part in drawn if part.data is not None)
    text = page(study.resolve().name, about=_about(read_config(study)), summary=summary, sections=drawn, rows=rows)
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / "index.html").write_text(text, encoding="utf-8")
        tables = _write_tables(out, drawn, rows)
        images = {out / f"{part.name}.png": part.figure for part in drawn}
        try:
            write_pngs(images)
        except EnvironmentLacksError as error:
            images = {}
            left_out.append(f"{', '.join(f'{part.name}.png' for part in drawn)}: {error}")
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


def _about(config: Mapping[str, Any]) -> str:
    """Return one line that says what was run, as far as the study's maker said: not each is `probe record`'s."""
    try:
        pair, settings = config["pair"], config["generation"]
        models = " and ".join(str(pair[arm].get("hub_id") or Path(pair[arm]["folder"]).name) for arm in ("t2v", "i2v"))
        size = f"{settings['num_frames']} frames of {settings['width']}×{settings['height']}"
        steps = f"{settings['num_inference_steps']} steps, guidance {settings['guidance_scale']:g}"
        return f"Pair {pair['preset'] or models}: {size}, {steps}. {pair['note']}"
    except (KeyError, TypeError):
        return ""
