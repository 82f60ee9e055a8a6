"""What a tuning recommends is read as it was kept, and a study that changed since is known to have."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from dymos_probe.analysis.closest import predicted_closest
from dymos_probe.analysis.equal_motion import equal_motion
from dymos_probe.analysis.recommendation import changes_since, recommendations
from dymos_probe.errors import InputError
from dymos_probe.runs.tune_file import keep_tuning, read_tunings
from dymos_probe.runs.tuning import Effect, Sweep, Tuning
from dymos_probe.store import open_study, write_metric
from dymos_probe.store.schema import Run
from dymos_probe.store.writer import extend_study, forget_run, write_run
from dymos_probe.testing.synthetic import conditions_over, synthetic_study

ABOUT = {"long_name": "motion", "units": "px"}


def measure(path, ds, *, more=0.0):
    """Every sample moves 2 px a λ, and 3 px in T2V."""
    for sample in map(str, ds["sample"].values):
        for condition in map(str, ds["condition"].values):
            motion = 3.0 if condition == "t2v" else 2.0 * float(ds["lam"].sel(condition=condition))
            write_metric(path, "motion", sample, condition, motion + more, ABOUT)


@pytest.fixture
def study(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=3, lams=(-1.0, 1.0, 2.0), step_ratio=0.5)
    measure(known.path, open_study(known.path))
    return known.path


@pytest.fixture
def tuning(study):
    """Of a real prediction and a real curve of motion; what it cost is made up."""
    ds = open_study(study)
    setting = {"step_ratio": 0.5, "schedule": "uniform"}
    return Tuning(
        study=study,
        metric="motion",
        **setting,
        early=0.1,
        tolerance=0.1,
        predicted=predicted_closest(ds, low=-1.0, high=4.0, step=0.25, **setting),
        first=1.0,
        tried=(1.0, 2.0),
        made=6,
        effects=tuple(
            Effect(lam=lam, measured_distance=d, direct_distance=d, exact=False, direct_share=1.0, share_undefined="")
            for lam, d in ((-1.0, 0.3), (1.0, 0.01), (2.0, 0.1))
        ),
        measured_closest=None,
        motion=equal_motion(ds, "motion", **setting),
        settled=False,
        sweep=Sweep(lams=(-1.0, 1.0, 2.0, 3.0), runs=12),
    )


def kept(*tunings):
    for tuning in tunings:
        keep_tuning(tuning)
    return recommendations(read_tunings(tunings[0].study))


def test_it_says_what_the_tuning_found(tuning):
    [found] = kept(tuning)
    assert found.equal == pytest.approx(1.5) and (found.low, found.high) == pytest.approx((1.5, 1.5))
    assert found.closest == tuning.predicted.pair and found.exact is tuning.predicted.exact
    # Of the synthetic study the untouched maps are T2V's at λ* = 0.98.
    assert found.closest.lam == pytest.approx(0.98, abs=0.1) and found.confirmed == (1.0, 0.01)
    assert found.points == ((-1.0, -2.0), (0.0, 0.0), (1.0, 2.0), (2.0, 4.0)) and found.t2v_mean == 3.0
    assert (found.samples, found.motion_samples, found.predicted_samples) == (3, 3, 3)
    assert (found.made, found.sweep_runs, found.sweep_lams) == (6, 12, (-1.0, 1.0, 2.0, 3.0))
    assert (found.metric_name, found.units, found.settled, found.why) == ("motion", "px", False, "")


def test_the_newest_of_each_setting_counts_with_all_runs_of_its_question(tuning):
    other = replace(tuning, schedule="log", made=1)
    later = replace(tuning, made=3, settled=True)
    first, second = kept(tuning, other, later)
    assert (first.schedule, first.made, first.settled) == ("uniform", 9, True)
    assert (second.schedule, second.made) == ("log", 1)
    assert recommendations([]) == []


def test_an_open_interval_is_infinite_again(tuning):
    [found] = kept(replace(tuning, motion=replace(tuning.motion, lam=None, why="less", low=-math.inf, high=math.inf)))
    assert (found.equal, found.why, found.low, found.high) == (None, "less", -math.inf, math.inf)
    [single] = recommendations([read_tunings(tuning.study)[0] | {"effects": []}])
    assert single.confirmed is None


@pytest.mark.parametrize("missing", ["date", "motion", "sweep", "predicted", "made", "settled"])
def test_a_tuning_that_lacks_something_is_refused(tuning, missing):
    keep_tuning(tuning)
    [document] = read_tunings(tuning.study)
    for broken in ({key: value for key, value in document.items() if key != missing}, document | {missing: "?"}):
        if broken.get(missing) == "?" and missing in ("date", "settled"):
            continue
        with pytest.raises(InputError, match="tuning 2 of 2 lacks something"):
            recommendations([document, json.loads(json.dumps(broken))])


def test_a_study_left_alone_has_not_changed(tuning):
    [found] = kept(tuning)
    ds = open_study(tuning.study)
    assert changes_since(found, ds) == []
    # Another metric changes nothing it stands on.
    write_metric(tuning.study, "sharpness", str(ds["sample"].values[0]), "i2v", 1.0, ABOUT)
    assert changes_since(found, open_study(tuning.study)) == []


def test_a_new_strength_is_a_change(tuning):
    [found] = kept(tuning)
    extend_study(tuning.study, conditions=conditions_over([3.0], 0.5)[2:])
    assert changes_since(found, open_study(tuning.study)) == [], "nothing of it has been run"
    ds = open_study(tuning.study)
    maps = ds["attention"].sel(condition="i2v lam=2").load()
    for sample in map(str, ds["sample"].values):
        one = ds.sel(sample=sample, condition="i2v lam=2")
        write_run(
            tuning.study,
            Run(
                sample=sample,
                condition="i2v lam=3",
                attention=maps.sel(sample=sample).values,
                text_mass=one["text_mass"].values,
                timestep=one["timestep"].values,
                sigma=one["sigma"].values,
                expert=one["expert"].values,
            ),
        )
        write_metric(tuning.study, "motion", sample, "i2v lam=3", 6.0, ABOUT)
    assert changes_since(found, open_study(tuning.study)) == ["other λ have been run"]


def test_values_measured_anew_are_a_change(tuning):
    [found] = kept(tuning)
    ds = open_study(tuning.study)
    write_metric(tuning.study, "motion", str(ds["sample"].values[0]), "i2v lam=1", 2.1, ABOUT)
    assert changes_since(found, open_study(tuning.study)) == ["runs have been made or measured anew, or have gone"]


def test_a_run_that_is_gone_is_a_change(tuning):
    [found] = kept(tuning)
    forget_run(tuning.study, str(open_study(tuning.study)["sample"].values[0]), "t2v")
    assert changes_since(found, open_study(tuning.study)) == ["samples have been added or completed"]
    for sample in map(str, open_study(tuning.study)["sample"].values):
        forget_run(tuning.study, sample, "t2v")
    assert changes_since(found, open_study(tuning.study)) == ["runs or values it stands on have gone"]
