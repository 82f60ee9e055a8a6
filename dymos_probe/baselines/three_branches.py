"""The guidance of ALG on a running pipeline: three predictions in a step where ordinary guidance has two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from dymos_probe.bias import Branch
from dymos_probe.errors import TapError
from dymos_probe.tap import Forward

_BATCHED = ("hidden_states", "encoder_hidden_states", "timestep")
"""Inputs with a row for each video and branch, where guidance is one batch (CogVideoX)."""


class ThreeBranches:
    """Makes v = v(x,∅,c) + g·[v(x,p,LP(c)) − v(x,∅,LP(c))] out of a pipeline's v = u + g·(p − u), for one call of it.

    The text-conditional rows are given LP(c) instead of c. With the unconditional rows, which keep c, one more
    forward is run on LP(c), and what it lacks from them, v(x,∅,c) − v(x,∅,LP(c)), is added to the conditional
    prediction: the pipeline's own guidance then gives the formula, whatever its scale is or becomes. Without
    guidance there is no unconditional row, and a step is the single pass v(x,p,LP(c)).

    Parameters
    ----------
    strength
        Weight of the filter at (step, steps); 0 leaves the step alone.
    low_pass
        Filters planes (..., H, W) at a weight.
    where
        Index of the reference image's latents in ``hidden_states``, of a transformer.
    """

    def __init__(
        self,
        *,
        strength: Callable[[int, int], float],
        low_pass: Callable[[torch.Tensor, float], torch.Tensor],
        where: Callable[[Any], tuple[slice, ...]],
    ) -> None:
        self._strength, self._low_pass, self._where = strength, low_pass, where
        self._held: tuple[int, torch.Tensor] | None = None

    def inputs(self, forward: Forward) -> Mapping[str, Any]:
        """Return the inputs with the image latents of the text-conditional rows filtered."""
        weight, rows = self._weight(forward), _rows(forward, "cond")
        return self._filtered(forward, rows, weight) if weight and rows else forward.inputs

    def output(self, forward: Forward, prediction: torch.Tensor) -> torch.Tensor:
        """Return the prediction that the pipeline's guidance takes, after one more forward where it has to be."""
        weight, cond, uncond = self._weight(forward), _rows(forward, "cond"), _rows(forward, "uncond")
        if not weight:
            return prediction
        # The conditional prediction is changed in place: where guidance is two forwards, the pipeline holds it already.
        prediction = prediction.clone()
        if cond is not None:
            self._held = forward.tick.step, prediction[cond]
        if uncond is not None:
            given = self._filtered(forward, uncond, weight)
            if cond is not None:
                given = {name: value[uncond] if name in _BATCHED else value for name, value in given.items()}
            lacking = prediction[uncond].float() - forward.aside(given).float()
            conditional = self._conditional(forward.tick.step)
            conditional.copy_(conditional.float() + lacking)
        return prediction

    def _weight(self, forward: Forward) -> float:
        return self._strength(forward.tick.step, forward.tick.steps)

    def _filtered(self, forward: Forward, rows: slice, weight: float) -> dict[str, Any]:
        hidden = forward.inputs["hidden_states"].clone()
        image = hidden[rows][self._where(forward.transformer)]
        image.copy_(self._low_pass(image, weight))
        return {**forward.inputs, "hidden_states": hidden}

    def _conditional(self, step: int) -> torch.Tensor:
        held, self._held = self._held, None
        if held is None or held[0] != step:
            raise TapError(
                f"step {step} ran its unconditional forward before a conditional one, so ALG has nothing to guide; "
                "run the pipeline's own loop"
            )
        return held[1]


def _rows(forward: Forward, branch: Branch) -> slice | None:
    """Return the batch rows of a branch, which lie together; None where there are none."""
    rows = [row for row, of in enumerate(forward.branches) if of == branch]
    return slice(rows[0], rows[-1] + 1) if rows else None
