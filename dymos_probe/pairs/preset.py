"""What a named pair is: where its models are and which settings its numbers were published with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dymos_probe.bias import Schedule
from dymos_probe.errors import InputError

Dtype = Literal["float32", "float16", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One arm of a pair on the Hugging Face hub."""

    hub_id: str
    """Repository with weights in diffusers' folder layout, ``owner/name``."""
    revision: str | None = None
    """Commit, tag or branch; None takes the default branch. The commit it led to goes into ``study.json``."""
    pipeline: str | None = None
    """diffusers class to load it with, where one repository serves both arms and names only one class."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A pair of models and the settings it is run with unless told otherwise.

    Raises
    ------
    InputError
        When it does not name its models in exactly one way: two sources, shipped folders, or a tiny pipeline.
    """

    name: str
    """What ``--pair`` takes."""
    family: str
    """Name of the architecture family, see `dymos_probe.families`."""
    t2v: Source | None = None
    """The text-to-video model."""
    i2v: Source | None = None
    """The image-to-video model tuned from it."""
    shipped: tuple[str, str] | None = None
    """In place of both sources: T2V and I2V folder beside this module, which come with the package."""
    built: str | None = None
    """In place of both sources: the tiny pipeline of `dymos_probe.testing` that is built on first use."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    num_frames: int
    """Video frames."""
    fps: int
    """Frames per second the model was trained at, and videos are saved at."""
    num_inference_steps: int
    """Denoising steps S."""
    guidance_scale: float
    """Scale of classifier-free guidance, Eq. 1."""
    scheduler: str
    """diffusers scheduler class; it takes over the configuration of the one in the checkpoint."""
    lam: float | None
    """λ of Eq. 6 the paper gives this pair; None where the paper does not run it."""
    step_ratio: float | None
    """Fraction of steps modulated (K/T in the paper); None where neither the paper nor a model card gives one."""
    schedule: Schedule = "uniform"
    """φ, Eqs. 9–11."""
    dtype: Dtype = "bfloat16"
    """Weights on a GPU; on a CPU the default is float32."""
    vae_dtype: Dtype | None = None
    """Weights of the VAE where its publisher asks for another type than the rest."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the pipeline call."""
    published_in: str
    """Where the numbers above come from."""
    note: str = ""
    """What a user should know before choosing it."""

    def __post_init__(self) -> None:
        """Refuse a preset that has no models, or two kinds of them."""
        sources = (self.t2v is not None, self.i2v is not None)
        ways = all(sources) + (self.shipped is not None) + (self.built is not None)
        if ways != 1 or any(sources) != all(sources):
            raise InputError(
                f"the preset {self.name!r} needs both sources, or shipped folders, or a tiny pipeline to build"
            )
