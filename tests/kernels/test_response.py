"""The masses under a grid of biases from one unbiased pass are those of as many biased passes."""

from __future__ import annotations

import pytest
import torch

import dymos_kernels as dk

INF = float("inf")
LAMS = (0.0, 0.6, -0.6, 10.0, -10.0, INF, -INF)
LAYOUTS = {
    "no text": {},
    "text both sides": {"before": 5, "after": 4},
    "one frame": {"frames": 1, "before": 3},
    "all text masked": {"before": 5, "masked": 5},
    "last key frame": {"key_frame": 2, "after": 2, "masked": 1},
}


def _grid(frames):
    """Return one table a λ, (L, 1, 1, F)."""
    grid = torch.tensor(LAMS).view(-1, 1, 1, 1).expand(-1, 1, 1, frames).clone()
    grid[..., 0] = grid[..., 0] if frames == 1 else 0.0
    return grid


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("impl", dk.implementations("cpu"))
def test_it_is_the_mass_of_each_biased_attention(make, eager, impl, layout):
    grid = _grid(layout.get("frames", 3))
    case = make(**layout)
    plain = eager(case)
    out, together = dk.attention_with_response(case.q, case.k, case.v, case.layout, grid, **case.options, impl=impl)
    alone = dk.frame_response(case.q, case.k, case.layout, grid, **case.options, impl=impl)
    torch.testing.assert_close(out.double(), plain.out, atol=2e-5, rtol=0)
    for index, table in enumerate(grid):
        truth = eager(make(**layout, table=table))
        for result in (together, alone):
            torch.testing.assert_close(result.mass[index].double(), truth.mass, atol=1e-6, rtol=0)
            torch.testing.assert_close(result.text[index].double(), truth.text, atol=1e-6, rtol=0)


@pytest.mark.parametrize("impl", ["reference", "chunked", "lse"])
@pytest.mark.parametrize("far", ["key frame", "all else"])
def test_a_strong_bias_brings_back_a_share_too_small_for_float32(make, eager, impl, far):
    # 200 natural-log units below: a fraction of 1e-87.
    lam = -200.0 if far == "key frame" else 200.0
    table = torch.tensor([[[0.0, lam, lam]]])

    def distant(**more):
        case = make(before=2, seed=3, **more)
        case.q[..., 0], case.k[..., 0] = 4.0, 0.0
        rows = slice(*case.layout.span(0))
        if far == "key frame":
            case.k[:, :, rows, 0] = -200.0
        else:
            case.k[:, :, rows, 0] = 200.0
        return case

    case = distant()
    response = dk.frame_response(case.q, case.k, case.layout, table[None], impl=impl)
    truth = eager(distant(table=table))
    assert 0.01 < truth.mass[:, :, 1:, 0].min() and truth.mass[:, :, 1:, 0].max() < 0.99
    torch.testing.assert_close(response.mass[0].double(), truth.mass, atol=3e-5, rtol=0)
    torch.testing.assert_close(response.text[0].double(), truth.text, atol=3e-5, rtol=0)


@pytest.mark.parametrize("impl", dk.implementations("cpu"))
def test_each_batch_row_and_head_has_its_own_strength(make, eager, impl):
    grid = torch.tensor([[[[0.0, 0.5, INF], [-INF, -0.5, 3.0]]], [[[0.0, 2.0, -2.0], [0.0, 0.0, 0.0]]]])
    case = make(before=2)
    response = dk.frame_response(case.q, case.k, case.layout, grid, impl=impl)
    assert response.mass.shape == (2, 2, 2, 3, 3) and response.text.shape == (2, 2, 2, 3)
    for index, table in enumerate(grid):
        torch.testing.assert_close(
            response.mass[index].double(), eager(make(before=2, table=table)).mass, atol=1e-6, rtol=0
        )


@pytest.mark.parametrize("shape", [(1, 1, 3), (0, 1, 1, 3), (2, 1, 1, 4), (2, 3, 1, 3)])
def test_tables_that_do_not_fit_are_refused(make, shape):
    case = make()
    with pytest.raises(ValueError, match="response"):
        dk.frame_response(case.q, case.k, case.layout, torch.zeros(shape))


def test_removing_the_only_frame_without_text_is_refused(make):
    case = make(frames=1)
    with pytest.raises(ValueError, match="removes the only frame"):
        dk.frame_response(case.q, case.k, case.layout, torch.tensor([[[[0.0]]], [[[INF]]]]))


def test_gradients_are_refused(make):
    case = make()
    with pytest.raises(RuntimeError, match="forward only"):
        dk.frame_response(case.q, case.k, case.layout, torch.zeros(1, 1, 1, 3, requires_grad=True))
