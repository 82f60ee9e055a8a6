"""The paper's Video Quality from stored metrics: four of VBench's dimensions, normalised and averaged.

Of temporal flickering (TF), motion smoothness (MS), aesthetic quality (AQ) and imaging quality (IQ) the first two are
normalised as VBench does it, x̂ = (x − min) / (max − min) with its published bounds, without clipping; the bounds of
the others are 0 and 1. ``mean`` is their mean. ``paper`` is 100·Σ/5.5: the paper does not say how it combines them,
but with the published components of its models that gives values like its own, about 58, and no mean does (inferred).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

import numpy as np
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.metrics.metric import Combined, Derived
from dymos_probe.store.schema import COMPLETE, METRIC_PREFIX

Scale = Literal["mean", "paper"]

_DIVISORS: Final[Mapping[str, float]] = MappingProxyType({"mean": 4.0, "paper": 5.5 / 100.0})
"""VBench's weights of its image-to-video dimensions sum to 5.5 without flickering, each of the four having 1."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One of the four dimensions."""

    label: str
    """What it is called."""
    stored: Mapping[str, float]
    """Name of a stored metric → what its values are divided by to lie in [0, 1]; the first that is there counts."""
    least: float
    """VBench's least value, which becomes 0."""
    largest: float
    """VBench's largest value, which becomes 1."""


COMPONENTS: Final = (
    Component(label="temporal flickering", stored={"temporal_flickering": 1.0}, least=0.6293, largest=1.0),
    Component(label="motion smoothness", stored={"motion_smoothness": 1.0}, least=0.7060, largest=0.9975),
    Component(
        label="aesthetic quality", stored={"aesthetic_quality": 1.0, "laion_aesthetic": 1.0}, least=0.0, largest=1.0
    ),
    Component(label="imaging quality", stored={"imaging_quality": 1.0, "musiq": 100.0}, least=0.0, largest=1.0),
)
"""The four, with the bounds of ``scripts/constant.py`` of https://github.com/Vchitect/VBench."""


def quality(ds: xr.Dataset, *, scale: Scale = "mean") -> xr.DataArray:
    """Return Video Quality of every complete run, float64 (sample, condition), NaN where a component has no value.

    Parameters
    ----------
    ds
        A study, or any dataset with ``metric_temporal_flickering``, ``metric_motion_smoothness``,
        ``metric_aesthetic_quality`` or ``metric_laion_aesthetic``, and ``metric_imaging_quality`` or ``metric_musiq``.
    scale
        ``mean``, Σ/4; or ``paper``, 100·Σ/5.5.

    Raises
    ------
    InputError
        When the dataset lacks a component, which the message names, or a value is outside [0, 1].
    """
    if scale not in get_args(Scale):
        raise InputError(f"scale {scale!r} is unknown; choose one of {', '.join(get_args(Scale))}")
    total = sum(_normalised(ds, component, name) for component, name in chosen_components(ds))
    result: xr.DataArray = total / _DIVISORS[scale]  # type: ignore[assignment]
    if COMPLETE in ds:
        result = result.where(ds[COMPLETE])
    result = result.rename(f"quality_{scale}")
    return result.assign_attrs(long_name=_LONG_NAMES[scale], units="1", scale=scale, components=_names(ds))


def chosen_components(ds: xr.Dataset) -> tuple[tuple[Component, str], ...]:
    """Return each component with the name of the stored metric that gives it.

    Raises
    ------
    InputError
        Naming every component the dataset lacks.
    """
    found = [
        (component, next((name for name in component.stored if METRIC_PREFIX + name in ds), ""))
        for component in COMPONENTS
    ]
    missing = [f"{component.label} ({' or '.join(component.stored)})" for component, name in found if not name]
    if missing:
        raise InputError(
            f"quality needs four metrics and the study lacks {', '.join(missing)}; `probe metrics STUDY --metric …` "
            "measures one, `probe metrics import` takes in what VBench measured"
        )
    return tuple(found)


def _normalised(ds: xr.Dataset, component: Component, name: str) -> xr.DataArray:
    values = ds[METRIC_PREFIX + name].astype(np.float64).compute() / component.stored[name]
    wrong = values.where((values < 0.0) | (values > 1.0))
    if bool(wrong.notnull().any()):
        first = float(wrong.stack(run=wrong.dims).dropna("run")[0]) * component.stored[name]
        raise InputError(
            f"metric {name} has the value {first:g}; {component.label} must lie in "
            f"[0, {component.stored[name]:g}] as VBench gives it"
        )
    return (values - component.least) / (component.largest - component.least)


def _names(ds: xr.Dataset) -> str:
    return ", ".join(name for _, name in chosen_components(ds))


_LONG_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"mean": "video quality, mean of four dimensions", "paper": "video quality on the paper's scale, inferred"}
)


def _combine(ds: xr.Dataset, scale: Scale) -> Combined:
    present = {component.label: ds[METRIC_PREFIX + name].notnull() for component, name in chosen_components(ds)}
    return Combined(quality(ds, scale=scale), present, {"components": _names(ds)})


_FORMULA: Final = (
    "of temporal flickering and motion smoothness normalised by VBench's bounds, aesthetic and imaging quality"
)

METRICS: Final = (
    Derived(
        name="quality_mean",
        long_name=_LONG_NAMES["mean"],
        units="1",
        calibrated=True,
        settings=f"mean {_FORMULA}",
        weights="those of its components",
        combine=lambda ds: _combine(ds, "mean"),
    ),
    Derived(
        name="quality_paper_scale",
        long_name=_LONG_NAMES["paper"],
        units="1",
        calibrated=False,
        settings=f"100/5.5 times the sum {_FORMULA}; the divisor is inferred from published numbers",
        weights="those of its components",
        combine=lambda ds: _combine(ds, "paper"),
    ),
)
