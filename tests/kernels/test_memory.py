"""Memory beyond the inputs is linear in N."""

from __future__ import annotations

import pytest
import torch

import dymos_kernels as dk


def _peak(call):
    """Return the bytes ``call`` held at most beyond what was there, its results included."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        call()
    held = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


@pytest.mark.parametrize("impl", ["lse", "chunked", "augment"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extra_memory_is_at_most_six_tensors_and_grows_with_n_not_its_square(make, impl, dtype):
    def peak(tokens):
        case = make(batch=1, heads=4, frames=3, tokens=tokens, before=20, masked=4, dim=64, dtype=dtype, lam=0.6)
        tensor = case.q.numel() * case.q.element_size()
        given, options = (case.q, case.k, case.v, case.layout, case.bias), {**case.options, "impl": impl}
        calls = (
            lambda: dk.attention_with_mass(*given, **options),
            lambda: dk.frame_mass(case.q, case.k, case.layout, case.bias, **options),
            lambda: dk.biased_attention(*given, **options),
        )
        return tensor, max(_peak(call) for call in calls)

    _, small = peak(330)
    tensor, large = peak(660)
    scratch = 5 * 2**20 if impl == "chunked" else 0  # its blocks of logits, of one size for every N
    assert tensor < large < 6 * tensor + scratch
    assert large < 2.2 * small
