"""A bias with a matched table: what it subtracts, what it is called, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dymos_probe.bias import Bias, matched_name
from dymos_probe.errors import InputError

TABLE = ((0.0, 0.5, -1.0), (0.0, 2.0, 0.25))


def matched(lam=1.0, table=TABLE, **fields):
    return Bias(lam=lam, schedule="matched", matched=table, **fields)


def test_strength_is_that_of_the_layer_scaled():
    bias = matched(2.0, query_frames=(1, 2))
    np.testing.assert_array_equal(bias.strengths(3, layer=0), [0.0, 1.0, -2.0])
    np.testing.assert_array_equal(bias.strengths(3, layer=1), [0.0, 4.0, 0.5])
    np.testing.assert_array_equal(matched(query_frames=(2,)).strengths(3, layer=1), [0.0, 0.0, 0.25])
    table = matched(heads=(1,)).table(branches=["uncond", "cond"], heads=2, frames=3, layer=1)
    expected = np.zeros((2, 2, 3))
    expected[1, 1] = TABLE[1]
    np.testing.assert_array_equal(table, expected)


def test_equal_tables_share_a_name_and_any_other_has_its_own():
    name = matched().schedule_name
    assert name.startswith("matched-") and len(name) == len("matched-") + 12
    assert matched(2.0).schedule_name == name == matched_name(((0, 0.5, -1), (-0.0, 2, 0.25)))
    others = (TABLE[::-1], ((0.0, 0.5, -1.0), (0.0, 2.0, 0.2501)), TABLE[:1])
    assert len({name, *(matched(table=other).schedule_name for other in others)}) == 4
    assert Bias(lam=1.0, schedule="log").schedule_name == "log"
    assert hash(matched()) == hash(matched()) and matched() == matched()


@pytest.mark.parametrize("lam", [math.inf, -math.inf])
def test_other_schedules_take_an_infinite_strength_where_they_act(lam):
    np.testing.assert_array_equal(Bias(lam=lam, schedule="linear").strengths(3), [0.0, lam, lam])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"table": None}, "belong together"),
        ({"lam": math.inf}, "lam inf cannot scale a matched table"),
        ({"exempt_reference_queries": False}, "no strength for queries of frame 0"),
        ({"table": ()}, "must be a tuple with, for each layer"),
        ({"table": [[0.0, 1.0]]}, "must be a tuple"),
        ({"table": ((0.0, 1.0), (0.0, 1.0, 2.0))}, "rows of 2, 3 frames"),
        ({"table": ((0.0,),)}, "rows of 1 frames"),
        ({"table": ((0.0, math.nan),)}, "NaN, infinity or a strength for frame 0"),
        ({"table": ((0.0, math.inf),)}, "infinity"),
        ({"table": ((1.0, 1.0),)}, "a strength for frame 0"),
    ],
)
def test_what_is_no_table_is_refused(fields, words):
    with pytest.raises(InputError, match=words):
        matched(**fields)


def test_a_table_beside_another_schedule_and_one_of_other_sizes_are_refused():
    with pytest.raises(InputError, match="belong together"):
        Bias(lam=1.0, matched=TABLE)
    matched().check_fits(layers=2, heads=1, frames=3)
    for layers, frames in ((3, 3), (2, 4)):
        with pytest.raises(
            InputError, match=f"for 2 layers and 3 latent frames; here are {layers} layers and {frames}"
        ):
            matched().check_fits(layers=layers, heads=1, frames=frames)
