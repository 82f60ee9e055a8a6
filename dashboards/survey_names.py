"""Preference studies and the conditions they compare, in words."""

from __future__ import annotations

from collections import Counter

import xarray as xr

from dymos_probe.figures.labels import condition_name
from dymos_probe.preference import Survey

SET_UP, RESULTS = "Set up", "Results"


def condition_names(ds: xr.Dataset) -> dict[str, str]:
    """Return the name of every condition of a study by its id, no two of them equal."""
    names = {
        str(label): condition_name(str(arm), float(lam))
        for label, arm, lam in zip(ds["condition"].values, ds["arm"].values, ds["lam"].values, strict=True)
    }
    shared = Counter(names.values())
    return {label: name if shared[name] == 1 else f"{name} [{label}]" for label, name in names.items()}


def survey_label(survey: Survey) -> str:
    """Return title, day and id of a preference study; no two are equal."""
    return f"{survey.title} · {survey.created:%Y-%m-%d} · {survey.id}"


def results_address(survey: Survey) -> dict[str, str]:
    """Return the query that shows the results of a preference study."""
    return {"view": RESULTS, "survey": survey_label(survey)}
