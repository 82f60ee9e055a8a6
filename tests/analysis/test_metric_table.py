"""A sample's metrics are those that were written for it, and NaN where there is nothing to say."""

from __future__ import annotations

import numpy as np
import pytest

from dymos_probe.analysis.metric_table import metric_table
from dymos_probe.errors import InputError
from dymos_probe.store import open_study, write_metric
from dymos_probe.store.group import array, open_group
from dymos_probe.testing.synthetic import synthetic_study

ATTRS = {"long_name": "motion of a kind", "units": "px"}


@pytest.fixture
def study(tmp_path):
    path = synthetic_study(tmp_path / "study", samples=2, lams=(1.0,)).path
    write_metric(path, "motion", "sample-1", "t2v", 3.5, ATTRS)
    write_metric(path, "motion", "sample-1", "i2v", 0.25, ATTRS)
    write_metric(path, "motion", "sample-0", "i2v", 9.0, ATTRS)
    return path


def test_the_values_are_those_written_with_their_labels(study):
    table = metric_table(open_study(study), "sample-1")
    assert table["motion"].dims == ("condition",) and table["motion"].attrs["units"] == "px"
    np.testing.assert_array_equal(table["motion"].sel(condition=["t2v", "i2v", "i2v lam=1"]), [3.5, 0.25, np.nan])
    assert table["lam"].values.tolist() == [0.0, 0.0, 1.0] and str(table["sample"].item()) == "sample-1"


def test_rows_come_in_the_order_asked_for(study):
    table = metric_table(open_study(study), "sample-1", conditions=["i2v", "t2v"])
    assert table["motion"].values.tolist() == [0.25, 3.5]


def test_the_value_of_a_run_that_is_not_there_is_not_shown(study):
    # What a process leaves that is killed while it drops a run.
    array(open_group(study, "r+"), "complete")[1, 1] = False
    assert np.isnan(metric_table(open_study(study), "sample-1")["motion"].sel(condition="i2v"))


def test_a_study_without_metrics_has_none(tmp_path):
    path = synthetic_study(tmp_path / "bare", samples=1, lams=()).path
    assert not metric_table(open_study(path), "sample-0").data_vars


@pytest.mark.parametrize(("sample", "conditions"), [("nobody", None), ("sample-0", ["nobody"])])
def test_what_the_study_has_not_is_refused(study, sample, conditions):
    with pytest.raises(InputError, match=r"there is no .* 'nobody'"):
        metric_table(open_study(study), sample, conditions=conditions)
