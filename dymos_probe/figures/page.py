"""One HTML page that needs nothing else: sentences, figures, the table of conditions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from dymos_probe.analysis.summary import Row
from dymos_probe.figures.labels import strength
from dymos_probe.figures.sections import Section

_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1c2430; max-width: 78rem; margin: 2rem auto; padding: 0 1rem; }
p, li { max-width: 52rem; }
h2 { margin: 3rem 0 .5rem; }
table { border-collapse: collapse; margin: 1rem 0 2rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid #d9dee5; white-space: nowrap; }
p.note { color: #566072; }
p.said { font-weight: 600; }
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


def page(name: str, *, about: str, summary: Sequence[str], sections: Sequence[Section], rows: Sequence[Row]) -> str:
    """Return the page of a study; plotly.js is in it once.

    Parameters
    ----------
    name
        Of the study.
    about
        What was run, in a line of plain text; may be empty.
    summary
        What was found, a sentence each.
    sections
        The figures.
    rows
        What ``condition_table`` returns.
    """
    found = "".join(f"<li>{escape(sentence)}</li>" for sentence in summary)
    body = "".join(_section(section, first=count == 0) for count, section in enumerate(sections))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{escape(name)}</title><style>{_STYLE}</style><h1>{escape(name)}</h1>"
        + (f"<p class='note'>{escape(about)}</p>" if about else "")
        + f"<ul>{found}</ul>{body}{_table(rows)}</html>"
    )


def _section(section: Section, *, first: bool) -> str:
    how = f"<p>{escape(section.how)}</p>" if section.how else ""
    return (
        f"<h2>{escape(section.heading)}</h2>{how}<p class='said'>{escape(section.said)}</p>"
        f"<div class='wide'>{_drawn(section.figure, with_library=first)}</div>"
    )


def _drawn(figure: go.Figure, *, with_library: bool) -> str:
    return str(figure.to_html(full_html=False, include_plotlyjs=with_library, config={"displayModeBar": False}))


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{text}</th>" for text in _HEADS.values())
    body = "".join("<tr>" + "".join(f"<td>{_cell(key, row)}</td>" for key in _HEADS) + "</tr>" for row in rows)
    return (
        f"<h2>Conditions</h2><div class='wide'><table><tr>{head}</tr>{body}</table></div>"
        "<p class='note'>Attention on the reference frame: column 0 of Eq. 8, mean over query frames from 1, the "
        "first 10 % of the steps, all layers and heads. Distance: Jensen-Shannon divergence of the rows from the "
        "T2V run's (Eq. 5). λ &gt; 0 weakens the reference frame, λ &lt; 0 strengthens it.</p>"
    )


def _cell(key: str, row: Row) -> str:
    value = row[key]
    if value is None:
        return "—"
    if key == "complete":
        return f"{value} of {row['samples']}"
    if key == "lam":
        return strength(float(value))
    if key in ("dominance", "distance"):
        return f"{value:.4f}" if key == "dominance" else f"{value:.5f}"
    return escape(str(value))
