"""A study in one table: a row for each condition."""

from __future__ import annotations

import xarray as xr

from dymos_probe.analysis.divergence import distributions, jensen_shannon
from dymos_probe.analysis.dominance import dominance
from dymos_probe.analysis.select import complete_samples, t2v_condition
from dymos_probe.analysis.window import window
from dymos_probe.store.schema import COMPLETE, CONDITION, SAMPLE

Row = dict[str, str | float | int | None]

_COLUMNS = ("arm", "lam", "step_ratio", "schedule", "method")


def condition_table(ds: xr.Dataset, *, early: float = 0.1, branch: str = "cond") -> list[Row]:
    """Return a row for each condition: what it is, how many runs it has, its dominance and its distance to T2V.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    early
        Fraction of the steps from the first that dominance and distance are taken over.
    branch
        Branch of classifier-free guidance.

    Returns
    -------
    list of dict
        ``condition``, ``arm``, ``lam``, ``step_ratio``, ``schedule``, ``method``, ``complete``, ``samples``,
        ``dominance`` (attention mass on the reference frame, over the condition's complete samples) and
        ``distance`` (nats, Eq. 5, over the samples complete in T2V too); the last two None where no run
        is there, ``distance`` also for the T2V arm; ``lam`` and ``step_ratio`` None for a method without them.
    """
    counts = ds[COMPLETE].sum(SAMPLE).compute()
    rows: list[Row] = []
    for label in map(str, ds[CONDITION].values):
        count = int(counts.sel({CONDITION: label}))
        row: Row = {"condition": label}
        values = {name: ds[name].sel({CONDITION: label}).item() for name in _COLUMNS}
        row |= {name: None if value != value else value for name, value in values.items()}  # NaN
        row |= {"complete": count, "samples": ds.sizes[SAMPLE]}
        row["dominance"] = float(dominance(ds, conditions=[label], early=early, branch=branch)[0]) if count else None
        row["distance"] = _distance(ds, label, early, branch) if count and row["arm"] == "i2v" else None
        rows.append(row)
    return rows


def _distance(ds: xr.Dataset, condition: str, early: float, branch: str) -> float | None:
    t2v = t2v_condition(ds)
    both = ds[COMPLETE].sel({CONDITION: [t2v, condition]}).all(CONDITION)
    if not bool(both.any()):
        return None
    samples = complete_samples(ds, [t2v, condition])
    within = window(ds, {"early": early, "branch": branch}, early=early)
    rows, reference = (
        distributions(ds, which, samples, within=within, text="renormalise", keep=()).reset_coords(drop=True)
        for which in (condition, t2v)
    )
    return float(jensen_shannon(rows, reference).mean())
