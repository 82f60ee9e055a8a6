"""The seam hands over every call as it was made, and gives the function back."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from dymos_probe.errors import TapError
from dymos_probe.tap.seam import Seam

Q, K, V = torch.randn(3, 1, 2, 6, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def opened():
    seams = []

    def open_with(handler):
        seams.append(Seam(handler))
        seams[-1].open()

    yield open_with
    for seam in seams:
        seam.close()


@pytest.mark.parametrize(
    "given", [{}, {"scale": 0.1}, {"is_causal": True}, {"attn_mask": torch.ones(6, 6).tril().bool()}]
)
def test_a_call_that_is_declined_is_the_original(opened, given):
    expected = F.scaled_dot_product_attention(Q, K, V, **given)
    opened(lambda call: None)
    assert torch.equal(F.scaled_dot_product_attention(Q, K, V, **given), expected)


def test_the_handler_sees_the_arguments_and_its_answer_is_the_output(opened):
    expected, seen = F.scaled_dot_product_attention(Q, K, V, scale=0.3), []

    def handler(call):
        seen.append(call)
        return call.run() + 1

    opened(handler)
    out = F.scaled_dot_product_attention(Q, K, V, None, 0.0, False, scale=0.3)
    assert torch.equal(out, expected + 1)
    assert seen[0].query is Q and seen[0].key is K and seen[0].value is V
    assert seen[0].mask is None and seen[0].scale == 0.3


@pytest.mark.parametrize("given", [{"dropout_p": 0.1}, {"is_causal": True}, {"enable_gqa": True}])
def test_attention_that_is_not_plain_is_refused_once_it_is_taken(opened, given):
    opened(lambda call: call.run())
    with pytest.raises(TapError, match=f"{next(iter(given))}={next(iter(given.values()))}"):
        F.scaled_dot_product_attention(Q, K, V, **given)


def test_one_at_a_time_and_closing_twice_is_nothing():
    original = F.scaled_dot_product_attention
    seam = Seam(lambda call: None)
    seam.open()
    with pytest.raises(TapError, match="another tap is open in this process"):
        Seam(lambda call: None).open()
    seam.close()
    seam.close()
    assert F.scaled_dot_product_attention is original
    again = Seam(lambda call: None)
    again.open()
    seam.close()  # a closed seam does not close another's
    assert F.scaled_dot_product_attention is not original
    again.close()
    assert F.scaled_dot_product_attention is original
