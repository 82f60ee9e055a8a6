"""One pipeline call under the tap."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from PIL import Image

from dymos_probe.baselines import ALG
from dymos_probe.bias import Bias
from dymos_probe.errors import EnvironmentLacksError, InputError, ProbeError, is_out_of_memory
from dymos_probe.families import Generation, family_of
from dymos_probe.runs.images import fit_image
from dymos_probe.runs.media import Frames, to_uint8
from dymos_probe.tap import Recording, attach

OnStep = Callable[[int, int], None]

_OURS = frozenset({"prompt", "image", "generator", "latents", "output_type", "return_dict", "num_videos_per_prompt"})


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
    alg: ALG | None = None,
    record: Any = False,
    response: Sequence[float] = (),
    branches: Any = "cond",
    on_step: OnStep | None = None,
) -> Outcome:
    """Return the video and the attention of one run.

    The initial noise depends on ``seed`` and the sizes alone, so both arms of a pair start from the same.

    Raises
    ------
    InputError
        When the family cannot take the size or the frame count, or the pipeline refuses an argument.
    EnvironmentLacksError
        When memory runs out.
    ProbeError
        When the model makes frames that are not finite numbers.
    """
    family, arm = family_of(pipe)
    family.check_size(pipe, generation)
    _check_extra(pipe, generation)
    generator = torch.Generator("cpu").manual_seed(seed)
    noise = family.draw_noise(pipe, generation, generator)
    fitted = None if image is None else fit_image(image, generation.width, generation.height)
    try:
        arguments = family.arguments(
            pipe, arm, generation, prompt=prompt, noise=noise, generator=generator, image=fitted
        )
        with attach(
            pipe,
            record=record,
            bias=bias,
            alg=alg,
            response=response or None,
            branches=branches,
            on_step=on_step,
        ) as probe:
            frames = np.asarray(pipe(**arguments).frames[0])
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise EnvironmentLacksError(
            f"out of memory for {generation.num_frames} frames of {generation.width}×{generation.height}; "
            "use --offload model, a smaller size or fewer frames"
        ) from error
    except ValueError as error:
        if not _raised_by(error, "diffusers"):
            raise
        raise InputError(f"{type(pipe).__name__} refuses this request: {error}") from error
    if not np.isfinite(frames).all():
        raise ProbeError(f"the {arm} model made frames with NaN or infinity for {prompt!r}; try --dtype float32")
    return Outcome(frames=to_uint8(frames), recording=probe.recording if record else None)


def _check_extra(pipe: Any, generation: Generation) -> None:
    accepted = inspect.signature(type(pipe).__call__).parameters
    reserved = _OURS | {field.name for field in fields(Generation)}
    for name in generation.extra:
        if name in reserved:
            raise InputError(f"extra {name!r} is set by an option of its own or by the study; take it out")
        if name not in accepted:
            raise InputError(f"extra {name!r} is no argument of {type(pipe).__name__}; it takes {', '.join(accepted)}")


def _raised_by(error: BaseException, package: str) -> bool:
    """Return whether the line that raised ``error`` is in ``package``."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and str(at.tb_frame.f_globals.get("__name__", "")).split(".")[0] == package
