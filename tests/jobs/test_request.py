"""A request is checked when it is made, and comes back from disk as it was."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.errors import InputError
from dymos_probe.jobs import Request, State


@given(
    lam=st.floats(allow_nan=False),
    ratio=st.none() | st.floats(0, 1),
    layers=st.none() | st.lists(st.integers(0, 50), min_size=1, unique=True).map(tuple),
    prompt=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip),
)
def test_a_request_comes_back_from_json(lam, ratio, layers, prompt) -> None:
    asked = Request(prompt=prompt, lam=lam, step_ratio=ratio, layers=layers, seed=3, with_t2v=True)
    text = json.dumps(asked.to_json(), allow_nan=False)
    assert Request.from_json(json.loads(text)) == asked


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"prompt": "  "}, "blank"),
        ({"prompt": "a\0b"}, "NUL"),
        ({"prompt": "a" * 10_001}, "10001 characters"),
        ({"lam": math.nan}, "lam is NaN"),
        ({"step_ratio": 1.5}, "step_ratio 1.5"),
        ({"schedule": "cubic"}, "cubic"),
        ({"layers": (-1,)}, "layers"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**63}, "seed"),
        ({"seed": 1.5}, "seed 1.5"),
        ({"height": 0}, "height 0"),
        ({"width": 48.5}, "width 48.5"),
        ({"num_inference_steps": True}, "num_inference_steps True"),
        ({"guidance_scale": math.inf}, "guidance_scale"),
        ({"offload": "disk"}, "offload"),
    ],
)
def test_a_wrong_value_is_named(wrong, says) -> None:
    with pytest.raises(InputError, match=says):
        Request(**{"prompt": "a cat", **wrong})


def test_progress_counts_the_steps_of_all_runs() -> None:
    assert State().progress == 0.0
    running = State(status="running", runs=2, steps=10, run=2, steps_before=10, step=5)
    assert running.progress == 0.75
    assert State(status="done").progress == 1.0
    assert State.from_json(json.loads(json.dumps(running.to_json()))) == running
