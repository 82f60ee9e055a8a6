"""Memory beyond the inputs is linear in N."""

from __future__ import annotations

import pytest
import torch

import dymos_kernels as dk
from dymos_kernels.benchmark.clock import peak_bytes


def test_the_peak_is_what_was_held_at_once():
    def call():
        first = torch.zeros(1000)
        second = first + 1
        del first
        return second + 1

    # Numbers that Python gives become tensors of a few bytes.
    assert 2 * 4000 <= peak_bytes(call, "cpu") < 2 * 4000 + 100


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
        return tensor, max(peak_bytes(call, "cpu") for call in calls)

    _, small = peak(330)
    tensor, large = peak(660)
    scratch = 5 * 2**20 if impl == "chunked" else 0  # its blocks of logits, of one size for every N
    assert tensor < large < 6 * tensor + scratch
    assert large < 2.2 * small
