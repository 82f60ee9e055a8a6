"""Preference studies in words and addresses."""

from __future__ import annotations

from dymos_probe.preference import Survey

SET_UP, RESULTS = "Set up", "Results"


def survey_label(survey: Survey) -> str:
    """Return title, day and id of a preference study; no two are equal."""
    return f"{survey.title} · {survey.created:%Y-%m-%d} · {survey.id}"


def results_address(survey: Survey) -> dict[str, str]:
    """Return the query that shows the results of a preference study."""
    return {"view": RESULTS, "survey": survey_label(survey)}
