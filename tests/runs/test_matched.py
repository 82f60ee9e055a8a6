"""`intervene` with the matched schedule: computed from the study, kept in it, found again by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

import dymos_probe as dp
from dymos_probe.analysis.matched import as_table
from dymos_probe.bias import Bias, matched_name
from dymos_probe.errors import InputError
from dymos_probe.runs.fill import Silent
from dymos_probe.runs.intervene import plan_intervene
from dymos_probe.store import read_schedule, schedule_names

PROMPTS = ["A dog runs across a beach", "A cat"]


@pytest.fixture(scope="module")
def study(tmp_path_factory, settings):
    return dp.record("tiny-cogvideox", PROMPTS, out=tmp_path_factory.mktemp("made") / "study", **settings)


@pytest.fixture(scope="module")
def made(study):
    dp.intervene(study, lam=[1, 0.5], schedule="matched", step_ratio=0.5)
    return study


def test_a_condition_is_the_pipeline_under_the_table_of_the_study(made, by_hand):
    ds = dp.open_study(made)
    table = as_table(ds.probe.matched_strengths(step_ratio=0.5))
    (name,) = schedule_names(made)
    assert name == matched_name(table) and read_schedule(made, name) == table
    for lam in (1.0, 0.5):
        found = ds.isel(sample=0).sel(condition=f"i2v_lam{lam:g}_ratio0.5_{name}")
        bias = Bias(lam=lam, step_ratio=0.5, schedule="matched", matched=table)
        run = by_hand("i2v", PROMPTS[0], 0, image=made / str(found["image"].item()), bias=bias)
        np.testing.assert_array_equal(found["attention"], run.attention)
        assert (found["schedule"].item(), found["lam"].item(), bool(found["complete"])) == (name, lam, True)
    about = json.loads((made / "schedules" / f"{name}.json").read_text())["about"]
    assert (about["samples"], about["steps_matched"], about["step_ratio"]) == (2, 2, 0.5)


def test_the_first_layer_of_the_first_step_gets_closer_to_the_mass_that_is_matched(made):
    """There queries and keys are the untouched ones still, so this is the direct effect alone."""
    ds = dp.open_study(made)
    first = ds["attention"].isel(branch=0, step=0, layer=0, key_frame=0, query_frame=slice(1, None))
    mean = first.mean(["sample", "head"])
    (name,) = schedule_names(made)
    t2v, i2v, under = (mean.sel(condition=c).values for c in ("t2v", "i2v", f"i2v_lam1_ratio0.5_{name}"))
    assert (np.abs(under - t2v) < np.abs(i2v - t2v)).all()


def test_it_is_a_setting_of_its_own(made):
    dp.intervene(made, lam=1, step_ratio=0.5)
    ds = dp.open_study(made)
    (name,) = schedule_names(made)
    with pytest.raises(InputError, match="differ in more than λ; choose one of"):
        ds.probe.distance()
    for schedule in ("matched", name):
        conditions = ds.probe.distance(schedule=schedule)["condition"].values.tolist()
        assert conditions == ["i2v", f"i2v_lam0.5_ratio0.5_{name}", f"i2v_lam1_ratio0.5_{name}"]
    assert ds.probe.distance(schedule="uniform")["condition"].values.tolist() == ["i2v", "i2v_lam1_ratio0.5"]
    assert ds.probe.reaction(schedule="matched", matched=read_schedule(made, name)).sizes["lam"] == 2


class Interrupt(Silent):
    """Interrupt when the first run is done."""

    def done(self, run):
        raise KeyboardInterrupt


def test_a_command_cut_off_goes_on_with_the_same_table_and_by_its_name(tmp_path, settings, contents):
    out = dp.record("tiny-cogvideox", PROMPTS[:1], out=tmp_path / "study", **settings)
    with pytest.raises(KeyboardInterrupt):
        dp.intervene(out, lam=[1, 2], schedule="matched", progress=Interrupt())
    assert int(dp.open_study(out)["complete"].sum()) == 3
    (name,) = schedule_names(out)
    dp.intervene(out, lam=[1, 2], schedule="matched")
    before = contents(out)
    dp.intervene(out, lam=[1, 2], schedule="matched")
    dp.intervene(out, lam=[1, 2], schedule=name)
    assert contents(out) == before and schedule_names(out) == [name]
    # With another sample the study's own table is another one; the old one is still there by its name.
    dp.record("tiny-cogvideox", PROMPTS, out=out, **settings)
    assert plan_intervene(out, lam=1, schedule="matched").matched.name != name
    again = plan_intervene(out, lam=1, schedule=name)
    assert again.matched.name == name and len(again.missing) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lam": 1, "schedule": "matched-000000000000"}, "no schedule 'matched-000000000000'; it has"),
        ({"lam": float("inf"), "schedule": "matched"}, "lam inf cannot scale a matched table"),
        ({"lam": 1, "schedule": "matched", "step_ratio": 0.0}, "modulates no step"),
        ({"lam": 1, "schedule": "matched", "matched": ((0.0, 1.0),)}, "for 1 layers and 2 latent frames; here are 2"),
        ({"lam": 1, "schedule": "uniform", "matched": ((0.0, 1.0),)}, "belong together"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(made, contents, given, words):
    before = contents(made)
    with pytest.raises(InputError, match=words):
        dp.intervene(made, **given)
    assert contents(made) == before
