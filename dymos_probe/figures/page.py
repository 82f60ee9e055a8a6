"""One HTML page that needs nothing else: contents, sentences, figures, the table of conditions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from itertools import groupby

import plotly.graph_objects as go

from dymos_probe.analysis.summary import Row
from dymos_probe.figures.labels import strength
from dymos_probe.figures.sections import Section

_STYLE = """
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; color: #1c2430;
  max-width: 80rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
p, li, dl { max-width: 52rem; }
h1 { margin: 0 0 1rem; line-height: 1.2; }
h2 { margin: 3.5rem 0 0; padding-bottom: .3rem; border-bottom: 2px solid #1c2430; }
h3 { margin: 2.5rem 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; font-size: .92rem; margin: 0 0 1.5rem; }
dt { color: #566072; }
dd { margin: 0; overflow-wrap: anywhere; }
nav { background: #f4f6f8; padding: .8rem 1.2rem; margin: 1.5rem 0; max-width: 60rem; }
nav ul { margin: .2rem 0 .6rem; padding-left: 1.2rem; columns: 2 22rem; column-gap: 2.5rem; }
nav b { display: block; }
a { color: #005a91; }
table { border-collapse: collapse; margin: 1rem 0 2rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid #d9dee5; white-space: nowrap; }
figure { margin: 0; }
p.note, p.files { color: #566072; font-size: .92rem; }
p.said { font-weight: 600; }
p.files { margin: .2rem 0 0; }
div.wide { overflow-x: auto; -webkit-overflow-scrolling: touch; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print { nav { display: none; } figure, h2, h3 { break-inside: avoid; break-after: avoid; } }
"""
_HEADS = {
    "condition": "condition",
    "arm": "model",
    "method": "method",
    "lam": "λ",
    "step_ratio": "share of steps",
    "complete": "runs",
    "dominance": "attention on the reference frame",
    "distance": "distance to T2V (nats)",
}
_METHODS = {"none": "untouched", "dymos": "λ", "alg": "ALG"}


def page(
    name: str,
    *,
    about: Sequence[tuple[str, str]],
    summary: Sequence[str],
    sections: Sequence[Section],
    rows: Sequence[Row],
    beside: Collection[str] = (),
    left_out: Sequence[str] = (),
) -> str:
    """Return the page of a study; plotly.js is in it once.

    Parameters
    ----------
    name
        Of the study.
    about
        What was run, (name, text) each; may be empty.
    summary
        What was found, a sentence each.
    sections
        The figures, those of a group next to each other.
    rows
        What ``condition_table`` returns.
    beside
        Names of the files that lie beside the page; those of a section are linked from it.
    left_out
        Why something is not on the page.
    """
    facts = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in about)
    found = "".join(f"<li>{_text(sentence)}</li>" for sentence in summary)
    first = sections[0].name if sections else ""
    body = "".join(
        f"<h2>{escape(group)}</h2>"
        + "".join(_section(part, beside, with_library=part.name == first) for part in members)
        for group, members in groupby(sections, key=lambda part: part.group)
    )
    missing = "".join(f"<li>{escape(reason)}</li>" for reason in left_out)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(name)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(name)}</h1>"
        + (f"<ul>{found}</ul>" if found else "")
        + (f"<dl>{facts}</dl>" if facts else "")
        + _contents(sections)
        + body
        + _table(rows, beside)
        + (f"<h2>Not shown</h2><ul>{missing}</ul>" if missing else "")
        + "</main></body></html>"
    )


def _text(words: str) -> str:
    """Return plain words as HTML in which ``λ = 1`` and ``2 ± 1`` stay on one line."""
    return escape(words).replace("λ = ", "λ&nbsp;=&nbsp;").replace(" ± ", "&nbsp;±&nbsp;")


def _contents(sections: Sequence[Section]) -> str:
    groups = "".join(
        f"<b>{escape(group)}</b><ul>"
        + "".join(f"<li><a href='#{escape(part.name)}'>{_text(part.heading)}</a></li>" for part in members)
        + "</ul>"
        for group, members in groupby(sections, key=lambda part: part.group)
    )
    return f"<nav aria-label='Contents'>{groups}<b><a href='#conditions'>Conditions</a></b></nav>"


def _section(section: Section, beside: Collection[str], *, with_library: bool) -> str:
    how = f"<p>{_text(section.how.strip())}</p>" if section.how else ""
    label = escape(f"{section.heading}. {section.said}", quote=True)
    return (
        f"<section id='{escape(section.name)}'><h3>{_text(section.heading)}</h3>{how}"
        f"<p class='said'>{_text(section.said)}</p>"
        f'<figure role="group" aria-label="{label}"><div class="wide" tabindex="0">'
        f"{_drawn(section, with_library=with_library)}</div></figure>"
        f"{_files(section.name, beside)}</section>"
    )


def _files(name: str, beside: Collection[str]) -> str:
    links = [
        f"<a href='{escape(file)}'>{escape(file)}</a>" for file in (f"{name}.png", f"{name}.csv") if file in beside
    ]
    return f"<p class='files'>{' · '.join(links)}</p>" if links else ""


def _drawn(section: Section, *, with_library: bool) -> str:
    figure: go.Figure = section.figure
    return str(
        figure.to_html(
            full_html=False,
            include_plotlyjs=with_library,
            div_id=f"figure-{section.name}",
            config={"displayModeBar": False},
        )
    )


def _table(rows: Sequence[Row], beside: Collection[str]) -> str:
    # A column nobody has anything in says nothing.
    heads = {key: text for key, text in _HEADS.items() if any(row.get(key) is not None for row in rows)}
    head = "".join(f"<th scope='col'>{text}</th>" for text in heads.values())
    body = "".join("<tr>" + "".join(f"<td>{_cell(key, row)}</td>" for key in heads) + "</tr>" for row in rows)
    return (
        "<section id='conditions'><h2>Conditions</h2>"
        f"<div class='wide' tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        "<p class='note'>Attention on the reference frame: column 0 of Eq. 8, mean over query frames from 1, the "
        "first 10 % of the steps, all layers and heads. Distance: Jensen-Shannon divergence of the rows from the "
        "T2V run's (Eq. 5). λ &gt; 0 weakens the reference frame, λ &lt; 0 strengthens it. Each row stands on its own "
        f"complete runs.</p>{_files('conditions', beside)}</section>"
    )


def _cell(key: str, row: Row) -> str:
    value = row[key]
    if value is None:
        return "—"
    if key == "complete":
        return f"{value} of {row['samples']}"
    if key == "lam":
        return strength(float(value))
    if key == "step_ratio":
        return f"{100 * float(value):g} %" if row["method"] == "dymos" else "—"
    if key == "method":
        return escape(_METHODS.get(str(value), str(value)))
    if key in ("dominance", "distance"):
        return f"{value:.4f}" if key == "dominance" else f"{value:.5f}"
    return escape(str(value))
