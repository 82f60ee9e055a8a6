"""Untouched, ALG and DyMoS side by side, as Tables 1 and 2 have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from studies.reproduction.estimates import change, measured
from studies.reproduction.numbers import NONE, cell, relative, signed_pm, table
from studies.reproduction.paper import MEASURES, Row
from studies.reproduction.stand_in_verdicts import motion_rises, quality_keeps
from studies.reproduction.stand_ins import heading, stand_ins, units
from studies.reproduction.sweep import ALG, I2V, T2V, Sweep
from studies.reproduction.verdict import Verdict, rises

_PRINTED = {"untouched": "Baseline", "ALG": "ALG", "DyMoS": "Ours"}
_PAIRS = {
    "DyMoS − untouched": ("DyMoS", "untouched"),
    "DyMoS − ALG": ("DyMoS", "ALG"),
    "ALG − untouched": ("ALG", "untouched"),
}

NAMES = ("T2V", "untouched", "ALG", "DyMoS")
"""Rows, in this order."""


def ids(pair: str, ours: Sweep) -> dict[str, str]:
    """Return the condition of each row."""
    return dict(zip(NAMES, (T2V, I2V, ALG.ids(pair)[0], ours.ids(pair)[0]), strict=True))


def compared(ds: xr.Dataset, pair: str, ours: Sweep, *, samples: Sequence[str] | None = None) -> dict[str, Any]:
    """Return metrics of every row, and the paired changes the tables are read for."""
    ins, rows = stand_ins(pair), ids(pair, ours)
    return {
        "samples": ds.sizes["sample"] if samples is None else len(samples),
        "rows": {name: measured(ds, ins.names, label, samples=samples) for name, label in rows.items()},
        "changes": {
            name: {
                metric: change(ds, metric, at=rows[at], against=rows[against], samples=samples) for metric in ins.names
            }
            for name, (at, against) in _PAIRS.items()
        },
    }


def compared_rows(found: Mapping[str, Any], pair: str) -> list[tuple[str, ...]]:
    """Return the rows of a table: each method, then the changes."""
    names = stand_ins(pair).names
    return [
        *((name, *(cell(metrics[metric]) for metric in names)) for name, metrics in found["rows"].items()),
        *(
            (f"*{name}*", *(signed_pm(each[metric]["mean"], each[metric]["standard_error"]) for metric in names))
            for name, each in found["changes"].items()
        ),
    ]


def side_by_side(paper: Mapping[str, Row], here: Mapping[str, Mapping[str, Any]], pair: str) -> str:
    """Return relative changes of Dynamic Degree in the paper beside those of its stand-in here, as a table.

    Parameters
    ----------
    paper
        Rows of a table, keyed ``<what>, <method>``.
    here
        What :func:`compared` found, by what it was found on.
    """
    motion, over = stand_ins(pair).motion, MEASURES[0]
    rows = []
    for name in dict.fromkeys(key.rpartition(", ")[0] for key in paper):
        value = {method: paper[f"{name}, {printed}"].value(over) for method, printed in _PRINTED.items()}
        rows.append(
            (f"{name}, paper", over, *(relative(value[at] / value[base] - 1.0) for at, base in _PAIRS.values()))
        )
    for name, found in here.items():
        changed = [found["changes"][label][motion] for label in _PAIRS]
        cells = (
            NONE if not each["from"] else f"{relative(each['mean'] / each['from'])} ({each['pairs']})"
            for each in changed
        )
        rows.append((f"{name}, here", heading(motion), *cells))
    return table(("", "of", *(label.replace("−", "over") for label in _PAIRS)), rows)


def gains(found: Mapping[str, Any], pair: str, *, place: str, where: str = "") -> list[Verdict]:
    """Return whether DyMoS moves more than the untouched model and than ALG, and keeps quality and alignment.

    Parameters
    ----------
    place
        Table and what it says it of.
    where
        Which part of the samples, in words with a trailing comma and space; all by default.
    """
    ins = stand_ins(pair)
    over = found["changes"]
    said = [
        motion_rises(ins, over[name][ins.motion], claim=f"{place}: {claim}", when=name, where=where)
        for name, claim in (
            ("DyMoS − untouched", "DyMoS has a higher Dynamic Degree than the baseline"),
            ("DyMoS − ALG", "DyMoS has a higher Dynamic Degree than ALG"),
        )
    ]
    if ins.quality:
        said += quality_keeps(
            ins,
            over["DyMoS − untouched"].get(ins.quality),
            claim=f"{place}: visual quality is preserved",
            when="DyMoS − untouched",
            where=where,
        )
    if ins.alignment:
        said.append(
            rises(
                over["DyMoS − untouched"][ins.alignment],
                claim=f"{place}: DyMoS follows the text better (ViCLIP)",
                what=f"{where}{heading(ins.alignment)}, DyMoS − untouched,",
                units=units(ins.alignment),
            )
        )
    return said
