"""Which denoising step is running, read off the pipeline and checked against its scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dymos_probe.errors import TapError


@dataclass(frozen=True)
class Tick:
    """Where in the denoising loop one transformer forward is."""

    step: int
    """0-based step."""
    steps: int
    """Number of steps of this pipeline call."""
    forward: int
    """0-based forward within the step."""
    begins: bool
    """Whether this is the first forward of a pipeline call."""


class Clock:
    """Counts steps and forwards of one pipeline.

    Every pipeline sets ``_current_timestep`` to a new tensor before the forwards of a step, so a new
    object is a new step and the same object the next forward of it. The step index is where the
    scheduler has that timestep, which must be the one after the last.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._timestep: torch.Tensor | None = None
        self._timesteps: torch.Tensor | None = None
        self._levels: npt.NDArray[np.float64] | None = None
        self._step = -1
        self._forward = 0

    def tick(self) -> Tick:
        """Return where the forward that is about to run stands.

        Raises
        ------
        TapError
            When the pipeline does not publish its timestep, or the loop leaves the scheduler's order.
        """
        now, timesteps = getattr(self._pipe, "_current_timestep", None), self._pipe.scheduler.timesteps
        if now is None:
            raise TapError(
                f"{type(self._pipe).__name__} ran its transformer without setting _current_timestep, so the denoising "
                "step is unknown; run the pipeline itself, not its transformer"
            )
        if now is self._timestep:
            self._forward += 1
            return Tick(self._step, len(timesteps), self._forward, begins=False)
        begins = timesteps is not self._timesteps
        expected = 0 if begins else self._step + 1
        if expected >= len(timesteps) or float(timesteps[expected]) != float(now):
            raise TapError(
                f"timestep {float(now):g} is not step {expected} of the scheduler's {len(timesteps)}; "
                "a step was skipped or the loop is not the pipeline's own"
            )
        self._timestep, self._timesteps, self._step, self._forward = now, timesteps, expected, 0
        if begins:
            self._levels = noise_levels(self._pipe.scheduler)
        return Tick(expected, len(timesteps), 0, begins=begins)

    @property
    def step(self) -> int:
        """0-based step of the last tick."""
        return self._step

    @property
    def schedule(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return timesteps and noise levels of the running pipeline call, each (steps,)."""
        assert self._timesteps is not None and self._levels is not None
        return self._timesteps.double().cpu().numpy(), self._levels


def noise_levels(scheduler: Any) -> npt.NDArray[np.float64]:
    """Return the standard deviation of the noise in x_t at every step, in [0, 1], shape (steps,).

    Flow matching: σ. Variance preserving: sqrt(1 − ᾱ_t). Variance exploding σ are brought to the
    variance-preserving scale, σ / sqrt(1 + σ²).
    """
    steps = len(scheduler.timesteps)
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is None:
        alphas = scheduler.alphas_cumprod[scheduler.timesteps.long().cpu()]
        return np.asarray(np.sqrt(1.0 - alphas.double().numpy()))
    levels = np.asarray(torch.as_tensor(sigmas).double().cpu())[:steps]
    return levels if is_flow(scheduler) else levels / np.sqrt(1.0 + levels**2)


def is_flow(scheduler: Any) -> bool:
    """Return whether a scheduler solves a flow: x_t = (1 − σ)·x0 + σ·noise."""
    return "FlowMatch" in type(scheduler).__name__ or bool(scheduler.config.get("use_flow_sigmas", False))
