"""What one pipeline call leaves behind: frame-to-frame attention at every step, layer and head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from dymos_kernels import FrameMass
from dymos_probe.bias import Branch
from dymos_probe.errors import TapError
from dymos_probe.layout import TokenLayout

if TYPE_CHECKING:
    import xarray as xr

DIMS = ("video", "branch", "step", "layer", "head", "query_frame", "key_frame")
_LONG_NAMES = {
    "attention": "frame-to-frame attention (Eq. 8)",
    "text_mass": "attention mass on text",
    "attention_response": "frame-to-frame attention (Eq. 8) under λ, by its direct effect",
    "text_mass_response": "attention mass on text under λ, by its direct effect",
}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Eq. 8 for one pipeline call."""

    attention: npt.NDArray[np.float32]
    """(video, branch, step, layer, head, F, F), fraction of attention mass."""
    text_mass: npt.NDArray[np.float32]
    """(video, branch, step, layer, head, F), the mass on text; rows of ``attention`` sum to 1 minus it."""
    branches: tuple[Branch, ...]
    """Names along ``branch``."""
    layers: tuple[str, ...]
    """Names along ``layer``."""
    timestep: npt.NDArray[np.float64]
    """(step,), the scheduler's timesteps."""
    sigma: npt.NDArray[np.float64]
    """(step,), standard deviation of the noise in x_t."""
    expert: npt.NDArray[np.int64]
    """(step,), which transformer ran: 0, or 1 for the second of two experts."""
    grid: tuple[int, int, int]
    """Video tokens of the self-attention: frames, height, width."""
    response: tuple[float, ...] = ()
    """Strengths λ along ``lam``; none where no response was asked for."""
    attention_response: npt.NDArray[np.float32] | None = None
    """(video, lam, branch, step, layer, head, F, F), Eq. 8 under the bias of Eq. 6 on the same queries and keys."""
    text_mass_response: npt.NDArray[np.float32] | None = None
    """(video, lam, branch, step, layer, head, F), the mass on text under that bias."""

    def to_xarray(self, *, text: bool = False, response: bool = False) -> xr.DataArray:
        """Return the attention (or the text mass) labelled; ``video`` is kept only in a batch of several.

        With ``response``, what it is under each λ of the grid, with a dim ``lam``.

        Raises
        ------
        TapError
            When a response is asked for and none was recorded.
        """
        import xarray as xr

        name = ("text_mass" if text else "attention") + ("_response" if response else "")
        values = getattr(self, name)
        if values is None:
            raise TapError("no response is recorded; attach with response=[-1, 0.6, 1], or other strengths λ")
        dims = DIMS[:-1] if text else DIMS
        array = xr.DataArray(
            values,
            dims=(dims[0], "lam", *dims[1:]) if response else dims,
            coords={
                "branch": list(self.branches),
                "layer_name": ("layer", list(self.layers)),
                "timestep": ("step", self.timestep),
                "sigma": ("step", self.sigma),
                "expert": ("step", self.expert),
            },
            name=name,
            attrs={"long_name": _LONG_NAMES[name], "units": "1"},
        )
        if response:
            array = array.assign_coords(lam=("lam", list(self.response), {"long_name": "strength λ", "units": "nats"}))
        return array.isel(video=0) if array.sizes["video"] == 1 else array


class Recorder:
    """Collects the masses of one pipeline call, forward by forward."""

    def __init__(
        self,
        *,
        layers: tuple[str, ...],
        timestep: npt.NDArray[np.float64],
        sigma: npt.NDArray[np.float64],
        response: tuple[float, ...] = (),
    ) -> None:
        self.layers, self.timestep, self.sigma, self.response = layers, timestep, sigma, response
        self.steps = len(timestep)
        # Attention and text mass, then where asked for both under each λ; videos lead.
        self._masses: dict[tuple[int, Branch], tuple[npt.NDArray[np.float32], ...]] = {}
        self._experts: dict[int, int] = {}
        self._grid: tuple[int, int, int] | None = None

    def add_forward(
        self,
        *,
        step: int,
        expert: int,
        branches: Sequence[Branch],
        layout: TokenLayout,
        masses: Sequence[FrameMass],
        responses: Sequence[FrameMass] = (),
    ) -> None:
        """Add one forward: ``masses`` holds that of every layer in order, ``responses`` those under each λ."""
        # Branches may differ in text length (HunyuanVideo 1.0), never in their video tokens.
        grid = layout.frames, layout.height, layout.width
        if self._grid not in (None, grid):
            raise TapError(
                f"the video tokens changed during the run from {self._grid} to {grid} (frames, height, width)"
            )
        if len(masses) != len(self.layers):
            raise TapError(f"step {step} recorded {len(masses)} layers where the model has {len(self.layers)}")
        self._grid, self._experts[step] = grid, expert
        parts = [torch.stack(list(part), dim=1) for part in zip(*masses, strict=True)]
        parts += [torch.stack(list(part), dim=2).movedim(0, 1) for part in zip(*responses, strict=True)]
        arrays = [part.float().cpu().numpy() for part in parts]
        for branch in dict.fromkeys(branches):
            rows = [row for row, of in enumerate(branches) if of == branch]
            if (step, branch) in self._masses:
                raise TapError(f"step {step} was recorded twice in the {branch} branch")
            self._masses[step, branch] = tuple(array[rows] for array in arrays)

    def finish(self) -> Recording:
        """Return the recording.

        Raises
        ------
        TapError
            When there is no forward at all, or a step or a branch of a step is missing.
        """
        branches = tuple(sorted({branch for _, branch in self._masses}))
        if self._grid is None or not branches:
            raise TapError("the pipeline call left no record; it failed in its first forward")
        missing = [(s, b) for s in range(self.steps) for b in branches if (s, b) not in self._masses]
        if missing:
            raise TapError(
                f"{len(missing)} of {self.steps * len(branches)} forwards left no record, the first in step "
                f"{missing[0][0]}, {missing[0][1]} branch; the run was interrupted or guidance is off in some steps "
                "(record with branches='cond')"
            )
        return Recording(
            attention=self._stacked(0, branches, axis=1),
            text_mass=self._stacked(1, branches, axis=1),
            response=self.response,
            attention_response=self._stacked(2, branches, axis=2) if self.response else None,
            text_mass_response=self._stacked(3, branches, axis=2) if self.response else None,
            branches=branches,
            layers=self.layers,
            timestep=self.timestep,
            sigma=self.sigma,
            expert=np.array([self._experts[s] for s in range(self.steps)]),
            grid=self._grid,
        )

    def _stacked(self, part: int, branches: tuple[Branch, ...], *, axis: int) -> npt.NDArray[np.float32]:
        """Return one part of every forward with dims branch and step put in at ``axis``."""
        # In one copy: a response may be gigabytes.
        stack = np.stack([self._masses[s, b][part] for b in branches for s in range(self.steps)], axis=axis)
        return stack.reshape(*stack.shape[:axis], len(branches), self.steps, *stack.shape[axis + 1 :])
