"""The conditions of a study in words, in the order a reader compares them."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import xarray as xr

from dymos_probe.figures.labels import condition_name
from dymos_probe.store.schema import CONDITION, CONDITION_COLUMNS, UNTOUCHED

_PLAIN = {"key_frame": 0, "branches": "cond", "layers": "", "heads": "", "query_frames": ""}
"""What the paper modulates; only what differs from it is said."""


def condition_names(ds: xr.Dataset) -> dict[str, str]:
    """Return the name of every condition of a study by its id: ``T2V``, ``I2V, λ = 0 (untouched)``, ``I2V, λ = 1``.

    T2V comes first, then I2V by rising λ, then modulations of something else or of a part, which say of
    what, methods without λ last. The steps and the schedule are said where the study has several of
    them. No two names are equal: where words do not tell two conditions apart, the id follows.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    """
    rows = _rows(ds)
    settings = {(row["step_ratio"], row["schedule"]) for row in rows if row["method"] == "dymos"}
    names = {row["id"]: _name(row, with_setting=len(settings) > 1) for row in sorted(rows, key=_place)}
    shared = Counter(names.values())
    return {label: name if shared[name] == 1 else f"{name} [{label}]" for label, name in names.items()}


def _rows(ds: xr.Dataset) -> list[dict[str, Any]]:
    labels = [str(label) for label in ds[CONDITION].values]
    columns = {field: ds[column.name].values.tolist() for field, column in CONDITION_COLUMNS.items()}
    return [{"id": label} | {field: column[i] for field, column in columns.items()} for i, label in enumerate(labels)]


def _place(row: dict[str, Any]) -> tuple[bool, bool, bool, float]:
    lam = float(row["lam"])
    control = bool(_differs(row)) or (row["arm"] == "t2v" and row["method"] != UNTOUCHED)
    return row["arm"] != "t2v", math.isnan(lam), control, 0.0 if math.isnan(lam) else lam


def _differs(row: dict[str, Any]) -> list[str]:
    return [] if row["method"] != "dymos" else [field for field, plain in _PLAIN.items() if row[field] != plain]


def _name(row: dict[str, Any], *, with_setting: bool) -> str:
    name = condition_name(str(row["arm"]), float(row["lam"]))
    if row["method"] == UNTOUCHED:
        return name if row["arm"] == "t2v" else f"{name} (untouched)"
    if row["method"] != "dymos":
        return name
    parts = [_part(field, row[field]) for field in _differs(row)]
    if with_setting:
        parts.insert(0, "all steps" if row["step_ratio"] >= 1.0 else f"first {100 * row['step_ratio']:g} % of steps")
        if row["schedule"] != "uniform":
            # Of a matched schedule the digest of its table follows a dash.
            parts.insert(1, f"{str(row['schedule']).partition('-')[0]} schedule")
    return ", ".join([name, *parts])


def _part(field: str, value: object) -> str:
    if field == "key_frame":
        return f"on frame {value} instead of the reference frame"
    if field == "branches":
        return "both guidance branches" if value == "cond+uncond" else f"guidance branch {value}"
    if field == "query_frames" and value == "all":
        return "query frames all"
    return f"{field.replace('_', ' ')} {value}"
