"""The specification equals an N×N softmax in float64, and never holds one."""

import pytest
import torch

import dymos_kernels as dk
from dymos_kernels import reference

INF = float("inf")
SHAPES = {
    "no text": {},
    "text first": {"before": 5},
    "text last": {"after": 4},
    "text both sides": {"before": 5, "after": 4},
    "one frame": {"frames": 1, "before": 3},
    "one token a frame": {"tokens": 1, "frames": 6, "after": 1},
    "masked text": {"before": 5, "after": 4, "masked": 3},
    "all text masked": {"before": 5, "after": 4, "masked": 9},
    "another key frame": {"key_frame": 1, "before": 2},
    "last key frame": {"key_frame": 2, "after": 2},
    "wide values": {"dim": 8, "value_dim": 24},
}


@pytest.mark.parametrize("lam", [None, 0.0, 0.6, -0.6, 10.0, -10.0, INF, -INF])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_in_float64_it_is_the_softmax_to_twelve_digits(make, eager, shape, lam):
    case = make(**shape, lam=lam, dtype=torch.float64)
    truth = eager(case)
    out, mass = dk.attention_with_mass(case.q, case.k, case.v, case.layout, case.bias, **case.options, impl="reference")
    torch.testing.assert_close(out, truth.out, atol=1e-12, rtol=0)
    torch.testing.assert_close(mass.mass.double(), truth.mass, atol=1e-7, rtol=0)
    torch.testing.assert_close(mass.text.double(), truth.text, atol=1e-7, rtol=0)


@pytest.mark.parametrize("scratch", [1, 100, 700, 5000])
@pytest.mark.parametrize("fewest", [1, 4])
def test_how_queries_and_heads_are_blocked_does_not_change_the_result(make, eager, monkeypatch, scratch, fewest):
    monkeypatch.setattr(reference, "SCRATCH", scratch)
    monkeypatch.setattr(reference, "FEWEST_ROWS", fewest)
    table = torch.tensor([[[0.0, 0.5, -0.5]], [[0.0, INF, -INF]]], dtype=torch.float64)
    case = make(before=5, after=4, masked=3, table=table, dtype=torch.float64)
    truth = eager(case)
    args = case.q, case.k, case.v, case.layout, case.bias
    out, mass = dk.attention_with_mass(*args, **case.options, impl="reference")
    only = dk.frame_mass(case.q, case.k, case.layout, case.bias, **case.options, impl="reference")
    torch.testing.assert_close(out, truth.out, atol=1e-12, rtol=0)
    torch.testing.assert_close(mass.mass.double(), truth.mass, atol=1e-7, rtol=0)
    torch.testing.assert_close(only.mass, mass.mass, atol=1e-7, rtol=0)
    torch.testing.assert_close(only.text, mass.text, atol=1e-7, rtol=0)


@pytest.mark.parametrize("lam", [1e5, -1e5])
def test_a_huge_bias_costs_no_bits_where_the_mass_goes(make, eager, lam):
    case = make(before=5, lam=lam)
    out = dk.biased_attention(case.q, case.k, case.v, case.layout, case.bias, impl="chunked")
    torch.testing.assert_close(out.double(), eager(case).out, atol=2e-5, rtol=0)
