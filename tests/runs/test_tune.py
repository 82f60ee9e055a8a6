"""`tune` on the tiny pair and on sprites: what it predicts, runs, keeps, and says where there is no answer."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import dymos_probe as dp
from dymos_probe.errors import InputError, StudyError
from dymos_probe.runs.fill import Silent
from dymos_probe.runs.tune_file import read_tunings, tuning_document
from dymos_probe.store import schedule_names

PROMPTS = ["A dog runs across a beach", "A cat"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, settings):
    return dp.record("tiny-cogvideox", PROMPTS, out=tmp_path_factory.mktemp("made") / "study", **settings)


@pytest.fixture
def study(recorded, tmp_path):
    return shutil.copytree(recorded, tmp_path / "study")


def test_a_plan_predicts_and_leaves_the_study_as_it_was(study, contents):
    before = contents(study)
    plan = dp.tune(study, dry_run=True, matched=True)
    assert contents(study) == before
    assert (plan.metric, plan.step_ratio, plan.made, plan.tried, plan.motion) == ("optical_flow", 0.2, 0, (), None)
    assert plan.first == round(plan.predicted.pair.lam, 2) or plan.first is None
    assert list(plan.predicted.prompts) == PROMPTS
    assert len(plan.sweep.lams) == 20 and plan.sweep.runs == 40 and 0.0 not in plan.sweep.lams
    assert plan.matched.rows == () and plan.matched.predicted_distance >= 0.0


def test_it_runs_a_few_strengths_measures_them_and_keeps_what_it_found(study, contents):
    found = dp.tune(study, runs=2, metric="frame_difference", matched=True)
    ds = dp.open_study(study)
    assert 1 <= len(found.tried) <= 2 and found.made == 2 * len(found.tried) + 2
    assert bool(ds["complete"].all())
    assert [effect.lam for effect in found.effects] == sorted(found.tried)
    d = ds.probe.distance(schedule="uniform")
    for effect in found.effects:
        assert effect.measured_distance == pytest.approx(float(d.sel(lam=effect.lam)))
        # The tiny pair was recorded without a response.
        assert not effect.exact and (effect.direct_share is None) == bool(effect.share_undefined)
    motion = {point.lam: point.mean for point in found.motion.points}
    stored = ds["metric_frame_difference"]
    for lam, condition in zip(d["lam"].values, d["condition"].values, strict=True):
        assert motion[float(lam)] == pytest.approx(float(stored.sel(condition=condition).mean()))
    (name,) = schedule_names(study)
    assert found.matched.schedule == name and found.matched.rows[-1].condition.endswith(name)
    (kept,) = read_tunings(study)
    assert kept["date"].startswith("20") and json.loads(json.dumps(tuning_document(found))) == {
        key: value for key, value in kept.items() if key not in ("date", "dymos_probe")
    }


def test_the_same_call_again_makes_and_keeps_nothing_new(study, contents):
    options = {"runs": 1, "metric": "frame_difference", "tolerance": 5.0}
    first = dp.tune(study, **options)
    before = contents(study)
    again = dp.tune(study, **options)
    assert (again.made, again.tried) == (0, ()) and again.motion == first.motion
    assert contents(study) == before and len(read_tunings(study)) == 1
    # Another question adds an answer and keeps the first.
    dp.tune(study, **options | {"metric": "optical_flow"})
    assert [one["metric"] for one in read_tunings(study)] == ["frame_difference", "optical_flow"]


class Interrupt(Silent):
    """Interrupt when the first run is done."""

    def done(self, run):
        raise KeyboardInterrupt


def test_what_an_interruption_left_half_made_is_completed_first(study):
    # The tiny pair is nearest to T2V at λ = 0 or near it: a λ is there to be half made.
    with pytest.raises(KeyboardInterrupt):
        dp.intervene(study, lam=1.5, progress=Interrupt())
    assert dp.open_study(study)["complete"].sel(condition="i2v_lam1.5_ratio0.2").values.tolist() == [True, False]
    found = dp.tune(study, runs=1, metric="frame_difference")
    assert found.tried == (1.5,) and found.made == 1
    assert bool(dp.open_study(study)["complete"].all())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"metric": "flow"}, "metric 'flow' is unknown"),
        ({"runs": -1}, "runs -1 must be at least 0"),
        ({"tolerance": 0.001}, "tolerance 0.001 at least 0.01"),
        ({"tolerance": float("nan")}, "tolerance nan at least"),
        ({"low": 1.0}, "hold λ = 0"),
        ({"high": float("inf")}, "must rise, be finite"),
        ({"step_ratio": 1.5}, "outside"),
        ({"early": 0.0}, "outside"),
        ({"schedule": "matched"}, "compared with the scalar by --matched"),
        ({"schedule": "cosine"}, "schedule 'cosine' is unknown"),
    ],
)
def test_wrong_requests_change_nothing(study, contents, given, words):
    before = contents(study)
    with pytest.raises(InputError, match=words):
        dp.tune(study, **given)
    assert contents(study) == before


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2, "results": []}', '{"version": 1}'])
def test_a_tune_file_that_is_none_is_refused_before_it_would_be_lost(study, content):
    (study / "tune.json").write_text(content)
    with pytest.raises(StudyError, match="move it away and tune again"):
        dp.tune(study, runs=0)
    assert (study / "tune.json").read_text() == content


@pytest.mark.slow
def test_of_sprites_the_prediction_is_confirmed_by_the_run_it_asks_for(tmp_path):
    prompts = ["a red star moves down steadily on a maroon background", "a blue star moves left on a navy background"]
    out = dp.record("sprites", prompts, out=tmp_path / "study", response=[0.5, 1, 1.5, 2, 2.5, 3], device="cpu")
    found = dp.tune(out, runs=2)
    assert found.metric == "sprite_along" and found.step_ratio == 0.25 and found.predicted.exact
    assert found.predicted.pair.place == "inside" and 1.0 < found.predicted.pair.lam < 2.8
    at_zero = float(found.predicted.curve.sel(lam=0.0))
    confirmed = {effect.lam: effect for effect in found.effects}[found.first]
    assert confirmed.measured_distance < 0.1 * at_zero
    assert abs(confirmed.direct_share - 1.0) < 0.1
    assert np.isclose(confirmed.direct_distance, confirmed.measured_distance, atol=0.05 * at_zero)
