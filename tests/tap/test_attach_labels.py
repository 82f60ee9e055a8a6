"""Branch labels and token frames, found by changing one prompt or one latent frame and seeing what moves."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from dymos_probe.families import family_of
from dymos_probe.tap import attach

OTHER = "two boats on a lake at night"


def first_step(case, **changed):
    """Attention of step 0, (branch, layer, head, query frame, key frame): later steps mix the branches."""
    with attach(case.pipe) as probe:
        case.run(**changed)
    return probe.attention.isel(step=0)


@pytest.mark.parametrize(("changed", "mover", "other"), [("prompt", "cond", "uncond"), ("negative", "uncond", "cond")])
def test_changing_one_prompt_moves_exactly_the_records_of_its_branch(case, changed, mover, other):
    before, after = first_step(case), first_step(case, **{changed: OTHER})
    moved = np.abs(after - before).max(("head", "query_frame", "key_frame"))
    assert (moved.sel(branch=other) < 1e-6).all()
    # text that enters by cross-attention is first heard in the second layer
    joint = case.name.startswith(("cogvideox", "hunyuan"))
    assert (moved.sel(branch=mover)[0 if joint else 1 :] > 1e-5).all()
    assert joint or moved.sel(branch=mover)[0] < 1e-6


def perturbed_frame(case, frame):
    """Return a pre-hook that changes one token frame of the latents given to the first forward."""
    seen = []

    def hook(_module, args, kwargs):
        if not seen:
            seen.append(kwargs)
            latents = kwargs["hidden_states"].clone()
            axis = 2 if latents.ndim == 5 and not case.name.startswith("cogvideox") else 1
            span = latents.shape[axis] // case.frames
            latents.narrow(axis, frame * span, span).add_(1.0)
            return args, kwargs | {"hidden_states": latents}
        return None

    return hook


def test_changing_a_latent_frame_moves_exactly_its_block_of_first_layer_queries(case, capture):
    def first_call(frame=None):
        handle = None
        if frame is not None:
            handle = case.pipe.transformer.register_forward_pre_hook(perturbed_frame(case, frame), with_kwargs=True)
        with attach(case.pipe, record=False), capture(case.pipe) as seen:
            case.run()
        if handle is not None:
            handle.remove()
        return seen.calls[0], seen.inputs[0]

    plain, inputs = first_call()
    family, _ = family_of(case.pipe)
    transformer = case.pipe.transformer
    bound = inspect.signature(type(transformer).forward).bind(transformer, **inputs).arguments
    layout = family.layout(transformer, bound)
    assert layout.length == plain.q.shape[2]
    assert (layout.frames, layout.tokens_per_frame, layout.text_before) == (case.frames, case.tokens, case.start)
    frame_of_token = torch.from_numpy(layout.frame_of_token())
    assert torch.equal(frame_of_token, case.frame_of_token(layout.length))
    video = frame_of_token >= 0
    for frame in range(layout.frames):
        changed, _ = first_call(frame)
        for now, then in ((changed.q, plain.q), (changed.k, plain.k)):
            distance = (now - then).abs().amax((0, 1, 3))
            assert (distance[frame_of_token == frame] > 1e-3).all()
            assert (distance[video & (frame_of_token != frame)] == 0).all()
