"""One pipeline call under the tap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from dymos_probe.bias import Bias
from dymos_probe.errors import EnvironmentLacksError, ProbeError
from dymos_probe.families import Generation, family_of
from dymos_probe.runs.images import fit_image
from dymos_probe.runs.media import Frames, to_uint8
from dymos_probe.tap import Recording, attach

OnStep = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one run made."""

    frames: Frames
    """(time, y, x, 3) uint8."""
    recording: Recording | None
    """Its attention; None when not recorded."""


def execute(
    pipe: Any,
    generation: Generation,
    *,
    prompt: str,
    seed: int,
    image: Image.Image | None = None,
    bias: Bias | None = None,
    record: Any = False,
    branches: Any = "cond",
    on_step: OnStep | None = None,
) -> Outcome:
    """Return the video and the attention of one run.

    The initial noise depends on ``seed`` and the sizes alone, so both arms of a pair start from the same.

    Raises
    ------
    InputError
        When the family cannot take the size or the frame count.
    EnvironmentLacksError
        When memory runs out.
    ProbeError
        When the model makes frames that are not finite numbers.
    """
    family, arm = family_of(pipe)
    family.check_size(pipe, generation)
    generator = torch.Generator("cpu").manual_seed(seed)
    noise = family.draw_noise(pipe, generation, generator)
    fitted = None if image is None else fit_image(image, generation.width, generation.height)
    try:
        arguments = family.arguments(
            pipe, arm, generation, prompt=prompt, noise=noise, generator=generator, image=fitted
        )
        with attach(pipe, record=record, bias=bias, branches=branches, on_step=on_step) as probe:
            frames = np.asarray(pipe(**arguments).frames[0])
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise EnvironmentLacksError(
            f"out of memory for {generation.num_frames} frames of {generation.width}×{generation.height}; "
            "use --offload model, a smaller size or fewer frames"
        ) from error
    if not np.isfinite(frames).all():
        raise ProbeError(f"the {arm} model made frames with NaN or infinity for {prompt!r}; try --dtype float32")
    return Outcome(frames=to_uint8(frames), recording=probe.recording if record else None)
