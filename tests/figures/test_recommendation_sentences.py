"""What a tuning recommends is said in plain words, with its numbers, also where there is no answer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dymos_probe.analysis.least import Least
from dymos_probe.analysis.recommendation import Recommendation
from dymos_probe.figures.recommendation_sentences import (
    closest_sentence,
    cost_sentence,
    equal_sentence,
    predicted_sentence,
)

FOUND = Recommendation(
    date="2026-01-02T03:04:05+00:00",
    step_ratio=0.25,
    schedule="uniform",
    closest=Least(lam=1.8349, value=0.001, place="inside"),
    exact=False,
    confirmed=(1.83, 0.00185),
    predicted_samples=5,
    metric="optical_flow",
    metric_name="optical flow",
    units="px",
    equal=1.756,
    why="",
    low=1.39,
    high=math.inf,
    level=0.95,
    settled=True,
    t2v_mean=10.25,
    points=((0.0, 9.0), (1.0, 9.5), (4.0, 12.0)),
    samples=5,
    motion_samples=5,
    made=10,
    sweep_lams=(-1.0, 1.0, 4.0),
    sweep_runs=15,
)


def test_the_strength_of_nearest_attention_says_how_it_is_known():
    said = closest_sentence(FOUND)
    assert "At λ = 1.83 " in said and "approximately, from means over frames." in said
    assert said.endswith("Run at λ = 1.83, the distance to T2V attention was 0.00185 nats.")
    unrun = closest_sentence(replace(FOUND, confirmed=None, exact=True))
    assert "exactly, from a recorded response." in unrun and "Run at" not in unrun
    edge = closest_sentence(replace(FOUND, closest=Least(lam=4.0, value=0.1, place="largest")))
    assert "that is the largest λ looked at" in edge


def test_the_strength_of_equal_motion_has_its_interval():
    said = equal_sentence(FOUND)
    assert said.startswith(
        "At λ = 1.76 the videos move as much as those of the T2V model (optical flow, 10.2 px in T2V"
    )
    assert said.endswith("a λ between 1.39 and above all that were run (95 % interval).")
    assert "below all that were run and 1.39" in equal_sentence(replace(FOUND, low=-math.inf, high=1.39))
    assert "no interval" in equal_sentence(replace(FOUND, low=None, high=None))
    assert "the same command goes on" in equal_sentence(replace(FOUND, settled=False))
    assert "from the 2 of 5 samples measured everywhere" in equal_sentence(replace(FOUND, motion_samples=2))


def test_where_no_strength_moves_as_t2v_does_the_nearest_is_named():
    said = equal_sentence(replace(FOUND, equal=None, why="the pair moves less than T2V at every λ tried"))
    assert "No λ that was run" in said and "the pair moves less than T2V at every λ tried" in said
    assert "Nearest is λ = 1 with 9.50 px." in said and "interval" not in said


@pytest.mark.parametrize(("made", "words"), [(10, "It made 10 runs"), (1, "It made 1 run;"), (0, "were there already")])
def test_the_runs_are_held_against_those_of_a_sweep(made, words):
    said = cost_sentence(replace(FOUND, made=made))
    assert words in said and said.endswith("trying 3 λ from −1 to 4 one by one takes 15 runs.")


def test_a_prediction_says_that_nothing_was_run():
    said = predicted_sentence(FOUND.closest, exact=False, samples=1)
    assert said.startswith("Predicted, not run: at λ = 1.83 ") and "0.00100 nats" in said and "1 sample)" in said
