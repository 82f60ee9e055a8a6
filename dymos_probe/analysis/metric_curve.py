"""A metric over λ: what the modulation does to the videos, each sample compared with itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from dymos_probe.analysis.select import modulated_conditions, t2v_condition
from dymos_probe.errors import InputError
from dymos_probe.store.schema import COMPLETE, CONDITION, METRIC_PREFIX, SAMPLE


def metric_curve(
    ds: xr.Dataset, name: str, *, step_ratio: float | None = None, schedule: str | None = None
) -> xr.Dataset:
    """Return the metric ``name`` over λ and in the T2V arm, float64, in memory.

    It takes λ = 0 and the plain modulations of one step ratio and schedule, as d(λ) does; controls
    never enter. Every value stands on the same samples, those measured in T2V and at every λ, so that
    a change is that of each sample against itself. A λ nobody measured is left out, named in
    ``attrs["conditions_dropped"]``.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    name
        Of the metric, without its prefix: ``motion`` for the variable ``metric_motion``.
    step_ratio, schedule
        Which modulations; needed when the study has several.

    Returns
    -------
    xarray.Dataset
        Over ``lam``: ``mean``, ``standard_error``, ``count`` (samples), ``change`` and
        ``change_standard_error`` (against λ = 0, of paired samples); without dims ``t2v_mean`` and
        ``t2v_standard_error``. Units are the metric's. Standard errors are the sample standard
        deviation over √n, NaN of one sample.

    Raises
    ------
    InputError
        When the study has no such metric, a choice does not exist or is ambiguous, or no sample is
        measured in T2V, at λ = 0 and at every other λ.
    """
    variable = METRIC_PREFIX + name
    values, t2v, asked = measured_values(ds, name, step_ratio=step_ratio, schedule=schedule)
    measured = values.notnull()
    taken = [c for c in asked if bool(measured.sel({CONDITION: c}).any())]
    together = measured.sel({CONDITION: [t2v, *taken]}).all(CONDITION)
    if not bool(together.any()):
        raise InputError(
            f"metric {name} has no sample that is measured in all of {t2v}, {', '.join(taken)}; "
            "measure the same samples in each"
        )
    values = values.isel({SAMPLE: together.values})
    samples = values.sizes[SAMPLE]
    about = {key: ds[variable].attrs[key] for key in ("long_name", "units") if key in ds[variable].attrs}
    over_lam = values.sel({CONDITION: taken}).swap_dims({CONDITION: "lam"})
    mean, error = _mean_and_error(over_lam)
    change, change_error = _mean_and_error(over_lam - over_lam.sel(lam=0.0, drop=True).reset_coords(drop=True))
    t2v_mean, t2v_error = _mean_and_error(values.sel({CONDITION: t2v}).reset_coords(drop=True))
    curve = xr.Dataset(
        {
            "mean": mean,
            "standard_error": error,
            "change": change,
            "change_standard_error": change_error,
            "t2v_mean": t2v_mean,
            "t2v_standard_error": t2v_error,
        }
    )
    for label, text in _LONG_NAMES.items():
        curve[label].attrs.update(long_name=text.format(about.get("long_name", name)), units=about.get("units", "1"))
    count = xr.full_like(mean, samples, dtype=np.int64).assign_attrs(long_name="samples", units="1")
    return curve.assign(count=count).assign_attrs(
        {key: value for key, value in ds[variable].attrs.items() if key not in about},
        metric=name,
        **about,
        reference=t2v,
        samples_used=samples,
        samples_total=ds.sizes[SAMPLE],
        conditions_dropped=", ".join(c for c in asked if c not in taken),
    )


def measured_values(
    ds: xr.Dataset, name: str, *, step_ratio: float | None = None, schedule: str | None = None
) -> tuple[xr.DataArray, str, list[str]]:
    """Return the metric (sample, condition), float64, in memory, NaN where it is not measured; T2V; and the I2V ones.

    The conditions are T2V, λ = 0 and the plain modulations of one step ratio and schedule by rising λ.

    Raises
    ------
    InputError
        When the study has no such metric, a choice is ambiguous, or nothing is measured in T2V or at λ = 0.
    """
    variable = METRIC_PREFIX + name
    if variable not in ds:
        known = ", ".join(metric_names(ds)) or "none"
        raise InputError(f"the study has no metric {name!r}; it has {known}")
    t2v = t2v_condition(ds)
    asked = modulated_conditions(ds, step_ratio=step_ratio, schedule=schedule)
    # A forgotten run keeps its value in the store until it is made and measured again.
    values = ds[variable].where(ds[COMPLETE]).sel({CONDITION: [t2v, *asked]}).astype(np.float64).compute()
    _check_measured(values.notnull(), name, t2v, [c for c in asked if float(ds["lam"].sel({CONDITION: c})) == 0.0])
    return values, t2v, asked


def metric_names(ds: xr.Dataset) -> list[str]:
    """Return the metrics of a study, without their prefix, in alphabetical order."""
    return sorted(str(v).removeprefix(METRIC_PREFIX) for v in ds.data_vars if str(v).startswith(METRIC_PREFIX))


_LONG_NAMES = {
    "mean": "{}, mean over samples",
    "standard_error": "{}, standard error of the mean",
    "change": "{}, change against λ = 0",
    "change_standard_error": "{}, standard error of the change",
    "t2v_mean": "{} of T2V, mean over samples",
    "t2v_standard_error": "{} of T2V, standard error of the mean",
}


def _check_measured(measured: xr.DataArray, name: str, t2v: str, untouched: list[str]) -> None:
    for condition in (t2v, *untouched):
        if not bool(measured.sel({CONDITION: condition}).any()):
            raise InputError(f"metric {name} is not measured under {condition}, which the others are compared with")


def _mean_and_error(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    count = values.sizes[SAMPLE]
    error: xr.DataArray = xr.apply_ufunc(_deviation, values, input_core_dims=[[SAMPLE]]) / np.sqrt(count)
    return values.mean(SAMPLE), error


def _deviation(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Of one sample numpy would warn before it gives NaN.
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values.std(axis=-1, ddof=1))
