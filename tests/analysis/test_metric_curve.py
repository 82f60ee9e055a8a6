"""A metric over λ compares every sample with itself, and only samples measured everywhere."""

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.store import Condition, extend_study, forget_run, open_study, write_metric
from dymos_probe.testing.synthetic import synthetic_study

LAMS = (-1.0, 0.6, 1.0)
CONDITIONS = ("t2v", "i2v lam=-1", "i2v", "i2v lam=0.6", "i2v lam=1")
ABOUT = {"long_name": "motion degree", "units": "px", "weights": "none"}


def measure(path, samples, values, skip=(), conditions=CONDITIONS):
    for row, sample in enumerate(samples):
        for column, condition in enumerate(conditions):
            if (sample, condition) not in skip:
                write_metric(path, "motion", sample, condition, float(values[row, column]), ABOUT)


@pytest.fixture
def known(tmp_path):
    return synthetic_study(tmp_path / "study", samples=5, lams=LAMS)


@pytest.fixture
def values():
    # Samples differ much more than conditions do: only a paired comparison sees the change.
    rng = np.random.default_rng(0)
    of_condition = np.array([3.0, -0.5, 0.0, 0.7, 1.0])
    return (rng.normal(10, 5, (5, 1)) + of_condition + rng.normal(0, 0.1, (5, 5))).astype(np.float32)


def test_means_and_paired_changes_are_those_of_numpy(known, values):
    measure(known.path, known.samples, values)
    curve = open_study(known.path).probe.metric_curve("motion")
    assert curve["lam"].values.tolist() == [-1.0, 0.0, 0.6, 1.0]
    assert curve["condition"].values.tolist() == list(CONDITIONS[1:])
    wide = values.astype(np.float64)
    i2v, root = wide[:, 1:], np.sqrt(5)
    np.testing.assert_allclose(curve["mean"], i2v.mean(axis=0))
    np.testing.assert_allclose(curve["standard_error"], i2v.std(axis=0, ddof=1) / root)
    paired = i2v - wide[:, 2:3]
    np.testing.assert_allclose(curve["change"], paired.mean(axis=0))
    np.testing.assert_allclose(curve["change_standard_error"], paired.std(axis=0, ddof=1) / root)
    assert (curve["change_standard_error"] < curve["standard_error"] / 10).all()
    np.testing.assert_allclose(curve["t2v_mean"], wide[:, 0].mean())
    np.testing.assert_allclose(curve["t2v_standard_error"], wide[:, 0].std(ddof=1) / root)
    assert curve["count"].values.tolist() == [5, 5, 5, 5]
    assert (curve["change"].attrs["units"], curve.attrs["long_name"]) == ("px", "motion degree")
    assert curve.attrs["weights"] == "none"


def test_a_sample_missing_anywhere_is_missing_everywhere_and_an_unmeasured_strength_is_named(known, values):
    skip = {("sample-1", "t2v"), ("sample-3", "i2v lam=1"), *((s, "i2v lam=0.6") for s in known.samples)}
    measure(known.path, known.samples, values, skip)
    # What was measured of a run that is to be made again is not the new run's.
    forget_run(known.path, "sample-4", "i2v lam=-1")
    curve = open_study(known.path).probe.metric_curve("motion")
    assert curve["lam"].values.tolist() == [-1.0, 0.0, 1.0]
    assert curve.attrs["conditions_dropped"] == "i2v lam=0.6"
    assert (curve.attrs["samples_used"], curve.attrs["samples_total"]) == (2, 5)
    np.testing.assert_allclose(curve["mean"], values[[0, 2]][:, [1, 2, 4]].mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(curve["t2v_mean"], values[[0, 2], 0].mean(dtype=np.float64))


def test_one_sample_has_a_mean_and_no_standard_error(known, values):
    measure(known.path, known.samples[:1], values)
    curve = open_study(known.path).probe.metric_curve("motion")
    assert curve["count"].values.tolist() == [1, 1, 1, 1]
    assert curve["standard_error"].isnull().all() and curve["t2v_standard_error"].isnull()
    np.testing.assert_allclose(curve["change"].sel(lam=1.0), values[0, 4] - values[0, 2], rtol=1e-5)


def test_controls_never_enter(known, values):
    plain = {"arm": "i2v", "lam": 2.0, "step_ratio": 1.0, "schedule": "uniform", "method": "dymos", "branches": "cond"}
    placebo = Condition(id="placebo", key_frame=2, layers="", heads="", **plain)
    extend_study(known.path, conditions=[placebo])
    measure(known.path, known.samples, values)
    measure(known.path, known.samples, values, conditions=("placebo",))
    assert 2.0 not in open_study(known.path).probe.metric_curve("motion")["lam"]


def test_what_cannot_be_compared_is_refused(known, values):
    ds = open_study(known.path)
    with pytest.raises(InputError, match="no metric 'motion'; it has none"):
        ds.probe.metric_curve("motion")
    measure(known.path, known.samples, values, {(s, "t2v") for s in known.samples})
    with pytest.raises(InputError, match="no metric 'emotion'; it has motion"):
        open_study(known.path).probe.metric_curve("emotion")
    with pytest.raises(InputError, match="not measured under t2v"):
        open_study(known.path).probe.metric_curve("motion")
    write_metric(known.path, "motion", "sample-0", "t2v", 1.0, ABOUT)
    forget_run(known.path, "sample-0", "i2v")
    with pytest.raises(InputError, match="no sample that is measured in all of t2v, i2v lam=-1"):
        open_study(known.path).probe.metric_curve("motion")
