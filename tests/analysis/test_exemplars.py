"""Exemplars are the samples that λ changes most, middling and least, by a metric that is there for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from dymos_probe.analysis.exemplars import Exemplar, exemplars
from dymos_probe.errors import InputError
from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    path = synthetic_study(tmp_path_factory.mktemp("study") / "study", samples=5, lams=[1.0]).path
    return open_study(path).load()


def measured(ds, spread, name="motion"):
    """Return the study with a metric that is 0 everywhere but at λ = 1, where it is ``spread`` of the sample."""
    values = np.zeros((ds.sizes["sample"], ds.sizes["condition"]), np.float32)
    values[:, list(ds["condition"].values).index(modulated(ds))] = spread
    values[:, list(ds["condition"].values).index("t2v")] = 100.0 * np.arange(len(values))
    variable = ds["complete"].copy(data=values).assign_attrs(long_name="motion of a kind")
    return ds.assign({f"metric_{name}": variable})


def modulated(ds):
    return str(ds["condition"].values[-1])


def chosen(ds):
    conditions = [str(each) for each in ds["condition"].values]
    return exemplars(ds, conditions, over=[each for each in conditions if each != "t2v"])


def test_most_middling_and_least_are_told_by_the_metric_over_lam_alone(ds):
    names = [str(name) for name in ds["sample"].values]
    assert chosen(measured(ds, [1.0, -7.0, 2.0, 0.0, 3.0])) == [
        Exemplar(names[1], "changed most by λ, of 5 (motion of a kind)"),
        Exemplar(names[2], "changed middlingly by λ, of 5 (motion of a kind)"),
        Exemplar(names[3], "changed least by λ, of 5 (motion of a kind)"),
    ]


def test_a_metric_with_a_gap_is_passed_over(ds):
    gaps = measured(ds, [1.0, np.nan, 2.0, 0.0, 3.0], "a_first")
    assert [each.sample for each in chosen(gaps)] == [str(name) for name in ds["sample"].values[:3]]
    both = measured(gaps, [0.0, 1.0, 2.0, 3.0, 9.0], "b_second")
    assert chosen(both)[0].sample == str(ds["sample"].values[4])


def test_without_a_metric_or_with_few_samples_or_one_condition_they_are_the_first(ds):
    first = [Exemplar(str(name), "") for name in ds["sample"].values[:3]]
    assert chosen(ds) == first
    whole = measured(ds, [1.0, -7.0, 2.0, 0.0, 3.0])
    assert chosen(whole.isel(sample=slice(3))) == first
    assert exemplars(whole, ["t2v", "i2v"], over=["i2v"]) == first


def test_a_sample_that_is_not_complete_is_no_example(ds):
    whole = measured(ds, [1.0, -7.0, 2.0, 0.0, 3.0])
    complete = whole["complete"].copy()
    complete[1, -1] = False
    assert chosen(whole.assign(complete=complete))[0].sample == str(ds["sample"].values[4])
    with pytest.raises(InputError, match="no sample is complete"):
        chosen(whole.assign(complete=complete & False))
