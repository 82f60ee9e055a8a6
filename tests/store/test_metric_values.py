"""Scores of other programs lie in the store whole, beside what says where they came from."""

from __future__ import annotations

import numpy as np
import pytest

from dymos_probe.errors import InputError, StudyError
from dymos_probe.store import Scores, open_study, write_metric, write_scores
from dymos_probe.store.metric_values import SOURCES
from dymos_probe.testing.synthetic import synthetic_study

ABOUT = {"long_name": "sharpness", "units": "1", "calibrated": False}
FIRST, SECOND = {"file": "a.csv", "sha256": "1"}, {"file": "b.csv", "sha256": "2"}


@pytest.fixture
def study(tmp_path):
    return synthetic_study(tmp_path / "study", samples=["a", "b"], lams=[1.0]).path


def scores(values, name="sharpness", **about):
    return Scores(name=name, values=values, attrs=ABOUT | about)


def stored(study, name="sharpness"):
    return open_study(study)[f"metric_{name}"].load()


def test_values_and_sources_are_what_was_given_and_the_rest_has_no_value(study):
    values = {("a", "t2v"): 0.25, ("b", "i2v lam=1"): -3.0}
    assert write_scores(study, [scores(values), scores({("a", "i2v"): 7.0}, name="other")], source=FIRST) == (3, 0)
    found = stored(study)
    assert {key: float(found.sel(sample=key[0], condition=key[1])) for key in values} == values
    assert int(found.notnull().sum()) == 2 and stored(study, "other").sel(sample="a", condition="i2v") == 7.0
    assert found.attrs[SOURCES] == [FIRST] and found.attrs["long_name"] == "sharpness"


def test_a_second_source_is_listed_and_the_same_one_once(study):
    for source in (FIRST, SECOND, SECOND, FIRST):
        write_scores(study, [scores({("a", "t2v"): 1.0})], source=source)
    assert stored(study).attrs[SOURCES] == [FIRST, SECOND]


def test_a_call_that_was_cut_off_is_completed_by_the_same_one(study, monkeypatch):
    import dymos_probe.store.metric_values as module

    values = {("a", "t2v"): 1.0, ("b", "t2v"): 2.0}
    real, calls = module.array, []

    def dies(group, name):
        calls.append(name)
        if len(calls) == 2:  # the metric is there by now, and its values are about to be written
            raise KeyboardInterrupt
        return real(group, name)

    with monkeypatch.context() as patch:
        patch.setattr(module, "array", dies)
        with pytest.raises(KeyboardInterrupt):
            write_scores(study, [scores(values)], source=FIRST)
    assert stored(study).isnull().all()
    assert write_scores(study, [scores(values)], source=FIRST) == (2, 0)
    assert stored(study).sel(condition="t2v").values.tolist() == [1.0, 2.0]
    assert stored(study).attrs[SOURCES] == [FIRST]


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        (scores({("a", "t2v"): 2.0}), StudyError, "is there already, 1, and would become 2"),
        (scores({("a", "t2v"): 1.0}, units="px"), StudyError, "has metric sharpness with units = '1', now 'px'"),
        (scores({("a", "t2v"): 1.0}, name="measured"), StudyError, "measured by `probe metrics`"),
        (scores({("c", "t2v"): 1.0}), StudyError, "no sample 'c'"),
        (scores({("b", "t2v"): float("nan")}), InputError, "only finite values"),
        (scores({("b", "t2v"): 1e40}, name="fresh"), InputError, "only finite values of float32"),
        (scores({("b", "t2v"): 1.0}, name="Not-A-Name"), InputError, "must be lower-case"),
    ],
)
def test_what_is_refused_leaves_everything_as_it_was(study, wrong, error, match):
    write_metric(study, "measured", "a", "t2v", 0.5, ABOUT)
    write_scores(study, [scores({("a", "t2v"): 1.0})], source=FIRST)
    before = {file: file.read_bytes() for file in study.rglob("*") if file.is_file()}
    with pytest.raises(error, match=match):
        write_scores(study, [scores({("b", "i2v"): 9.0}, name="good"), wrong], source=SECOND)
    assert {file: file.read_bytes() for file in study.rglob("*") if file.is_file()} == before


def test_a_value_is_compared_as_it_is_kept(study):
    """0.1 is not a float32: the same file again must find it equal."""
    write_scores(study, [scores({("a", "t2v"): 0.1})], source=FIRST)
    assert write_scores(study, [scores({("a", "t2v"): 0.1})], source=FIRST) == (0, 1)
    assert stored(study).sel(sample="a", condition="t2v").item() == np.float32(0.1)
