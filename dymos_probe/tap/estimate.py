"""The model's running estimate of the finished video, read off the scheduler's steps without touching them."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from dymos_probe.errors import TapError
from dymos_probe.tap.clock import is_flow, noise_levels


@dataclass(frozen=True, kw_only=True)
class StepEnd:
    """A denoising step that has just ended."""

    step: int
    """0-based step."""
    steps: int
    """Number of steps of this pipeline call."""
    prediction: torch.Tensor
    """What the model predicted, guidance applied."""
    sample: torch.Tensor
    """The latents x_t that the step began with."""
    scheduler: Any
    """The scheduler that made it."""

    def estimate(self) -> torch.Tensor:
        """Return x̂0, the finished latents as the model expects them at this step; float32, shape of ``sample``.

        Flow matching: x − σ·v. Variance preserving, with noise level σ = sqrt(1 − ᾱ): sqrt(1 − σ²)·x − σ·v for
        v-prediction, (x − σ·ε)/sqrt(1 − σ²) for ε-prediction, the prediction itself where it is of x0.

        Raises
        ------
        TapError
            When the scheduler predicts something else.
        """
        sigma = float(noise_levels(self.scheduler)[self.step])
        x, predicted = self.sample.float(), self.prediction.float()
        if is_flow(self.scheduler):
            return x - sigma * predicted
        kind, alpha = self.scheduler.config.get("prediction_type"), math.sqrt(1.0 - sigma**2)
        if kind == "sample":
            return predicted
        if kind == "v_prediction":
            return alpha * x - sigma * predicted
        if kind == "epsilon" and alpha > 0.0:
            return (x - sigma * predicted) / alpha
        raise TapError(f"{type(self.scheduler).__name__} predicts {kind!r}, from which no estimate of x0 is known")


@contextmanager
def watch_steps(pipe: Any, on_step_end: Callable[[StepEnd], None]) -> Iterator[None]:
    """Call ``on_step_end`` after every scheduler step of ``pipe`` while the block runs.

    The step itself runs untouched, with its own arguments, so the video stays bit-identical as long as
    ``on_step_end`` changes no tensor in place and draws no random numbers. What it raises ends the pipeline call.
    """
    scheduler = pipe.scheduler
    step = scheduler.step
    signature = inspect.signature(step)
    timesteps, count = None, 0

    @functools.wraps(step)  # pipelines ask for the step's signature
    def watched(*args: Any, **kwargs: Any) -> Any:
        nonlocal timesteps, count
        made = step(*args, **kwargs)
        if scheduler.timesteps is not timesteps:
            timesteps, count = scheduler.timesteps, 0
        given = signature.bind(*args, **kwargs).arguments
        end = StepEnd(
            step=count,
            steps=len(timesteps),
            prediction=given["model_output"],
            sample=given["sample"],
            scheduler=scheduler,
        )
        count += 1
        on_step_end(end)
        return made

    scheduler.step = watched
    try:
        yield
    finally:
        del scheduler.step  # the class's own is behind it
