"""A mask is read as padding, and anything else is refused: Eq. 8 would not be what ran."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.errors import TapError
from dymos_probe.tap.masks import read_padding

VIDEO, TEXT = 4, 3
LENGTH = VIDEO + TEXT
keeps = st.lists(st.lists(st.booleans(), min_size=TEXT, max_size=TEXT), min_size=1, max_size=3)


def kept(text):
    """(B, N), all of the video real."""
    return torch.cat((torch.ones(len(text), VIDEO, dtype=torch.bool), torch.tensor(text)), 1)


def additive(mask):
    return torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)


def read(mask, batch):
    return read_padding(mask, batch=batch, length=LENGTH, video_start=0)


@pytest.mark.parametrize("form", [lambda mask: mask, additive], ids=["bool", "additive"])
@given(text=keeps)
def test_masked_keys_are_found_whatever_the_form(form, text):
    real = kept(text)
    padding = read(form(real[:, None, None, :]), len(text))
    assert torch.equal(padding.keys, real)
    assert padding.queries is None


@pytest.mark.parametrize("form", [lambda mask: mask, additive], ids=["bool", "additive"])
@given(text=keeps)
def test_keys_and_queries_masked_alike_are_found(form, text):
    real = kept(text)
    padding = read(form(real[:, None, :, None] & real[:, None, None, :]), len(text))
    assert torch.equal(padding.keys, real)
    assert torch.equal(padding.queries, real)


def test_one_mask_serves_a_whole_batch():
    real = kept([[True, False, False]])
    assert torch.equal(read(real[:, None, None, :], 3).keys, real.expand(3, LENGTH))
    assert torch.equal(read(real[0], 2).keys, real.expand(2, LENGTH))


def test_no_mask_is_no_padding():
    assert read(None, 2) == (None, None)


def test_a_long_sequence_is_read_block_by_block():
    length = 2500
    real = torch.arange(length) < 2100
    mask = (real[:, None] & real)[None, None]
    assert torch.equal(read_padding(mask, batch=1, length=length, video_start=0).queries, real[None])
    mask[0, 0, 2050, 3] = False
    with pytest.raises(TapError, match="differs between queries"):
        read_padding(mask, batch=1, length=length, video_start=0)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(LENGTH, LENGTH).tril().bool(), "differs between queries"),
        (torch.ones(1, 2, 1, LENGTH).bool(), r"shape \(1, 2, 1, 7\) for 7 tokens"),
        (torch.ones(1, 1, 1, LENGTH - 1).bool(), r"for 7 tokens"),
        (torch.full((1, 1, 1, LENGTH), -1.5), "other than 0 and -inf"),
        (torch.full((1, 1, 1, LENGTH), torch.nan), "other than 0 and -inf"),
    ],
    ids=["causal", "per head", "another length", "soft", "nan"],
)
def test_anything_else_is_refused(mask, message):
    with pytest.raises(TapError, match=message):
        read(mask, 1)
