"""The one vocabulary of the store: dims, variables, coordinates, units, fill values, chunking."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dymos_probe.bias import response_grid
from dymos_probe.errors import InputError

SCHEMA_NAME: Final = "dymos-probe-study"
SCHEMA_VERSION: Final = 1

SAMPLE: Final = "sample"
CONDITION: Final = "condition"
BRANCH: Final = "branch"
STEP: Final = "step"
LAYER: Final = "layer"
HEAD: Final = "head"
QUERY_FRAME: Final = "query_frame"
KEY_FRAME: Final = "key_frame"
LAM_RESPONSE: Final = "lam_response"
"""The λ of a response. Not ``lam``: that is what a condition's model ran with, 0 wherever there is a response."""

ATTENTION: Final = "attention"
TEXT_MASS: Final = "text_mass"
ATTENTION_MEAN: Final = "attention_mean"
DOMINANCE: Final = "dominance"
ATTENTION_RESPONSE: Final = "attention_response"
TEXT_MASS_RESPONSE: Final = "text_mass_response"
ATTENTION_EARLY: Final = "attention_early"
STEPS: Final = "steps"
"""Attribute of early means: over how many steps, from the first, they are."""
TILT: Final = "tilt"
"""The strength s of a tilted mean."""
ATTENTION_TILTED: Final = "attention_tilted"
COMPLETE: Final = "complete"
METHOD: Final = "method"
UNTOUCHED: Final = "none"
"""The method of a condition that changes nothing."""
METRIC_PREFIX: Final = "metric_"

STUDY_FILE: Final = "study.json"
STORE_FOLDER: Final = "attention.zarr"
VIDEO_FOLDER: Final = "videos"
SCHEDULE_FOLDER: Final = "schedules"

TILTS: Final = tuple(float(6.0 * np.cos(np.pi * (36 - place) / 36)) + 0.0 for place in range(37))
"""Strengths at which tilted means are kept: Chebyshev points, as many as bring the polynomial to float32's rounding."""
MANY_MAPS: Final = 8 * len(TILTS)
"""Maps a step from which tilted and early means are kept; of fewer they are soon made, and nearly as large."""
EARLY: Final = 0.1
"""The first fraction of the steps that early means are taken over: the paper's, and what analyses take by default."""

LABELS_PER_CHUNK: Final = 256
"""Labels in one chunk of a sample or condition coordinate; only the coordinator writes those."""

Arm = Literal["t2v", "i2v"]
Method = Literal["none", "dymos", "alg"]


@dataclass(frozen=True, kw_only=True)
class AttentionShape:
    """The sizes every run of a study shares.

    Raises
    ------
    InputError
        When there are fewer than two frames, a size is not positive, or the response is no rising set of λ.
    """

    branches: tuple[str, ...]
    """Branches of classifier-free guidance recorded, in order."""
    steps: int
    """Denoising steps, S."""
    layers: tuple[str, ...]
    """Names of the self-attention layers, in the order the model runs them."""
    heads: int
    """Attention heads of every layer."""
    frames: int
    """Latent frames, F."""
    response: tuple[float, ...] = ()
    """Strengths λ, rising, at which runs of untouched models keep their response; none keeps no such variable."""

    def __post_init__(self) -> None:
        """Refuse sizes no study can have."""
        if not self.branches or len(set(self.branches)) != len(self.branches):
            raise InputError(f"branches {self.branches!r} must be distinct names, at least one")
        if not self.layers or self.steps < 1 or self.heads < 1:
            raise InputError(
                f"a study needs at least one layer, step and head, "
                f"got {len(self.layers)} layers, {self.steps} steps and {self.heads} heads"
            )
        if self.frames < 2:
            raise InputError(
                f"frames {self.frames} is too few; attention between frames needs at least 2 latent frames"
            )
        if self.response and self.response != response_grid(self.response):
            raise InputError(f"response {self.response} must be a tuple of rising strengths λ")

    @property
    def tilts(self) -> tuple[float, ...]:
        """Strengths at which means of tilted maps are kept; none where there are few maps to average."""
        return TILTS if len(self.layers) * self.heads >= MANY_MAPS else ()

    @property
    def early(self) -> int:
        """First steps over which every head's mean map is kept; 0 where there are few maps or hardly fewer means."""
        return math.ceil(EARLY * self.steps - 1e-9) if self.tilts and self.steps * EARLY >= 1.0 else 0

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every dim that does not grow."""
        sizes = {
            BRANCH: len(self.branches),
            STEP: self.steps,
            LAYER: len(self.layers),
            HEAD: self.heads,
            QUERY_FRAME: self.frames,
            KEY_FRAME: self.frames,
        }
        optional = {LAM_RESPONSE: len(self.response), TILT: len(self.tilts)}
        return sizes | {dim: size for dim, size in optional.items() if size}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One prompt with one seed, and so one reference image."""

    id: str
    """Its label along ``sample``."""
    prompt: str
    """The text both arms are given."""
    seed: int
    """Seed of the noise both arms start from."""
    image: str
    """Reference image, a path relative to the study's folder."""

    def __post_init__(self) -> None:
        """Refuse an empty label."""
        if not self.id:
            raise InputError("a sample's id is empty; give it a name of its own")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way of generating; what was modulated where is kept as plain text ("" means all).

    Raises
    ------
    InputError
        When the id is empty, the arm or method is unknown, or λ is NaN though the method has one.
    """

    id: str
    """Its label along ``condition``."""
    arm: Arm
    """Which model of the pair runs."""
    lam: float
    """Strength λ of Eq. 6, natural-log units; 0 is the untouched model, NaN a method without λ."""
    step_ratio: float
    """Fraction of the denoising steps modulated."""
    schedule: str
    """Frame-wise φ: uniform, linear, log, or the name of a matched table that the study keeps."""
    method: Method
    """What changes the generation: nothing, the bias of Eq. 6, or ALG."""
    key_frame: int
    """Latent frame whose keys are modulated; anything but 0 is a placebo."""
    branches: str
    """Branches of classifier-free guidance modulated; ``cond`` is the paper's (Eq. 7)."""
    layers: str
    """Layers modulated."""
    heads: str
    """Heads modulated."""
    query_frames: str = ""
    """Query frames modulated; "" is the paper's, all but the reference frame."""

    def __post_init__(self) -> None:
        """Refuse what no condition can be."""
        if not self.id:
            raise InputError("a condition's id is empty; give it a name of its own")
        if self.arm not in get_args(Arm):
            raise InputError(f"arm {self.arm!r} is unknown; choose one of {', '.join(get_args(Arm))}")
        if self.method not in get_args(Method):
            raise InputError(f"method {self.method!r} is unknown; choose one of {', '.join(get_args(Method))}")
        if np.isnan(self.lam) and self.method != "alg":
            raise InputError("lam is NaN; give a number, inf or -inf")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one sample under one condition recorded."""

    sample: str
    """Id of the sample."""
    condition: str
    """Id of the condition."""
    attention: npt.NDArray[np.float32]
    """A of Eq. 8, float32 (branch, step, layer, head, query_frame, key_frame)."""
    text_mass: npt.NDArray[np.float32]
    """Attention mass on text tokens, float32 (branch, step, layer, head, query_frame)."""
    timestep: npt.NDArray[np.float64]
    """Scheduler timestep of every step, (step,)."""
    sigma: npt.NDArray[np.float64]
    """Noise level of every step, (step,)."""
    expert: npt.NDArray[np.int64]
    """Index of the expert transformer that ran the step, (step,)."""
    attention_response: npt.NDArray[np.float32] | None = None
    """A under each λ on the same queries and keys, float32 (lam_response, and the dims of ``attention``)."""
    text_mass_response: npt.NDArray[np.float32] | None = None
    """Mass on text likewise, float32 (lam_response, and the dims of ``text_mass``)."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """How one variable lies in the store."""

    name: str
    dims: tuple[str, ...]
    dtype: type
    fill: float | int | str | bool
    long_name: str
    units: str
    sharded: bool = False
    """One shard a run, one chunk a λ, branch and step inside; otherwise one chunk a run."""
    coordinate: bool = False

    @property
    def attrs(self) -> dict[str, str]:
        """Attributes written with the variable."""
        return {"long_name": self.long_name, "units": self.units}

    @property
    def of_run(self) -> bool:
        """Whether a run owns its chunks of this variable."""
        return self.dims[:2] == (SAMPLE, CONDITION)

    def extent(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape of what one writer owns: a run's part, or a block of labels."""
        if self.of_run:
            return (1, 1, *(sizes[dim] for dim in self.dims[2:]))
        return tuple(LABELS_PER_CHUNK if dim in (SAMPLE, CONDITION) else sizes[dim] for dim in self.dims)

    def chunks(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape of the smallest piece that can be read alone."""
        extent = self.extent(sizes)
        if not self.sharded:
            return extent
        return tuple(
            1 if dim in (LAM_RESPONSE, BRANCH, STEP) else size for dim, size in zip(self.dims, extent, strict=True)
        )


_RUN = (SAMPLE, CONDITION)
_SITE = (*_RUN, BRANCH, STEP, LAYER, HEAD)
_NAN = float("nan")


def _label(name: str, dim: str, dtype: type, long_name: str, units: str = "1") -> Variable:
    fill: float | int | str = "" if dtype is str else -1 if dtype is int else _NAN
    return Variable(
        name=name, dims=(dim,), dtype=dtype, fill=fill, long_name=long_name, units=units, coordinate=name != dim
    )


RUN_VARIABLES: Final = (
    Variable(
        name=ATTENTION,
        dims=(*_SITE, QUERY_FRAME, KEY_FRAME),
        dtype=np.float32,
        fill=_NAN,
        long_name="frame-to-frame attention A (Eq. 8)",
        units="attention mass",
        sharded=True,
    ),
    Variable(
        name=TEXT_MASS,
        dims=(*_SITE, QUERY_FRAME),
        dtype=np.float32,
        fill=_NAN,
        long_name="attention mass on text tokens",
        units="attention mass",
        sharded=True,
    ),
    Variable(
        name=ATTENTION_MEAN,
        dims=(*_RUN, BRANCH, STEP, QUERY_FRAME, KEY_FRAME),
        dtype=np.float32,
        fill=_NAN,
        long_name="frame-to-frame attention, mean over layers and heads",
        units="attention mass",
    ),
    Variable(
        name=DOMINANCE,
        dims=_SITE,
        dtype=np.float32,
        fill=_NAN,
        long_name="attention on the reference frame, mean over query frames f ≥ 1",
        units="attention mass",
    ),
    Variable(
        name="timestep",
        dims=(*_RUN, STEP),
        dtype=np.float64,
        fill=_NAN,
        long_name="scheduler timestep",
        units="1",
        coordinate=True,
    ),
    Variable(
        name="sigma",
        dims=(*_RUN, STEP),
        dtype=np.float64,
        fill=_NAN,
        long_name="noise level",
        units="1",
        coordinate=True,
    ),
    Variable(
        name="expert",
        dims=(*_RUN, STEP),
        dtype=np.int64,
        fill=-1,
        long_name="expert transformer that ran the step",
        units="index",
        coordinate=True,
    ),
)
"""Written with a run; ``complete`` follows them."""

RESPONSE_VARIABLES: Final = (
    Variable(
        name=ATTENTION_RESPONSE,
        dims=(*_RUN, LAM_RESPONSE, *_SITE[2:], QUERY_FRAME, KEY_FRAME),
        dtype=np.float32,
        fill=_NAN,
        long_name="frame-to-frame attention (Eq. 8) under λ, by its direct effect",
        units="attention mass",
        sharded=True,
    ),
    Variable(
        name=TEXT_MASS_RESPONSE,
        dims=(*_RUN, LAM_RESPONSE, *_SITE[2:], QUERY_FRAME),
        dtype=np.float32,
        fill=_NAN,
        long_name="attention mass on text tokens under λ, by its direct effect",
        units="attention mass",
        sharded=True,
    ),
)
"""Written with every run of an untouched model in a study that keeps a response, and never with another."""

RESPONSE_AXIS: Final = _label(LAM_RESPONSE, LAM_RESPONSE, float, "strength λ of the response (Eq. 6)", "nats")
"""Written once when a study that keeps a response is created."""

TILTED_VARIABLES: Final = (
    Variable(
        name=ATTENTION_TILTED,
        dims=(*_RUN, BRANCH, STEP, TILT, QUERY_FRAME, KEY_FRAME),
        dtype=np.float32,
        fill=_NAN,
        long_name="frame-to-frame attention with the odds of frame 0 times exp(−tilt), mean over layers and heads",
        units="attention mass",
    ),
)
"""Written with every run of an untouched model in a study of many maps a step, and never with another."""

EARLY_VARIABLES: Final = (
    Variable(
        name=ATTENTION_EARLY,
        dims=(*_RUN, BRANCH, LAYER, HEAD, QUERY_FRAME, KEY_FRAME),
        dtype=np.float32,
        fill=_NAN,
        long_name="frame-to-frame attention, mean over the first steps",
        units="attention mass",
    ),
)
"""Written with every run of a study of many maps a step and enough steps; attribute ``steps`` says of how many."""

TILT_AXIS: Final = _label(TILT, TILT, float, "strength of a tilt", "nats")
"""Written once when a study that keeps tilted means is created."""

COMPLETE_VARIABLE: Final = Variable(
    name=COMPLETE, dims=_RUN, dtype=np.bool_, fill=False, long_name="the run is there, whole", units="1"
)

SAMPLE_COLUMNS: Final = {
    "id": _label(SAMPLE, SAMPLE, str, "sample"),
    "prompt": _label("prompt", SAMPLE, str, "text prompt"),
    "seed": _label("seed", SAMPLE, int, "seed of the shared initial noise"),
    "image": _label("image", SAMPLE, str, "reference image, relative to the study's folder"),
}
"""Field of :class:`Sample` → coordinate that holds it."""

CONDITION_COLUMNS: Final = {
    "id": _label(CONDITION, CONDITION, str, "condition"),
    "arm": _label("arm", CONDITION, str, "model of the pair"),
    "lam": _label("lam", CONDITION, float, "modulation strength λ (Eq. 6)", "nats"),
    "step_ratio": _label("step_ratio", CONDITION, float, "fraction of steps modulated"),
    "schedule": _label("schedule", CONDITION, str, "frame-wise schedule φ"),
    "method": _label(METHOD, CONDITION, str, "what changes the generation"),
    # The dim key_frame exists already, so what the bias acted on is prefixed.
    "key_frame": _label("bias_key_frame", CONDITION, int, "latent frame whose keys are modulated", "index"),
    "branches": _label("bias_branches", CONDITION, str, "guidance branches modulated, empty for all"),
    "layers": _label("bias_layers", CONDITION, str, "layers modulated, empty for all"),
    "heads": _label("bias_heads", CONDITION, str, "heads modulated, empty for all"),
    "query_frames": _label("bias_query_frames", CONDITION, str, "query frames modulated, empty for all from 1"),
}
"""Field of :class:`Condition` → coordinate that holds it."""

AXIS_VARIABLES: Final = (
    _label(BRANCH, BRANCH, str, "branch of classifier-free guidance"),
    _label(STEP, STEP, int, "denoising step", "index"),
    _label(LAYER, LAYER, int, "self-attention layer", "index"),
    _label("layer_name", LAYER, str, "name of the layer in the model"),
    _label(HEAD, HEAD, int, "attention head", "index"),
    _label(QUERY_FRAME, QUERY_FRAME, int, "query frame (latent)", "index"),
    _label(KEY_FRAME, KEY_FRAME, int, "key frame (latent)", "index"),
)
"""Labels of the dims that do not grow, written once when the study is created."""

VARIABLES: Final = (
    *RUN_VARIABLES,
    COMPLETE_VARIABLE,
    *SAMPLE_COLUMNS.values(),
    *CONDITION_COLUMNS.values(),
    *AXIS_VARIABLES,
)
"""Everything a study holds but its metrics and, where it keeps them, its response, tilted and early means."""


def video_path(study: Path, sample: str, condition: str) -> Path:
    """Return where the video of a run is."""
    return study / VIDEO_FOLDER / sample / f"{condition}.mp4"


def metric_variable(name: str) -> Variable:
    """Return how the metric ``name`` lies in the store, float32 (sample, condition).

    Raises
    ------
    InputError
        When the name is not lower-case letters, digits and underscores.
    """
    if not name.isidentifier() or not name.isascii() or name != name.lower() or name.startswith(METRIC_PREFIX):
        raise InputError(
            f"metric name {name!r} must be lower-case letters, digits and underscores, without {METRIC_PREFIX!r}"
        )
    return Variable(
        name=METRIC_PREFIX + name, dims=_RUN, dtype=np.float32, fill=_NAN, long_name=name.replace("_", " "), units="1"
    )
