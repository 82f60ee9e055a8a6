"""Values of metrics in a study: measured one by one, or taken in from another program's files all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from zarr.errors import ContainsArrayError

from dymos_probe.errors import InputError, StudyError
from dymos_probe.store.group import array, consolidate, create_variable, open_group, run_position
from dymos_probe.store.schema import COMPLETE, CONDITION, SAMPLE, Variable, metric_variable
from dymos_probe.store.study_file import as_json, exclusive, storage_errors

SOURCES: Final = "sources"
"""Attribute of a metric that was taken in: the files its values come from, each with its hash."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Values of one metric that another program measured."""

    name: str
    """Without the store's prefix."""
    values: Mapping[tuple[str, str], float]
    """(sample, condition) → value."""
    attrs: Mapping[str, Any]
    """What the metric is: ``long_name``, ``units``, which weights, calibrated or not."""


def write_metric(
    path: str | Path, name: str, sample: str, condition: str, value: float, attrs: Mapping[str, Any]
) -> None:
    """Write one value of ``metric_<name>``, creating the variable with ``attrs`` when it is absent.

    ``attrs`` say what the metric is: ``long_name``, ``units``, which weights, calibrated or not.

    Raises
    ------
    StudyError
        When the study has no such sample or condition, or holds the metric with other ``attrs``.
    InputError
        When the value is not finite or the name is no name.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    variable = metric_variable(name)
    wanted = {**variable.attrs, **as_json(attrs)}
    if not np.isfinite(value):
        raise InputError(
            f"metric {name} of sample {sample!r} under {condition!r} is {value}; only finite values are kept"
        )
    with storage_errors(path):
        group = open_group(path, "r+")
        at = run_position(path, group, sample, condition)
        if variable.name not in group:
            group = _add_metric(path, variable, wanted)
        member = array(group, variable.name)
        stored = dict(member.attrs)
        _refuse_other(path, name, stored, wanted)
        member[at] = value


def write_scores(path: str | Path, scores: Sequence[Scores], *, source: Mapping[str, Any]) -> tuple[int, int]:
    """Write values that another program measured: all of them, or none where one cannot be.

    A value that is there already and equal is left as it is, so the same call again completes one that
    was cut off. A later file may add values of other runs to a metric; ``sources`` then lists both.

    Parameters
    ----------
    path
        Folder of a study.
    scores
        The values, a metric each.
    source
        What they were read from, such as ``{"file": …, "sha256": …}``, kept in the attribute ``sources``.

    Returns
    -------
    tuple of int
        How many values were written, and how many were there already.

    Raises
    ------
    StudyError
        When the study lacks a run, holds a metric with other attributes, or another value of the same run.
    InputError
        When a value is not finite or a name is no name.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    with storage_errors(path):
        group = open_group(path, "r+")
        to_write = [(each, _new_values(path, group, each)) for each in scores]
        for each, _ in to_write:
            _add_source(path, each, as_json(source))
        group = open_group(path, "r+")
        for each, new in to_write:
            member = array(group, metric_variable(each.name).name)
            for at, value in new:
                member[at] = value
    written = sum(len(new) for _, new in to_write)
    return written, sum(len(each.values) for each in scores) - written


def _new_values(path: Path, group: zarr.Group, scores: Scores) -> list[tuple[tuple[slice, slice], float]]:
    """Return place and value of what is not there yet, after everything that could be refused was."""
    variable = metric_variable(scores.name)
    stored = None
    if variable.name in group:
        stored = array(group, variable.name)
        attrs = dict(stored.attrs)
        if SOURCES not in attrs:
            raise StudyError(
                f"the study {path} has metric {scores.name}, measured by `probe metrics`; take the other one in "
                "under a name of its own (--prefix)"
            )
        del attrs[SOURCES]
        _refuse_other(path, scores.name, attrs, {**variable.attrs, **as_json(scores.attrs)})
    new = []
    for (sample, condition), value in scores.values.items():
        here = f"metric {scores.name} of sample {sample!r} under {condition!r}"
        with np.errstate(over="ignore"):
            kept = np.float32(value)
        if not np.isfinite(kept):
            raise InputError(f"{here} is {value}; only finite values of float32 are kept")
        at = run_position(path, group, sample, condition)
        has = np.float32(np.nan) if stored is None else np.asarray(stored[at]).item()
        if np.isnan(has):
            new.append((at, float(kept)))
        elif has != kept:
            raise StudyError(f"{here} is there already, {has:g}, and would become {kept:g}; give it a name of its own")
    return new


def _add_source(path: Path, scores: Scores, source: Mapping[str, Any]) -> None:
    variable = metric_variable(scores.name)
    group = open_group(path, "r+")
    if variable.name not in group:
        _add_metric(path, variable, {**variable.attrs, **as_json(scores.attrs), SOURCES: [dict(source)]})
        return
    with exclusive(path):
        member = array(open_group(path, "r+"), variable.name)
        sources = list(member.attrs[SOURCES])  # type: ignore[arg-type]
        if source not in sources:
            # A member of a group that was opened consolidated does not write its own metadata: reopen it.
            zarr.open_array(member.store_path, mode="r+").update_attributes({SOURCES: [*sources, dict(source)]})
            consolidate(open_group(path, "r+"))


def _refuse_other(path: Path, name: str, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key in (*wanted, *stored):
        if stored.get(key) != wanted.get(key):
            raise StudyError(
                f"the study {path} has metric {name} with {key} = {stored.get(key)!r}, now {wanted.get(key)!r}; "
                "give the other one a name of its own"
            )


def _add_metric(path: Path, variable: Variable, attrs: Mapping[str, Any]) -> zarr.Group:
    with exclusive(path):
        group = open_group(path, "r+")
        samples, conditions = array(group, COMPLETE).shape
        sizes = {SAMPLE: samples, CONDITION: conditions}
        if variable.name not in group:  # another process may have made it while this one waited
            try:
                create_variable(group, variable, sizes, attrs=attrs)
            except ContainsArrayError:  # made, and killed before it was consolidated
                create_variable(group, variable, sizes, attrs=attrs, overwrite=True)
            consolidate(group)
        return open_group(path, "r+")
