"""The Triton kernels equal the softmax, in Triton's interpreter: no GPU is needed, and none is proved.

Triton decides at its import whether it interprets, so all calls go to one process of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec

import pytest
import torch
from torch.nn import functional as F

import dymos_kernels as dk
from dymos_kernels import flash, triton_attention, triton_merge
from dymos_kernels.checks import check
from dymos_kernels.mass import HUGE
from dymos_kernels.triton_attention import Blocks

INF = float("inf")
LAYOUTS = {
    "no text": {},
    "text first": {"before": 5},
    "text last": {"after": 4},
    "text both sides, masked": {"before": 5, "after": 4, "masked": 3},
    "all text masked": {"before": 5, "after": 4, "masked": 9},
    "one frame": {"frames": 1, "before": 3, "after": 2},
    "last key frame": {"before": 2, "key_frame": 2, "masked": 1},
}
TABLE = torch.tensor([[[0.0, 0.5, INF], [-INF, -0.5, 3.0]], [[0.0, 0.0, 0.0], [INF, INF, -INF]]])
"""A strength for each of two batch rows, two heads and three frames."""

pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")


@pytest.fixture(scope="module")
def interpreted():
    """Call a function of the package in a process in which Triton interprets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        pool.submit(os.getpid).result()  # started while the variables are set
    yield lambda function, *args, **kwargs: pool.submit(function, *args, **kwargs).result()
    pool.shutdown()


def both(call, case, impl="triton", **options):
    return call(
        dk.attention_with_mass, case.q, case.k, case.v, case.layout, case.bias, **(case.options | options), impl=impl
    )


def assert_exact(truth, out, mass, *, mass_atol=1e-6):
    """Output, where there is one, and masses agree with the truth."""
    if out is not None:
        torch.testing.assert_close(out.double(), truth.out, atol=2e-5, rtol=0)
    assert mass.mass.dtype == mass.text.dtype == torch.float32
    torch.testing.assert_close(mass.mass.double(), truth.mass, atol=mass_atol, rtol=0)
    torch.testing.assert_close(mass.text.double(), truth.text, atol=mass_atol, rtol=0)
    rows = mass.mass.double().sum(-1) + mass.text
    torch.testing.assert_close(rows, torch.ones_like(rows), atol=1e-6, rtol=0)


def assert_as_precise_as_sdpa(case, truth, out):
    """Output of float16 errs at most twice as much as plain attention, that of bfloat16 four times.

    The interpreter cuts bfloat16 off where a GPU rounds, which doubles its error (3.9.0: no rounding in its cast).
    """
    assert out.dtype == case.v.dtype
    plain = F.scaled_dot_product_attention(case.q, case.k, case.v, attn_mask=case.additive.float()).double()
    error, plain_error = out.double() - truth.out, plain - truth.out
    factor = 4 if out.dtype == torch.bfloat16 else 2
    assert error.square().mean().sqrt() <= factor * plain_error.square().mean().sqrt()
    # The largest of a few thousand rounding errors is a noisy number: twice as wide.
    assert error.abs().max() <= 2 * factor * plain_error.abs().max()


@pytest.mark.parametrize("lam", [None, 0.6, -10.0, INF, -INF])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_float32_is_exact_for_every_layout_and_strength(make, eager, interpreted, layout, lam):
    case = make(**layout, batch=2, heads=1, lam=lam)
    assert_exact(eager(case), *both(interpreted, case))


@pytest.mark.slow
@pytest.mark.parametrize("lam", [None, -0.6, INF, -INF])
@pytest.mark.parametrize("tokens", [1, 2, 13, 37])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_length_of_frame_straddles_the_blocks_right(make, eager, interpreted, layout, tokens, lam):
    case = make(**layout, tokens=tokens, lam=lam, seed=tokens)
    truth = eager(case)
    assert_exact(truth, *both(interpreted, case))
    only = interpreted(dk.frame_mass, case.q, case.k, case.layout, case.bias, **case.options, impl="triton")
    assert_exact(truth, None, only)
    if lam is not None:
        args = case.q, case.k, case.v, case.layout, case.bias
        out = interpreted(dk.biased_attention, *args, **case.options, impl="triton")
        torch.testing.assert_close(out.double(), truth.out, atol=2e-5, rtol=0)


def test_masses_alone_and_output_alone_are_the_same(make, eager, interpreted):
    case = make(before=5, after=4, masked=9, lam=0.6)
    truth = eager(case)
    only = interpreted(dk.frame_mass, case.q, case.k, case.layout, case.bias, **case.options, impl="triton")
    assert_exact(truth, None, only)
    args = case.q, case.k, case.v, case.layout, case.bias
    out = interpreted(dk.biased_attention, *args, **case.options, impl="triton")
    torch.testing.assert_close(out.double(), truth.out, atol=2e-5, rtol=0)


@pytest.mark.parametrize("part", [(slice(None), slice(None)), (slice(1), slice(None)), (slice(None), slice(1))])
def test_each_batch_row_head_and_frame_has_its_own_strength(make, eager, interpreted, part):
    case = make(before=5, after=4, masked=9, table=TABLE[part])
    assert_exact(eager(case), *both(interpreted, case))


def test_infinite_strength_moves_all_mass_exactly(make, interpreted):
    case = make(before=5, after=4, table=torch.tensor([[[0.0, INF, -INF]]]))
    _, (mass, text) = both(interpreted, case)
    assert (mass[:, :, 1, 0] == 0).all() and (text[:, :, 1] > 0).all()
    torch.testing.assert_close(mass[:, :, 2, 0], torch.ones(2, 2), atol=1e-6, rtol=0)
    assert (mass[:, :, 2, 1:] == 0).all() and (text[:, :, 2] == 0).all()


@pytest.mark.parametrize("lam", [1e5, -1e5, 1e30, -1e30])
def test_a_huge_strength_costs_no_bits_where_the_mass_goes(make, eager, interpreted, lam):
    case = make(before=5, batch=1, lam=lam)
    out, mass = both(interpreted, case)
    assert_exact(eager(make(before=5, batch=1, lam=INF if lam > 0 else -INF)), out, mass)


def test_a_huge_strength_on_all_that_is_left_changes_nothing(make, eager, interpreted):
    table = torch.full((1, 1, 1), 1e9)
    case = make(frames=1, tokens=40, before=5, masked=5, table=table, dtype=torch.float16)
    out, mass = both(interpreted, case, scale=2.0)  # logits whose exponentials float16 does not hold
    plain = eager(make(frames=1, tokens=40, before=5, masked=5, dtype=torch.float16), scale=2.0)
    torch.testing.assert_close(out[1].double(), plain.out[1], atol=2e-3, rtol=0)
    torch.testing.assert_close(mass.mass[1].double(), plain.mass[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("dim", "value_dim"), [(16, 40), (40, 16), (7, 5), (1, 1)])
def test_head_sizes_may_differ_and_be_no_power_of_two(make, eager, interpreted, dim, value_dim):
    case = make(before=5, batch=1, dim=dim, value_dim=value_dim, lam=0.6)
    assert_exact(eager(case), *both(interpreted, case))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("dim", "lam"), [(64, 0.6), (128, INF)])
def test_half_precision_is_as_precise_as_sdpa_and_masses_keep_five_digits(make, eager, interpreted, dtype, dim, lam):
    case = make(frames=4, tokens=19, before=13, masked=9, heads=1, dim=dim, dtype=dtype, lam=lam, seed=dim)
    truth = eager(case)
    out, mass = both(interpreted, case)
    assert_as_precise_as_sdpa(case, truth, out)
    assert_exact(truth, None, mass, mass_atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [Blocks(rows=128, keys=64), Blocks(rows=64, keys=32), Blocks(rows=16, keys=128)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("lam", [None, -0.6])
def test_the_blocks_of_a_gpu_give_the_same(make, eager, interpreted, blocks, dtype, lam):
    case = make(frames=3, tokens=45, before=13, after=5, masked=9, heads=1, dim=64, dtype=dtype, lam=lam)
    truth = eager(case)
    problem = check(case.q, case.k, case.v, case.layout, case.bias, case.key_frame, case.key_mask, None)
    out, mass = interpreted(triton_attention.attend, problem, output=True, mass=True, blocks=blocks)
    if dtype != torch.float32:
        assert_as_precise_as_sdpa(case, truth, out)
        out = None
    assert_exact(truth, out, mass, mass_atol=1e-6 if dtype == torch.float32 else 1e-5)


@pytest.mark.parametrize("output", [True, False])
def test_one_unbiased_pass_gives_the_masses_of_every_strength(make, eager, interpreted, output):
    tables = [torch.full((1, 1, 3), lam) for lam in (0.0, 0.6, -10.0, INF, -INF)] + [TABLE]
    responses = torch.stack([table.expand(2, 2, 3) for table in tables])
    plain = make(before=5, after=4, masked=9, key_frame=1)
    args = (plain.q, plain.k, plain.v) if output else (plain.q, plain.k)
    call = dk.attention_with_response if output else dk.frame_response
    result = interpreted(call, *args, plain.layout, responses, **plain.options, impl="triton")
    out, masses = result if output else (None, result)
    if out is not None:
        torch.testing.assert_close(out.double(), eager(plain).out, atol=2e-5, rtol=0)
    for table, *mass in zip(tables, *masses, strict=True):
        truth = eager(make(before=5, after=4, masked=9, key_frame=1, table=table))
        assert_exact(truth, None, dk.FrameMass(*mass))


@pytest.mark.parametrize("more", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_more_frames_than_registers_hold_are_written_row_by_row(make, eager, interpreted, more):
    frames = triton_attention.MOST_COLUMNS - 1 + more
    table = torch.linspace(-2, 2, frames).view(1, 1, frames)
    table[..., -2:] = torch.tensor([INF, -INF])
    case = make(frames=frames, tokens=1, before=2, after=1, batch=1, heads=1, table=table, key_frame=3)
    assert_exact(eager(case), *both(interpreted, case))


@pytest.mark.parametrize("scale", [0.05, 0.0, -0.3])
def test_the_scale_is_the_callers(make, eager, interpreted, scale):
    case = make(before=5, masked=2, lam=0.6, heads=1)
    assert_exact(eager(case, scale=scale), *both(interpreted, case, scale=scale))


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3, 2), (3, 2, 1, 0)])
def test_the_memory_order_of_the_inputs_does_not_matter(make, eager, interpreted, order):
    case = make(before=5, lam=0.6)
    back = [order.index(i) for i in range(4)]
    q, k, v = (t.permute(order).contiguous().permute(back) for t in (case.q, case.k, case.v))
    assert q.stride() != case.q.stride()
    assert_exact(eager(case), *interpreted(dk.attention_with_mass, q, k, v, case.layout, case.bias, impl="triton"))


def test_parts_of_one_projection_and_any_table_and_mask_are_read_where_they_lie(make, eager, interpreted):
    case = make(before=5, masked=2, table=TABLE)
    q, k, v = torch.cat((case.q, case.k, case.v), -1).chunk(3, -1)
    bias, mask = case.bias.mT.contiguous().mT, case.key_mask.T.contiguous().T
    assert not any(t.is_contiguous() for t in (q, k, v, bias, mask))
    out, mass = interpreted(dk.attention_with_mass, q, k, v, case.layout, bias, key_mask=mask, impl="triton")
    assert_exact(eager(case), out, mass)


def test_double_precision_is_refused_in_one_line(make, interpreted):
    case = make(before=5, dtype=torch.float64)
    with pytest.raises(ValueError, match="got float64; use impl='reference'") as error:
        both(interpreted, case)
    assert "\n" not in str(error.value)


def test_where_triton_cannot_run_it_is_not_offered(make):
    assert "triton" not in dk.implementations("cpu")
    with pytest.raises(ValueError, match="not available on cpu"):
        both(lambda function, *args, **kwargs: function(*args, **kwargs), make(), "triton")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_runs_merged_at_once_are_the_softmax(make, eager, interpreted, layout):
    case = make(**layout, heads=5, lam=0.6)
    truth = eager(case)
    assert_exact(truth, *both(interpreted, case, "lse"))
    args = case.q, case.k, case.v, case.layout, case.bias
    out = interpreted(dk.biased_attention, *args, **case.options, impl="lse")
    torch.testing.assert_close(out.double(), truth.out, atol=2e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("heads", [1, 4])
def test_runs_of_half_precision_merged_at_once_are_as_precise_as_sdpa(make, eager, interpreted, dtype, heads):
    table = torch.linspace(-2, 2, heads * 4).view(1, heads, 4)
    case = make(frames=4, tokens=19, before=13, masked=9, heads=heads, dim=40, value_dim=24, dtype=dtype, table=table)
    truth = eager(case)
    out, mass = both(interpreted, case, "lse")
    assert_as_precise_as_sdpa(case, truth, out)
    assert_exact(truth, None, mass, mass_atol=1e-5)


def test_responses_come_by_groups_of_heads_too(make, eager, interpreted):
    plain = make(before=5, heads=4)
    responses = torch.linspace(-2, 2, 24).view(2, 1, 4, 3)
    args = plain.q, plain.k, plain.v, plain.layout, responses
    _, masses = interpreted(dk.attention_with_response, *args, impl="lse")
    for response, *mass in zip(responses, *masses, strict=True):
        assert_exact(eager(make(before=5, heads=4, table=response)), None, dk.FrameMass(*mass))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("runs", "dim"), [(1, 16), (5, 7), (23, 64)])
def test_the_merge_is_the_weighted_mean_and_nothing_of_a_run_without_weight(interpreted, runs, dim, dtype):
    generator = torch.Generator().manual_seed(runs)
    outputs = [torch.randn(2, 3, 70, dim + 8 * (run % 2), generator=generator).to(dtype) for run in range(runs)]
    # Each run in a memory order of its own.
    outputs[-1] = outputs[-1].transpose(1, 2).contiguous().transpose(1, 2)
    lses = 3 * torch.randn(runs, 2, 3, 70, generator=generator)
    if runs > 1:
        lses[1] = -HUGE
        lses[2, 0] = HUGE / 2
    merged = interpreted(triton_merge.merge, outputs, lses, into=torch.full((2, 3, 70, dim), torch.nan, dtype=dtype))
    weights = torch.softmax(lses.double(), 0)
    expected = sum(w[..., None] * out[..., :dim].double() for w, out in zip(weights, outputs, strict=True))
    tolerance = {torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}[dtype]
    torch.testing.assert_close(merged.double(), expected.double(), atol=tolerance, rtol=0)


PEAK = """
import torch, dymos_kernels as dk
from torch.profiler import ProfilerActivity, profile
layout = dk.FrameLayout(frames=7, tokens=90, start=20)
q, k, v = (torch.randn(1, 8, 650, 64) for _ in range(3))
bias = torch.full((1, 8, 7), 0.6)
dk.attention_with_mass(q, k, v, layout, bias, impl=IMPL)
with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
    dk.attention_with_mass(q, k, v, layout, bias, impl=IMPL)
held = peak = 0
for event in seen.profiler.kineto_results.events():
    if event.name() == "[memory]":
        held += event.nbytes()
        peak = max(peak, held)
print(peak / (q.numel() * q.element_size()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("impl", ["lse", "triton"])
def test_extra_memory_is_at_most_six_tensors(impl):
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PEAK.replace("IMPL", repr(impl))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert 1 <= float(done.stdout) < 6


@pytest.mark.parametrize("choice", ["FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH"])
def test_every_operator_of_cuda_gives_one_log_sum_exp_a_row(monkeypatch, choice):
    backend = getattr(torch.nn.attention.SDPBackend, choice).value
    monkeypatch.setattr(torch, "_fused_sdp_choice", lambda *args, **kwargs: backend)
    q = torch.empty(2, 3, 50, 64, dtype=torch.float16, device="meta")
    out, lse = flash.with_lse(q, q[:, :, :20], q[:, :, :20], 0.1)
    assert out.shape == q.shape and out.stride(-1) == 1
    assert lse.shape == q.shape[:3] and lse.dtype == torch.float32
