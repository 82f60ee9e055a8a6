"""Every implementation equals the softmax within its dtype's rounding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import dymos_kernels as dk

INF = float("inf")
FAST = [name for name in dk.implementations("cpu") if name != "reference"]
BY_INDICATORS = ("augment", "flex")
"""Implementations that read masses from the attention output, in its precision."""
LAMS = [None, 0.0, 0.6, -0.6, 10.0, -10.0, INF, -INF]
LAYOUTS = {
    "no text": {},
    "text first": {"before": 5},
    "text last": {"after": 4},
    "text both sides": {"before": 5, "after": 4},
    "one frame": {"frames": 1, "before": 3},
    "masked text": {"before": 5, "after": 4, "masked": 3},
    "all text masked": {"before": 5, "after": 4, "masked": 9},
    "another key frame": {"key_frame": 1, "before": 2},
    "last key frame": {"key_frame": 2, "after": 2, "masked": 1},
}

pytestmark = pytest.mark.parametrize("impl", FAST)


def _both(case, impl, **more):
    return dk.attention_with_mass(case.q, case.k, case.v, case.layout, case.bias, **case.options, impl=impl, **more)


def _assert_exact(case, truth, impl, *, mass_atol):
    """Output and masses of all three operations agree with ``truth``."""
    out, mass = _both(case, impl)
    results = [mass, dk.frame_mass(case.q, case.k, case.layout, case.bias, **case.options, impl=impl)]
    outputs = [out]
    if case.bias is not None:
        args = case.q, case.k, case.v, case.layout, case.bias
        outputs.append(dk.biased_attention(*args, **case.options, impl=impl))
    for result in results:
        assert result.mass.dtype == result.text.dtype == torch.float32
        torch.testing.assert_close(result.mass.double(), truth.mass, atol=mass_atol, rtol=0)
        torch.testing.assert_close(result.text.double(), truth.text, atol=mass_atol, rtol=0)
        rows = result.mass.double().sum(-1) + result.text
        torch.testing.assert_close(rows, torch.ones_like(rows), atol=1e-6, rtol=0)
    for output in outputs:
        assert output.dtype == case.v.dtype and output.shape == case.v.shape
        error = (output.double() - truth.out).abs()
        if case.v.dtype == torch.float32:
            assert error.max() <= 2e-5
            continue
        plain = F.scaled_dot_product_attention(case.q, case.k, case.v, attn_mask=case.additive.float())
        plain_error = (plain.double() - truth.out).abs()
        assert error.square().mean().sqrt() <= 2 * plain_error.square().mean().sqrt()
        # The largest of a few thousand rounding errors is a noisy number: twice as wide.
        assert error.max() <= 4 * plain_error.max()


@pytest.mark.parametrize("lam", LAMS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_float32_is_exact_for_every_layout_and_strength(make, eager, impl, layout, lam):
    case = make(**layout, lam=lam)
    _assert_exact(case, eager(case), impl, mass_atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("dim", [8, 64, 128])
@pytest.mark.parametrize("lam", [None, 0.6, -10.0, INF])
def test_half_precision_errs_no_more_than_twice_sdpa_and_masses_keep_five_digits(make, eager, impl, dtype, dim, lam):
    mass_atol = 1e-5 if impl not in BY_INDICATORS else torch.finfo(dtype).eps / 2
    case = make(frames=4, tokens=19, before=13, after=5, masked=9, dim=dim, dtype=dtype, lam=lam, seed=dim)
    _assert_exact(case, eager(case), impl, mass_atol=mass_atol)


@pytest.mark.parametrize("dim", [64, 128])
def test_real_head_sizes_in_float32(make, eager, impl, dim):
    case = make(frames=3, tokens=50, before=13, dim=dim, lam=0.6)
    _assert_exact(case, eager(case), impl, mass_atol=1e-6)


@pytest.mark.parametrize(("dim", "value_dim"), [(16, 40), (40, 16), (7, 5), (1, 1)])
def test_values_may_be_wider_or_narrower_than_queries(make, eager, impl, dim, value_dim):
    case = make(before=5, masked=2, dim=dim, value_dim=value_dim, lam=0.6)
    _assert_exact(case, eager(case), impl, mass_atol=1e-6)


def test_each_batch_row_head_and_frame_has_its_own_strength(make, eager, impl):
    table = torch.tensor([[[0.0, 0.5, INF], [-INF, -0.5, 3.0]], [[0.0, 0.0, 0.0], [INF, INF, -INF]]])
    case = make(before=5, after=4, masked=9, table=table)
    _assert_exact(case, eager(case), impl, mass_atol=1e-6)
    for part in (table[:1], table[:, :1], table[1:, 1:]):
        case = make(before=5, after=4, masked=9, table=part)
        _assert_exact(case, eager(case), impl, mass_atol=1e-6)


def test_infinite_strength_moves_all_mass_exactly(make, impl):
    table = torch.tensor([[[0.0, INF, -INF]]])
    case = make(before=5, after=4, table=table)
    _, (mass, text) = _both(case, impl)
    assert (mass[:, :, 1, 0] == 0).all() and (text[:, :, 1] > 0).all()
    torch.testing.assert_close(mass[:, :, 2, 0], torch.ones(2, 2), atol=1e-6, rtol=0)
    assert (mass[:, :, 2, 1:] == 0).all() and (text[:, :, 2] == 0).all()


def test_nothing_attends_masked_text_even_where_its_values_are_not_finite(make, eager, impl):
    case = make(before=5, masked=5, lam=0.6)
    truth = eager(case)
    case.k[-1, :, :5] = 1e4
    case.v[-1, :, :5] = -1e4
    out, (_, text) = _both(case, impl)
    assert (text[-1] == 0).all() and (text[0] > 0).all()
    torch.testing.assert_close(out.double(), truth.out, atol=2e-5, rtol=0)


def test_a_table_of_zeros_is_plain_attention(make, impl):
    case = make(before=5, frames=4, tokens=19, dim=64, lam=0.0)
    plain = F.scaled_dot_product_attention(case.q, case.k, case.v)
    out = dk.biased_attention(case.q, case.k, case.v, case.layout, case.bias, impl=impl)
    torch.testing.assert_close(out, plain, atol=5e-6, rtol=0)


def test_the_scale_is_the_callers(make, eager, impl):
    case = make(before=5, lam=0.6, value_dim=40)
    out, mass = _both(case, impl, scale=0.05)
    truth = eager(case, scale=0.05)
    torch.testing.assert_close(out.double(), truth.out, atol=2e-5, rtol=0)
    torch.testing.assert_close(mass.mass.double(), truth.mass, atol=1e-6, rtol=0)


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3, 2), (3, 2, 1, 0)])
def test_the_memory_order_of_the_inputs_does_not_matter(make, impl, order):
    case = make(before=5, lam=0.6)
    expected, expected_mass = _both(case, impl)

    def stored(tensor):
        back = [order.index(i) for i in range(4)]
        return tensor.permute(order).contiguous().permute(back)

    args = stored(case.q), stored(case.k), stored(case.v), case.layout, case.bias
    assert args[0].stride() != case.q.stride()
    out, mass = dk.attention_with_mass(*args, impl=impl)
    torch.testing.assert_close(out, expected, atol=2e-6, rtol=0)
    torch.testing.assert_close(mass.mass, expected_mass.mass, atol=1e-6, rtol=0)


def test_autocast_does_not_lower_the_precision(make, eager, impl):
    case = make(before=5, lam=0.6)
    truth = eager(case)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _assert_exact(case, truth, impl, mass_atol=1e-6)


def test_inputs_are_left_as_they_were(make, impl):
    case = make(before=5, after=4, masked=3, lam=-INF)
    before = [t.clone() for t in (case.q, case.k, case.v, case.bias, case.key_mask)]
    _both(case, impl)
    for was, now in zip(before, (case.q, case.k, case.v, case.bias, case.key_mask), strict=True):
        assert torch.equal(was, now)


strengths = st.one_of(st.sampled_from([0.0, INF, -INF]), st.floats(-30, 30, width=32))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_layout_and_table_gives_rows_that_sum_to_one_and_the_softmax(make, eager, impl, data):
    frames, tokens = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    before, after = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6))
    rows, columns = data.draw(st.sampled_from([1, 2])), data.draw(st.sampled_from([1, 2]))
    only = frames == 1 and before + after == 0
    masked = data.draw(st.integers(0, before + after))
    if frames == 1 and masked == before + after:
        masked = 0
    size = rows * columns * frames
    values = data.draw(st.lists(strengths if not only else st.floats(-30, 30, width=32), min_size=size, max_size=size))
    case = make(
        frames=frames,
        tokens=tokens,
        before=before,
        after=after,
        masked=masked,
        table=torch.tensor(values).view(rows, columns, frames),
        key_frame=data.draw(st.integers(0, frames - 1)),
        seed=data.draw(st.integers(0, 2**16)),
    )
    _assert_exact(case, eager(case), impl, mass_atol=2e-6)


@given(shift=st.floats(-5, 5), seed=st.integers(0, 2**16))
@settings(max_examples=20, deadline=None)
def test_the_odds_of_the_key_frame_fall_by_exactly_the_strength(make, impl, shift, seed):
    case = make(tokens=1, frames=4, before=3, seed=seed, table=torch.full((1, 1, 4), shift))
    plain = dk.frame_mass(case.q, case.k, case.layout, impl=impl).mass[..., 0].double()
    biased = dk.frame_mass(case.q, case.k, case.layout, case.bias, impl=impl).mass[..., 0].double()
    torch.testing.assert_close(biased.logit(), plain.logit() - shift, atol=2e-4, rtol=2e-4)
