"""Every condition of a study has a name of its own in plain words, in the order a reader compares them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dymos_probe.figures.conditions import condition_names
from dymos_probe.store import open_study
from dymos_probe.store.schema import Condition
from dymos_probe.store.writer import extend_study
from dymos_probe.testing.synthetic import synthetic_study

LAM = Condition(
    id="plain",
    arm="i2v",
    lam=0.6,
    step_ratio=0.2,
    schedule="uniform",
    method="dymos",
    key_frame=0,
    branches="cond",
    layers="",
    heads="",
)
ALG = replace(LAM, id="alg", lam=math.nan, step_ratio=math.nan, schedule="", method="alg", key_frame=-1, branches="")


@pytest.fixture
def names(tmp_path):
    def of(*more, lams=()):
        path = synthetic_study(tmp_path / "study", samples=1, lams=lams, step_ratio=0.2).path
        extend_study(path, conditions=more)
        return condition_names(open_study(path))

    return of


def test_t2v_comes_first_then_i2v_by_rising_strength(names):
    assert list(names(lams=(2.0, -1.0, 0.6)).values()) == [
        "T2V",
        "I2V, λ = −1",
        "I2V, λ = 0 (untouched)",
        "I2V, λ = 0.6",
        "I2V, λ = 2",
    ]


def test_steps_and_schedule_are_said_only_where_they_tell_conditions_apart(names):
    several = names(replace(LAM, id="all", step_ratio=1.0), replace(LAM, id="log", schedule="log"), lams=(0.6,))
    assert list(several.values())[2:] == [
        "I2V, λ = 0.6, first 20 % of steps",
        "I2V, λ = 0.6, all steps",
        "I2V, λ = 0.6, first 20 % of steps, log schedule",
    ]


def test_a_control_says_what_it_changes_and_comes_after_the_plain_ones(names):
    shown = names(
        replace(LAM, id="placebo", key_frame=3),
        replace(LAM, id="both", branches="cond+uncond"),
        replace(LAM, id="part", layers="0-9", heads="1,3"),
        replace(LAM, id="queries", query_frames="all"),
        replace(LAM, id="t2v control", arm="t2v"),
        ALG,
        lams=(2.0,),
    )
    assert list(shown.values()) == [
        "T2V",
        "T2V, λ = 0.6",
        "I2V, λ = 0 (untouched)",
        "I2V, λ = 2",
        "I2V, λ = 0.6, on frame 3 instead of the reference frame",
        "I2V, λ = 0.6, both guidance branches",
        "I2V, λ = 0.6, layers 0-9, heads 1,3",
        "I2V, λ = 0.6, query frames all",
        "I2V, ALG",
    ]


def test_what_words_do_not_tell_apart_its_id_does(names):
    shown = names(ALG, replace(ALG, id="alg stronger"))
    assert list(shown.values())[2:] == ["I2V, ALG [alg]", "I2V, ALG [alg stronger]"]
    assert len(set(shown.values())) == len(shown)
