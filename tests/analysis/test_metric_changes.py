"""A metric under any conditions: each change stands on the samples measured under both."""

import numpy as np
import pytest

from dymos_probe.analysis import metric_changes
from dymos_probe.errors import InputError
from dymos_probe.store import Condition, extend_study, forget_run, open_study, write_metric
from dymos_probe.testing.synthetic import synthetic_study

ABOUT = {"long_name": "motion degree", "units": "px", "weights": "none"}
CONDITIONS = ("t2v", "i2v", "i2v lam=1", "placebo")


@pytest.fixture
def known(tmp_path):
    study = synthetic_study(tmp_path / "study", samples=5, lams=(1.0,))
    placebo = Condition(
        id="placebo",
        arm="i2v",
        lam=2.0,
        step_ratio=1.0,
        schedule="uniform",
        method="dymos",
        key_frame=2,
        branches="cond",
        layers="",
        heads="",
    )
    extend_study(study.path, conditions=[placebo])
    return study


@pytest.fixture
def values():
    rng = np.random.default_rng(1)
    return (rng.normal(10, 5, (5, 1)) + np.array([3.0, 0.0, 1.0, 0.2]) + rng.normal(0, 0.1, (5, 4))).astype(np.float32)


def written(known, values, skip=()):
    # No run was made of the placebo: what counts is what is complete.
    for row, sample in enumerate(known.samples):
        for column, condition in enumerate(CONDITIONS[:3]):
            if (row, column) not in skip:
                write_metric(known.path, "motion", sample, condition, float(values[row, column]), ABOUT)
    return open_study(known.path)


def test_changes_are_those_of_paired_samples_and_means_of_measured_ones(known, values):
    ds = written(known, values, skip={(0, 1), (4, 2)})
    found = metric_changes(ds, "motion", ["i2v lam=1", "t2v"], against="i2v")
    wide = values.astype(np.float64)
    paired = (wide[:, 2] - wide[:, 1])[[1, 2, 3]]
    at = found.sel(condition="i2v lam=1")
    np.testing.assert_allclose(at["change"], paired.mean())
    np.testing.assert_allclose(at["change_standard_error"], paired.std(ddof=1) / np.sqrt(3))
    np.testing.assert_allclose(at["against_mean"], wide[[1, 2, 3], 1].mean())
    np.testing.assert_allclose(at["mean"], wide[:4, 2].mean())
    np.testing.assert_allclose(at["standard_error"], wide[:4, 2].std(ddof=1) / 2.0)
    assert (int(at["count"]), int(at["pairs"])) == (4, 3)
    assert int(found["pairs"].sel(condition="t2v")) == 4
    assert found["condition"].values.tolist() == ["i2v lam=1", "t2v"]
    assert found["arm"].values.tolist() == ["i2v", "t2v"]
    assert (found.attrs["long_name"], found.attrs["units"], found.attrs["against"]) == ("motion degree", "px", "i2v")


def test_a_chosen_part_of_the_samples_is_all_that_counts(known, values):
    ds = written(known, values)
    found = metric_changes(ds, "motion", ["i2v lam=1"], against="i2v", samples=["sample-1", "sample-3"])
    np.testing.assert_allclose(found["mean"], [values[[1, 3], 2].mean(dtype=np.float64)])
    assert found["pairs"].values.tolist() == [2] and found.attrs["samples_total"] == 2


def test_a_condition_nobody_ran_and_a_forgotten_run_have_no_value(known, values):
    written(known, values)
    for sample in known.samples[:4]:
        forget_run(known.path, sample, "i2v lam=1")
    # Of a run that is not there, what an earlier one measured does not count.
    write_metric(known.path, "motion", "sample-0", "i2v lam=1", 99.0, ABOUT)
    found = metric_changes(open_study(known.path), "motion", ["placebo", "i2v lam=1"], against="i2v")
    assert found["pairs"].values.tolist() == [0, 1]
    assert np.isnan(found["change"].values[0]) and np.isnan(found["change_standard_error"].values[1])
    np.testing.assert_allclose(found["change"].values[1], values[4, 2] - values[4, 1], rtol=1e-5)


def test_what_is_not_there_is_refused(known, values):
    ds = written(known, values)
    with pytest.raises(InputError, match="no metric 'emotion'; it has motion"):
        metric_changes(ds, "emotion", ["i2v"], against="i2v")
    with pytest.raises(InputError, match="no condition 'nobody'"):
        metric_changes(ds, "motion", ["i2v"], against="nobody")
    with pytest.raises(InputError, match="no sample 'x'; the study has 5 others"):
        metric_changes(ds, "motion", ["i2v"], against="i2v", samples=["x"])
