"""What a family declares about its architecture: where attention is, and how its pipelines are called."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, cast

import torch
from PIL import Image
from torch import nn

from dymos_probe.bias import Branch
from dymos_probe.errors import InputError, TapError
from dymos_probe.layout import TokenLayout

Arm = Literal["t2v", "i2v"]


FIRST_FRAME: Final = (slice(None), slice(None), slice(0, 1))
"""Index of latent frame 0 of (B, C, F, H, W)."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """The settings both arms of a pair share for one sample, in diffusers' own words."""

    height: int
    """Pixels."""
    width: int
    """Pixels."""
    num_frames: int
    """Video frames."""
    num_inference_steps: int
    """Denoising steps S."""
    guidance_scale: float
    """Scale of classifier-free guidance (Eq. 1)."""
    negative_prompt: str = ""
    """Prompt of the unconditional branch."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further keyword arguments of the pipelines, such as ``max_sequence_length``."""


@dataclass(frozen=True)
class Site:
    """One self-attention module of a transformer."""

    name: str
    """Dotted path inside the transformer."""
    module: nn.Module
    """The module whose forward makes exactly one attention call."""

    @property
    def heads(self) -> int:
        """Number of attention heads."""
        return int(cast(Any, self.module).heads)


class Family(ABC):
    """One architecture family; subclasses declare, this class holds what all share."""

    name: ClassVar[str]
    pipelines: ClassVar[Mapping[Arm, tuple[str, ...]]]
    """Class names of the diffusers pipelines, by arm."""

    # Where attention is ----------------------------------------------------------------

    @abstractmethod
    def sites(self, transformer: Any) -> tuple[Site, ...]:
        """Return every self-attention module in the order it runs."""

    @abstractmethod
    def layout(self, transformer: Any, inputs: Mapping[str, Any]) -> TokenLayout:
        """Return the token layout of the self-attention of one forward, from its ``inputs`` by name."""

    @abstractmethod
    def branches(self, pipe: Any, *, rows: int, forward: int, guided: bool) -> tuple[Branch, ...]:
        """Return the guidance branch of each batch row, for the ``forward``-th call of a step."""

    def image_latents(self, transformer: Any) -> tuple[slice, ...]:
        """Return where in ``hidden_states`` the reference image's latents enter a forward of the I2V arm, (…, H, W).

        Raises
        ------
        InputError
            When the family does not say.
        """
        raise InputError(
            f"where the reference image enters the transformer of {self.name} is not declared, so it cannot be filtered"
        )

    def guided(self, pipe: Any) -> bool:
        """Return whether classifier-free guidance is on, asked once before the first step."""
        return bool(pipe.guidance_scale > 1.0)

    def latent_frames(self, latents: torch.Tensor) -> torch.Tensor | None:
        """Return the latents of one video that a scheduler steps, (F, C, H, W); None where they are packed."""
        return latents[0].movedim(0, 1) if latents.ndim == 5 else None

    # How its pipelines are called -------------------------------------------------------

    @abstractmethod
    def noise_shape(self, pipe: Any, generation: Generation) -> tuple[int, ...]:
        """Return the shape of the initial noise of one video, the same for both arms."""

    def size_steps(self, pipe: Any) -> tuple[int, int]:
        """Return (pixels, frames): sides are multiples of the first, frame counts 1 more than of the second."""
        patch = denoisers(pipe)[0].config.patch_size
        spatial = patch if isinstance(patch, int) else patch[-1]
        return pipe.vae_scale_factor_spatial * spatial, pipe.vae_scale_factor_temporal

    def latents(self, pipe: Any, arm: Arm, noise: torch.Tensor, image: Image.Image | None) -> torch.Tensor:
        """Return what the pipeline takes as ``latents`` so that the run starts from ``noise``."""
        return noise

    def guidance(self, pipe: Any, scale: float) -> dict[str, Any]:
        """Return the call arguments that set the guidance scale (or set it on ``pipe``)."""
        return {"guidance_scale": scale}

    def frame_size(self, pipe: Any, arm: Arm, generation: Generation) -> dict[str, Any]:
        """Return the call arguments that set the frame size."""
        return {"height": generation.height, "width": generation.width}

    def draw_noise(self, pipe: Any, generation: Generation, generator: torch.Generator) -> torch.Tensor:
        """Return the initial noise of one video, float32 on the CPU, drawn from ``generator``."""
        return torch.randn(self.noise_shape(pipe, generation), generator=generator, dtype=torch.float32)

    def arguments(
        self,
        pipe: Any,
        arm: Arm,
        generation: Generation,
        *,
        prompt: str,
        noise: torch.Tensor,
        generator: torch.Generator,
        image: Image.Image | None = None,
    ) -> dict[str, Any]:
        """Return every keyword argument of one pipeline call, frames returned as float arrays in [0, 1]."""
        own = {"image": image} if arm == "i2v" else {}
        return {
            "prompt": prompt,
            "negative_prompt": generation.negative_prompt,
            "num_frames": generation.num_frames,
            "num_inference_steps": generation.num_inference_steps,
            "generator": generator,
            "latents": self.latents(pipe, arm, noise, image),
            "output_type": "np",
            **self.frame_size(pipe, arm, generation),
            **self.guidance(pipe, generation.guidance_scale),
            **own,
            **generation.extra,
        }

    def defaults(self, pipe: Any) -> dict[str, Any]:
        """Return the size, frame, step and guidance defaults that the pipeline's own call declares."""
        names = ("height", "width", "num_frames", "num_inference_steps", "guidance_scale")
        parameters = inspect.signature(type(pipe).__call__).parameters
        return {name: parameters[name].default for name in names if name in parameters}

    def check_size(self, pipe: Any, generation: Generation) -> None:
        """Refuse a frame size or count that the family would silently round.

        Raises
        ------
        InputError
            Naming the value and the nearest one the family can take.
        """
        pixels, frames = self.size_steps(pipe)
        for name in ("height", "width"):
            given = getattr(generation, name)
            if given < pixels or given % pixels:
                nearest = max(pixels, round(given / pixels) * pixels)
                raise InputError(
                    f"{name} {given} does not fit {self.name}: it must be a multiple of {pixels}; nearest is {nearest}"
                )
        given = generation.num_frames
        if given < 1 or (given - 1) % frames:
            nearest = max(0, round((given - 1) / frames)) * frames + 1
            raise InputError(
                f"num_frames {given} does not fit {self.name}: it must be {frames}·k+1; nearest is {nearest}"
            )


def denoisers(pipe: Any) -> tuple[Any, ...]:
    """Return the transformers a pipeline denoises with, in the order of their experts, unwrapped from compilation."""
    found = (getattr(pipe, name, None) for name in ("transformer", "transformer_2"))
    return tuple(getattr(module, "_orig_mod", module) for module in found if module is not None)


def joined_channels(transformer: Any, *, dim: int, skipped: int = 0) -> tuple[slice, ...]:
    """Return the index of as many channels as the noise has, ``skipped`` after it; ``dim`` is that of channels."""
    channels = transformer.config.out_channels
    start = channels + skipped
    return (*(slice(None),) * dim, slice(start, start + channels))


def block_sites(transformer: Any, *, blocks: str, attention: str) -> tuple[Site, ...]:
    """Return the sites ``<blocks>.<i>.<attention>`` of a transformer."""
    stack = getattr(transformer, blocks)
    return tuple(Site(f"{blocks}.{i}.{attention}", getattr(block, attention)) for i, block in enumerate(stack))


def one_forward_branches(*, rows: int, guided: bool, forward: int) -> tuple[Branch, ...]:
    """Return the branches where guidance is one batch, ``[uncond, cond]``."""
    if forward:
        raise TapError(f"forward {forward + 1} within one step; this family makes one, so a custom loop is running")
    if not guided:
        return _of_one("cond", rows)
    if rows % 2:
        raise TapError(f"guidance is on but the batch has {rows} rows, which do not halve into uncond and cond")
    return _of_one("uncond", rows // 2) + _of_one("cond", rows // 2)


def two_forward_branches(*, rows: int, forward: int) -> tuple[Branch, ...]:
    """Return the branches where guidance is two forwards, cond then uncond."""
    if forward > 1:
        raise TapError(
            f"forward {forward + 1} within one step; only cond and uncond are known, so turn other guidance off"
        )
    return _of_one("uncond" if forward else "cond", rows)


def _of_one(branch: Branch, rows: int) -> tuple[Branch, ...]:
    return (branch,) * rows
