"""ΔA is what a plain mean over the raw maps gives, over the right runs."""

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.store import Condition, Sample, extend_study, forget_run, open_study
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return synthetic_study(tmp_path_factory.mktemp("studies") / "study", samples=3, lams=(-1.0, 0.6), step_ratio=0.5)


@pytest.fixture(scope="module")
def ds(known):
    return open_study(known.path)


def expected(known, label, early_steps, axes, branch=0):
    delta = known.attention[label] - known.attention["t2v"]
    return delta[:, branch, :early_steps].mean(axis=axes)


ALL = (0, 1, 2, 3)  # sample, step, layer, head, once the branch is chosen


def test_the_known_excess_stands_in_the_reference_column(ds, known):
    delta = ds.probe.difference().values
    np.testing.assert_allclose(delta[1:, 0], known.excess, atol=1e-6)
    np.testing.assert_allclose(delta[0], 0.0, atol=1e-7)


@pytest.mark.parametrize(("early", "steps"), [(0.1, 1), (0.34, 3), (0.5, 3), (1.0, 6)])
def test_only_the_early_steps_are_averaged_at_least_one(ds, known, early, steps):
    np.testing.assert_allclose(ds.probe.difference(early=early), expected(known, "i2v", steps, ALL), atol=1e-7)


@pytest.mark.parametrize(
    ("keep", "axes"),
    [(("layer",), (0, 1, 3)), (("layer", "head"), (0, 1)), (("sample",), (1, 2, 3)), (("step", "sample"), (2, 3))],
)
def test_kept_dims_stand_in_front_in_the_order_asked(ds, known, keep, axes):
    delta = ds.probe.difference(keep=keep, early=0.5)
    assert delta.dims == (*keep, "query_frame", "key_frame")
    reference = expected(known, "i2v", 3, axes)
    np.testing.assert_allclose(delta, reference if keep != ("step", "sample") else reference.swapaxes(0, 1), atol=1e-7)


def test_rows_sum_to_minus_the_difference_in_text_mass(ds):
    delta = ds.probe.difference(early=1.0).sum("key_frame")
    text = ds["text_mass"].sel(branch="cond").mean(["sample", "step", "layer", "head"])
    np.testing.assert_allclose(delta, -(text.sel(condition="i2v") - text.sel(condition="t2v")), atol=1e-6)


def test_lam_and_branch_choose_the_runs(ds, known):
    np.testing.assert_allclose(ds.probe.difference(lam=0.6), expected(known, "i2v lam=0.6", 1, ALL), atol=1e-7)
    uncond = ds.probe.difference(lam=0.6, branch="uncond")
    np.testing.assert_allclose(uncond, expected(known, "i2v", 1, ALL, branch=1), atol=1e-7)
    by_id = ds.probe.difference(condition="i2v lam=0.6")
    np.testing.assert_array_equal(by_id, ds.probe.difference(lam=0.6))


def test_nothing_is_computed_until_asked(ds):
    assert ds.probe.difference().chunks is not None
    assert ds.probe.difference(keep=("head",)).chunks is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"lam": 0.7},
            r"λ = 0\.7; it has t2v \(t2v, none, λ=0\), i2v .*i2v lam=0\.6 \(i2v, dymos, λ=0\.6, step_ratio=0\.5",
        ),
        ({"lam": 0.6, "schedule": "log"}, "has not a plain modulated"),
        ({"branch": "both"}, "recorded; the study has cond, uncond"),
        ({"keep": ("block",)}, "'block'; dims that can be kept are sample, step, layer, head"),
        ({"keep": "layer"}, "is a string"),
        ({"early": 0.0}, r"outside \(0, 1\]"),
        ({"condition": "alg"}, "no condition 'alg'"),
    ],
)
def test_a_choice_that_does_not_exist_is_answered_with_those_that_do(ds, arguments, words):
    with pytest.raises(InputError, match=words):
        ds.probe.difference(**arguments)


def test_incomplete_samples_are_dropped_and_counted_and_none_left_is_refused(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=3, lams=())
    forget_run(known.path, "sample-1", "i2v")
    extend_study(known.path, samples=[Sample(id="new", prompt="p", seed=1, image="x.png")])
    delta = open_study(known.path).probe.difference(early=1.0)
    assert (delta.attrs["samples_used"], delta.attrs["samples_total"]) == (2, 4)
    reference = (known.attention["i2v"] - known.attention["t2v"])[[0, 2], 0].mean(axis=ALL)
    np.testing.assert_allclose(delta, reference, atol=1e-7)
    forget_run(known.path, "sample-0", "t2v")
    forget_run(known.path, "sample-2", "i2v")
    with pytest.raises(InputError, match=r"no sample is complete .*t2v: 2 of 4, i2v: 1 of 4"):
        open_study(known.path).probe.difference()


def test_several_conditions_of_one_lam_are_told_apart_by_step_ratio_or_refused(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=1, lams=(0.6,), step_ratio=1.0)
    other = {"arm": "i2v", "lam": 0.6, "schedule": "uniform", "method": "dymos", "key_frame": 0}
    extend_study(
        known.path, conditions=[Condition(id="short", step_ratio=0.2, branches="cond", layers="", heads="", **other)]
    )
    ds = open_study(known.path)
    with pytest.raises(InputError, match=r"more than .*i2v lam=0\.6 .*step_ratio=1, .*short .*step_ratio=0\.2"):
        ds.probe.difference(lam=0.6)
    assert ds.probe.difference(lam=0.6, step_ratio=1.0).attrs["conditions"] == "i2v lam=0.6 − t2v"
