"""Which conditions, samples and steps an analysis stands on, and what was left out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.bias import MATCHED
from dymos_probe.errors import InputError
from dymos_probe.store.schema import (
    COMPLETE,
    CONDITION,
    SAMPLE,
)


def t2v_condition(ds: xr.Dataset) -> str:
    """Return the id of the untouched T2V condition.

    Raises
    ------
    InputError
        When the study has none, or more than one.
    """
    return _only(ds, _is(ds, "arm", "t2v") & _is(ds, "method", "none"), "an untouched T2V condition")


def i2v_condition(ds: xr.Dataset, lam: float, *, step_ratio: float | None = None, schedule: str | None = None) -> str:
    """Return the id of the I2V condition at λ: the untouched model at 0, else the plain modulation.

    Raises
    ------
    InputError
        When there is none, or several share λ and ``step_ratio`` and ``schedule`` do not tell them
        apart; the message lists what there is.
    """
    if lam == 0.0:
        untouched = _is(ds, "arm", "i2v") & _is(ds, "method", "none")
        at_zero = _plain(ds) & _is(ds, "lam", 0.0)
        return _only(ds, untouched if untouched.any() else at_zero, "an I2V condition at λ = 0")
    # λ may be infinite, which isclose takes as equal to itself only.
    found = _plain(ds) & np.isclose(ds["lam"].values, lam) & _chosen(ds, step_ratio, schedule)
    return _only(ds, found, f"a plain modulated I2V condition at λ = {lam:g}")


def modulated_conditions(ds: xr.Dataset, *, step_ratio: float | None = None, schedule: str | None = None) -> list[str]:
    """Return the ids of λ = 0 and of the plain modulations of one step ratio and schedule, by rising λ.

    Placebos, other methods and modulations of some layers, heads or the unconditional branch do
    not belong to d(λ) and are left out.

    Raises
    ------
    InputError
        When there is no λ = 0, or several step ratios, schedules or equal λ to choose from.
    """
    baseline = i2v_condition(ds, 0.0)
    found = _plain(ds) & ~_is(ds, "lam", 0.0) & _chosen(ds, step_ratio, schedule)
    settings = _settings(ds, found)
    if len(settings) > 1:
        listed = "; ".join(f"step_ratio={ratio:g}, schedule={name}" for ratio, name in settings)
        raise InputError(f"the modulations of this study differ in more than λ; choose one of: {listed}")
    labels = [str(label) for label in ds[CONDITION].values[found]]
    if len(set(ds["lam"].values[found].tolist())) != len(labels):
        raise InputError(f"several conditions share one λ: {_listed(ds, labels)}")
    labels = [baseline, *labels]
    strength = dict(zip(map(str, ds[CONDITION].values), ds["lam"].values.tolist(), strict=True))
    return sorted(labels, key=lambda label: strength[label])


def modulation_settings(ds: xr.Dataset) -> list[tuple[float, str]]:
    """Return the (step ratio, schedule) of the plain modulations, those with the most λ first; none gives []."""
    found = _plain(ds) & ~_is(ds, "lam", 0.0)

    def strengths(setting: tuple[float, str]) -> int:
        return int((_chosen(ds, *setting) & found).sum())

    return sorted(_settings(ds, found), key=strengths, reverse=True)


def named_condition(ds: xr.Dataset, condition: str) -> str:
    """Return ``condition`` when the study has it.

    Raises
    ------
    InputError
        When it has not; the message lists those it has.
    """
    if condition not in ds[CONDITION].values:
        raise InputError(f"there is no condition {condition!r}; the study has {_listed(ds, ds[CONDITION].values)}")
    return condition


def complete_samples(ds: xr.Dataset, conditions: Sequence[str], *, among: Sequence[str] | None = None) -> list[str]:
    """Return the samples, all or ``among`` some, whose runs under every one of ``conditions`` are there.

    Raises
    ------
    InputError
        When there is no such sample; the message counts the runs of each condition.
    """
    marks = ds[COMPLETE].sel({CONDITION: list(conditions)}).compute()
    if among is not None:
        marks = marks.isel({SAMPLE: marks[SAMPLE].isin(list(among)).values})
    samples = [str(name) for name in marks[SAMPLE].values[marks.all(CONDITION).values]]
    if not samples:
        counts = ", ".join(f"{c}: {int(marks.sel({CONDITION: c}).sum())} of {marks.sizes[SAMPLE]}" for c in conditions)
        raise InputError(f"no sample is complete under all of these conditions ({counts}); record them first")
    return samples


def started_conditions(
    ds: xr.Dataset, conditions: Sequence[str], *, among: Sequence[str] | None = None
) -> tuple[list[str], list[str]]:
    """Return those of ``conditions`` with a complete run, of any sample or ``among`` some, and those without one."""
    marks = ds[COMPLETE].sel({CONDITION: list(conditions)})
    if among is not None:
        marks = marks.isel({SAMPLE: marks[SAMPLE].isin(list(among)).values})
    marks = marks.any(SAMPLE).compute()
    started = [c for c in conditions if bool(marks.sel({CONDITION: c}))]
    return started, [c for c in conditions if c not in started]


def same_samples(
    ds: xr.Dataset, conditions: Sequence[str] | None, *, among: Sequence[str] | None = None
) -> tuple[list[str], list[str], list[str]]:
    """Return those of ``conditions`` (None: all) that have runs, the samples complete in all those, and the others.

    Raises
    ------
    InputError
        When a condition does not exist, or no sample is complete in every one.
    """
    asked = [str(label) for label in ds[CONDITION].values] if conditions is None else list(conditions)
    started, dropped = started_conditions(ds, [named_condition(ds, label) for label in asked], among=among)
    return started, complete_samples(ds, started or asked, among=among), dropped


def early_steps(steps: int, early: float) -> int:
    """Return how many of ``steps`` steps are the first ``early`` fraction, at least one.

    Raises
    ------
    InputError
        When ``early`` is outside (0, 1].
    """
    if not 0.0 < early <= 1.0:
        raise InputError(f"early {early} is outside (0, 1]; 0.1 takes the first tenth of the steps, 1 all of them")
    return max(1, math.ceil(early * steps - 1e-9))


def check_keep(keep: Sequence[str], allowed: Sequence[str]) -> None:
    """Refuse dims that cannot be kept.

    Raises
    ------
    InputError
        Naming the first, and those that can.
    """
    if isinstance(keep, str):
        raise InputError(f"keep {keep!r} is a string; give a tuple of dims, ({keep!r},)")
    for dim in keep:
        if dim not in allowed:
            raise InputError(f"keep has {dim!r}; dims that can be kept are {', '.join(allowed)}")


# Labels are in memory, and plain arrays compare many times faster than labelled ones.
def _is(ds: xr.Dataset, name: str, value: object) -> npt.NDArray[np.bool_]:
    """Return which conditions have ``value`` as their ``name``, (condition,)."""
    return np.asarray(ds[name].values == value)


def _plain(ds: xr.Dataset) -> npt.NDArray[np.bool_]:
    of_the_paper = _is(ds, "arm", "i2v") & _is(ds, "method", "dymos") & _is(ds, "bias_key_frame", 0)
    everywhere = _is(ds, "bias_layers", "") & _is(ds, "bias_heads", "") & _is(ds, "bias_query_frames", "")
    return of_the_paper & everywhere & _is(ds, "bias_branches", "cond")


def _settings(ds: xr.Dataset, found: npt.NDArray[np.bool_]) -> list[tuple[float, str]]:
    ratios, schedules = ds["step_ratio"].values[found].tolist(), ds["schedule"].values[found].tolist()
    return sorted({(float(ratio), str(schedule)) for ratio, schedule in zip(ratios, schedules, strict=True)})


def _chosen(ds: xr.Dataset, step_ratio: float | None, schedule: str | None) -> npt.NDArray[np.bool_]:
    chosen = np.ones(ds["lam"].shape, dtype=bool)
    if step_ratio is not None:
        chosen = chosen & np.isclose(ds["step_ratio"].values, step_ratio)
    if schedule is not None:
        chosen = chosen & np.array([_is_schedule(str(stored), schedule) for stored in ds["schedule"].values], bool)
    return chosen


def _is_schedule(stored: str, asked: str) -> bool:
    """Return whether a condition's schedule is the one asked for; ``matched`` asks for a table of any name."""
    return stored == asked or (asked == MATCHED and stored.startswith(f"{MATCHED}-"))


def _only(ds: xr.Dataset, found: npt.NDArray[np.bool_], what: str) -> str:
    labels = ds[CONDITION].values[found]
    if len(labels) == 1:
        return str(labels[0])
    if len(labels) == 0:
        raise InputError(f"the study has not {what}; it has {_listed(ds, ds[CONDITION].values)}")
    raise InputError(
        f"the study has more than {what}: {_listed(ds, labels)}; choose by step_ratio, schedule or condition"
    )


def _listed(ds: xr.Dataset, labels: Iterable[object]) -> str:
    def shown(label: object) -> str:
        row = ds.sel({CONDITION: label})
        text = f"{label} ({row['arm'].item()}, {row['method'].item()}"
        if row["method"].item() == "alg":
            return text + ")"
        text += f", λ={row['lam'].item():g}"
        if row["method"].item() == "none":
            return text + ")"
        return f"{text}, step_ratio={row['step_ratio'].item():g}, {row['schedule'].item()})"

    return ", ".join(shown(label) for label in labels) or "none"
