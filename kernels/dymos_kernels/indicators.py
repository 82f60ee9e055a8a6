"""Frame mass as attention output: values that say which segment a key is in.

For attention that gives back nothing but its output. The output of an indicator channel is the
weight a row gives to that segment, in the precision of the output: exact in float32, three
digits in bfloat16, where ``lse`` keeps six.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from dymos_kernels.checks import Problem
from dymos_kernels.layout import FrameMass
from dymos_kernels.mass import HUGE, frame_mass, mean_mass


def indicators(problem: Problem) -> Tensor:
    """Return (N, F + 1) in the dtype of the values: 1 where a key is of the frame, or last of the text."""
    layout, device = problem.layout, problem.v.device
    segment = torch.full((problem.length,), layout.frames, device=device)
    frames = torch.arange(layout.frames, device=device)
    segment[layout.start : layout.stop] = frames.repeat_interleave(layout.tokens)
    return F.one_hot(segment, layout.frames + 1).to(problem.v.dtype)


def read(problem: Problem, attended: Tensor) -> FrameMass:
    """Return the frame mass from what attention made of the indicators, (B, H, N, F + 1)."""
    rows = attended[:, :, problem.layout.start : problem.layout.stop]
    # Rounded to the output's precision each weight is a little off; together they are 1.
    weights = rows.to(torch.promote_types(rows.dtype, torch.float32)).movedim(-1, 0)
    weights = weights / weights.sum(0)
    if problem.responses is None:
        return mean_mass(problem, weights)
    return frame_mass(problem, weights.log().clamp(min=-HUGE / 2))
