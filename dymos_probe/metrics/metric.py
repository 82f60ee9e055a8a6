"""What a metric is: one number of a clip, what it is called, and what it needs on this machine."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr
from platformdirs import user_data_path

from dymos_probe.errors import EnvironmentLacksError, InputError, MissingFileError

Frames = npt.NDArray[np.uint8]

WEIGHTS_VARIABLE: Final = "DYMOS_PROBE_WEIGHTS"
"""Environment variable that names the folder of learned weights."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """One video, and what a metric may compare it with.

    Raises
    ------
    InputError
        When frames or reference are not 8-bit RGB, or the rate is not above 0.
    """

    frames: Frames
    """(frames, height, width, 3), uint8, RGB."""
    fps: float
    """Frames per second."""
    prompt: str = ""
    """What it was generated from."""
    reference: Frames | None = None
    """Reference image, (height, width, 3), uint8, RGB; None where there is none."""

    def __post_init__(self) -> None:
        """Refuse what is no clip."""
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8 or not self.frames.size:
            raise InputError(
                f"frames of shape {self.frames.shape} and type {self.frames.dtype} are no video; "
                "give (frames, height, width, 3) of uint8"
            )
        image = self.reference
        if image is not None and (image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8):
            raise InputError(
                f"a reference of shape {image.shape} and type {image.dtype} is no image; "
                "give (height, width, 3) of uint8"
            )
        if not 0.0 < self.fps < float("inf"):
            raise InputError(f"fps {self.fps} must be a number above 0")


@dataclass(frozen=True)
class Measurement:
    """A value, or why there is none."""

    value: float
    """NaN where there is none."""
    why: str = ""
    """Why there is none, in the same words for all videos of that kind; empty where there is one."""


def without(why: str) -> Measurement:
    """Return the measurement of what has no value."""
    return Measurement(float("nan"), why)


Measure = Callable[[Clip], Measurement]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Where learned metrics find their weights and what they run on.

    Raises
    ------
    InputError
        When the batch is below 1.
    """

    folder: Path
    """Folder of the weights."""
    device: str = "cpu"
    """``cpu``, ``cuda``, ``cuda:N`` or ``mps``."""
    batch: int = 16
    """Frames that go through a network at once."""

    def __post_init__(self) -> None:
        """Refuse an empty batch."""
        if self.batch < 1:
            raise InputError(f"batch {self.batch} must be at least 1")


def resources(weights: str | Path | None = None, *, device: str = "cpu", batch: int = 16) -> Resources:
    """Return resources whose folder is ``weights``, else ``$DYMOS_PROBE_WEIGHTS``, else the user's data folder's.

    Raises
    ------
    MissingFileError
        When ``weights`` does not exist. Of the other two, a metric that needs them says what it misses.
    """
    if weights is not None and not Path(weights).is_dir():
        raise MissingFileError(
            f"there is no folder of weights {weights}; make it and put the weights there, as `probe metrics list` "
            "names them, or give another"
        )
    named = weights if weights is not None else os.environ.get(WEIGHTS_VARIABLE) or None
    folder = Path(named) if named is not None else user_data_path("dymos-probe") / "weights"
    return Resources(folder=folder, device=device, batch=batch)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Python package a metric needs that dymos-probe does not depend on."""

    name: str
    """As it is imported."""
    source: str
    """How to get it."""

    @property
    def what(self) -> str:
        """What it is, in words."""
        return f"the package {self.name}"

    def here(self, resources: Resources) -> bool:
        """Return whether it is installed."""
        return importlib.util.find_spec(self.name) is not None


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A file of weights the user downloads."""

    path: str
    """Relative to the folder of the weights."""
    source: str
    """Where it comes from: a URL, or a command to run in that folder."""

    @property
    def what(self) -> str:
        """What it is, in words."""
        return f"the file {self.path}"

    def here(self, resources: Resources) -> bool:
        """Return whether it lies in the folder."""
        return (resources.folder / self.path).is_file()


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A metric ready to measure."""

    measure: Measure
    """Of a clip."""
    files: Mapping[str, str] = field(default_factory=dict)
    """File of weights → SHA-256, kept with the values: those of other weights are not mixed with them."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """What every metric says of itself."""

    name: str
    """Its variable in the store is ``metric_<name>``."""
    long_name: str
    """What it is, in a line."""
    units: str
    """``px``, or ``1`` for a plain number."""
    calibrated: bool
    """Whether its values are what its name says; otherwise they only order videos."""
    settings: str
    """What else decides its values, in words."""
    weights: str = "none"
    """Which learned weights decide its values."""

    @property
    def attrs(self) -> dict[str, Any]:
        """What is kept with the values; values of other attributes are not mixed with these."""
        return {
            "long_name": self.long_name,
            "units": self.units,
            "weights": self.weights,
            "calibrated": self.calibrated,
            "settings": self.settings,
        }


@dataclass(frozen=True, kw_only=True)
class Metric(Described):
    """One number of a clip."""

    load: Callable[[Resources], Prepared]
    """Makes it ready; may read weights and take seconds."""
    needs: tuple[Package | WeightFile, ...] = ()
    """What must be on this machine."""

    def missing(self, resources: Resources) -> tuple[Package | WeightFile, ...]:
        """Return what is not on this machine."""
        return tuple(need for need in self.needs if not need.here(resources))

    def prepare(self, resources: Resources) -> Prepared:
        """Return the metric ready to measure.

        Raises
        ------
        EnvironmentLacksError
            When a package or a file is missing; the message names all of them.
        """
        if missing := self.missing(resources):
            named = " and ".join(f"{need.what} ({need.source})" for need in missing)
            raise EnvironmentLacksError(f"metric {self.name} misses {named}; weights belong in {resources.folder}")
        return self.load(resources)


@dataclass(frozen=True)
class Combined:
    """A derived metric of every run, from what is stored."""

    values: xr.DataArray
    """(sample, condition), NaN where a component is missing."""
    present: Mapping[str, xr.DataArray]
    """Component → where it has a value, (sample, condition)."""
    attrs: Mapping[str, Any]
    """What else is kept with the values."""


@dataclass(frozen=True, kw_only=True)
class Derived(Described):
    """One number of a run made of other metrics of the same run."""

    combine: Callable[[xr.Dataset], Combined]
    """Of a study, with the metrics it has."""


def plain(measure: Measure) -> Callable[[Resources], Prepared]:
    """Return the loader of a metric that needs nothing but the clip."""
    return lambda _: Prepared(measure=measure)
