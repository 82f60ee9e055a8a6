"""A study as files a person can open: one HTML page, and PNG and CSV beside it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from dymos_probe.analysis.difference import difference
from dymos_probe.analysis.summary import Row, condition_table
from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.figures.difference_map import difference_map
from dymos_probe.figures.write import write_png
from dymos_probe.store import open_study, read_config, storage_errors

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0 2rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid #d9dee5; white-space: nowrap; }
p.note { color: #566072; }
div.wide { overflow-x: auto; }
"""
_HEADS = {
    "condition": "condition",
    "arm": "model",
    "lam": "λ",
    "complete": "runs",
    "dominance": "attention on the reference frame",
    "distance": "distance to T2V (nats)",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was written."""

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
    figure = difference_map(difference(ds))
    page, table, image = out / "index.html", out / "conditions.csv", out / "difference_map.png"
    left_out: tuple[str, ...] = ()
    written = [page, table]
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        page.write_text(_page(study.resolve().name, _about(read_config(study)), figure, rows), encoding="utf-8")
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        try:
            write_png(figure, image)
            written.insert(1, image)
        except EnvironmentLacksError as error:
            left_out = (f"{image}: {error}",)
    return Report(written=tuple(written), left_out=left_out)


def _about(config: Mapping[str, Any]) -> str:
    """Return one line of HTML that says what was run."""
    pair, settings = config["pair"], config["generation"]
    models = " and ".join(str(pair[arm].get("hub_id") or Path(pair[arm]["folder"]).name) for arm in ("t2v", "i2v"))
    size = f"{settings['num_frames']} frames of {settings['width']}×{settings['height']}"
    steps = f"{settings['num_inference_steps']} steps, guidance {settings['guidance_scale']:g}"
    line = f"Pair {pair['preset'] or models}: {size}, {steps}. {pair['note']}"
    return escape(line)


def _page(name: str, about: str, figure: go.Figure, rows: list[Row]) -> str:
    head = "".join(f"<th>{text}</th>" for text in _HEADS.values())
    body = "".join("<tr>" + "".join(f"<td>{_cell(key, row)}</td>" for key in _HEADS) + "</tr>" for row in rows)
    drawn = figure.to_html(full_html=False, include_plotlyjs=True, config={"displayModeBar": False})
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{escape(name)}</title><style>{_STYLE}</style><h1>{escape(name)}</h1>"
        f"<p class='note'>{about}</p>"
        "<p>Where the image-to-video model looks that its text-to-video counterpart does not, "
        "for the same prompts, noise and settings. Red: more attention, blue: less.</p>"
        f"<div class='wide'>{drawn}</div>"
        f"<h2>Conditions</h2><div class='wide'><table><tr>{head}</tr>{body}</table></div>"
        "<p class='note'>Attention on the reference frame: column 0 of Eq. 8, mean over query frames from 1, the "
        "first 10 % of the steps, all layers and heads. Distance: Jensen-Shannon divergence of the rows from the "
        "T2V run's (Eq. 5). λ &gt; 0 weakens the reference frame, λ &lt; 0 strengthens it.</p></html>"
    )


def _cell(key: str, row: Row) -> str:
    value = row[key]
    if value is None:
        return "—"
    if key == "complete":
        return f"{value} of {row['samples']}"
    if key in ("dominance", "distance"):
        return f"{value:.4f}" if key == "dominance" else f"{value:.5f}"
    return f"{value:g}" if isinstance(value, float) else escape(str(value))
