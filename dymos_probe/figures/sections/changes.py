"""Sections over all conditions: what each does to a metric, methods without λ and controls included."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from dymos_probe.analysis.metric_changes import metric_changes
from dymos_probe.analysis.metric_curve import metric_names
from dymos_probe.analysis.select import i2v_condition, modulated_conditions, modulation_settings, t2v_condition
from dymos_probe.figures import reading, sentences
from dymos_probe.figures.change_plot import change_plot
from dymos_probe.figures.conditions import condition_names
from dymos_probe.figures.sections.section import Section, table

GROUP = "What every condition does"


def change_sections(ds: xr.Dataset) -> Iterator[Section]:
    """Yield the paired changes of every metric, where there are conditions that no curve over λ has."""
    untouched = i2v_condition(ds, 0.0)
    names = {label: name for label, name in condition_names(ds).items() if label != untouched}
    on_curves = {t2v_condition(ds)}
    for ratio, schedule in modulation_settings(ds):
        on_curves |= set(modulated_conditions(ds, step_ratio=ratio, schedule=schedule))
    if on_curves >= set(names):
        return
    first = True
    for metric in metric_names(ds):
        changes = metric_changes(ds, metric, list(names), against=untouched)
        if not bool((changes["pairs"] > 0).any()):
            continue
        name = str(changes.attrs.get("long_name", metric))
        yield Section(
            name=f"changes_{metric}",
            group=GROUP,
            heading=f"{name[:1].upper()}{name[1:]} under every condition",
            how=reading.READ_CHANGES if first else "",
            said=sentences.changes_sentence(changes, names),
            figure=change_plot(changes, names, against="the untouched I2V model"),
            data=table(changes),
        )
        first = False
