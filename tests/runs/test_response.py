"""`record` with a response: every untouched run keeps what a biased run does while queries and keys are the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

import dymos_probe as dp
from dymos_probe.errors import InputError, StudyError
from dymos_probe.runs.fill import Silent
from dymos_probe.store import completed_runs, verify_study

PROMPTS = ["A dog runs across a beach", "A cat leaps over a wall"]
LAMS = [0.6, 0.0, -1.0]
NAMES = ("attention_response", "text_mass_response")


@pytest.fixture(scope="module", params=["observe", "fused"])
def study(request, tmp_path_factory, settings):
    out = tmp_path_factory.mktemp("made") / "study"
    return dp.record("tiny-cogvideox", PROMPTS[:1], out=out, response=LAMS, record_mode=request.param, **settings)


def test_both_arms_keep_it_and_at_zero_it_is_their_attention(study):
    ds = dp.open_study(study)
    assert ds["attention_response"].dims[2] == "lam_response"
    assert ds["lam_response"].values.tolist() == [-1.0, 0.0, 0.6]
    assert ds["attention_response"].shape == (1, 2, 3, 1, 3, 2, 2, 3, 3)
    for response, name in zip(NAMES, ("attention", "text_mass"), strict=True):
        np.testing.assert_array_equal(ds[response].sel(lam_response=0.0, drop=True), ds[name])
    np.testing.assert_allclose(ds["attention_response"].sum("key_frame") + ds["text_mass_response"], 1.0, atol=1e-5)
    assert verify_study(study) == []


def test_at_a_strength_it_is_what_the_biased_run_records_in_its_first_layer(study):
    for arm in ("i2v", "t2v"):
        dp.intervene(study, lam=[-1.0, 0.6], arm=arm, step_ratio=0.2)
    ds = dp.open_study(study)
    assert ds.sizes["condition"] == 6 and bool(ds["complete"].all())
    first = ds.isel(branch=0, step=0, layer=0)
    for condition in ds["condition"].values[2:]:
        modulated = first.sel(condition=condition)
        untouched = first.sel(condition=str(modulated["arm"].item()), lam_response=modulated["lam"].item())
        for response, name in zip(NAMES, ("attention", "text_mass"), strict=True):
            np.testing.assert_allclose(untouched[response], modulated[name], atol=1e-6, rtol=0)
        assert abs(modulated["attention"] - untouched["attention"]).max() > 1e-3
        assert np.isnan(ds["attention_response"].sel(condition=condition)).all()
    assert verify_study(study) == []


def test_a_run_of_alg_keeps_none(study):
    dp.intervene(study, method="alg")
    ds = dp.open_study(study)
    (condition,) = ds["condition"].values[ds["method"].values == "alg"]
    assert bool(ds["complete"].sel(condition=condition).all())
    assert not np.isnan(ds["attention"].sel(condition=condition)).any()
    assert np.isnan(ds["attention_response"].sel(condition=condition)).all()
    assert verify_study(study) == []


def test_the_same_command_makes_nothing_and_another_grid_is_refused(study, settings, contents):
    mode = json.loads((study / "study.json").read_text())["config"]["record"]["mode"]
    command = {"out": study, "record_mode": mode, **settings}
    before = contents(study)
    assert json.loads((study / "study.json").read_text())["config"]["record"]["response"] == [-1.0, 0.0, 0.6]
    dp.record("tiny-cogvideox", PROMPTS[:1], response=(-1, 0, 0.6), **command)
    for other, words in (([0.6, -1.0], r"\[-1.0, 0.6\]"), (None, "None")):
        with pytest.raises(StudyError, match=rf"record.response = \[-1.0, 0.0, 0.6\], now record.response = {words}"):
            dp.record("tiny-cogvideox", PROMPTS[:1], response=other, **command)
    assert contents(study) == before


class Interrupt(Silent):
    """Interrupt at the second step of the third run, which is the first of the I2V model."""

    def step(self, run, step, steps):
        if (run.way.id, step) == ("i2v", 1):
            raise KeyboardInterrupt


def test_a_record_cut_off_goes_on_to_the_study_nobody_disturbed(tmp_path, settings):
    command = {"response": [float("inf"), 1.0], **settings}
    whole = dp.record("tiny-cogvideox", PROMPTS, out=tmp_path / "whole", **command)
    out = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        dp.record("tiny-cogvideox", PROMPTS, out=out, progress=Interrupt(), **command)
    assert {condition for _, condition in completed_runs(out)} == {"t2v"} and verify_study(out) == []
    half = dp.open_study(out)
    assert np.isnan(half["attention_response"].sel(condition="i2v")).all()
    dp.record("tiny-cogvideox", PROMPTS, out=out, **command)
    assert dp.open_study(out).load().drop_attrs().identical(dp.open_study(whole).load().drop_attrs())


def test_a_study_without_one_is_not_given_one_later(tmp_path, settings, contents):
    out = dp.record("tiny-cogvideox", PROMPTS[:1], out=tmp_path / "study", **settings)
    assert "response" not in json.loads((out / "study.json").read_text())["config"]["record"]
    before = contents(out)
    with pytest.raises(StudyError, match=r"record.response = None, now record.response = \[1.0\] is asked"):
        dp.record("tiny-cogvideox", PROMPTS[:1], out=out, response=[1], **settings)
    assert contents(out) == before


@pytest.mark.parametrize("response", [[], [1, 1], [float("nan")], 0.6])
def test_a_response_that_is_none_is_refused_before_a_model_is_loaded(tmp_path, response):
    with pytest.raises(InputError, match="response"):
        dp.record("no/such/pair", PROMPTS, out=tmp_path / "study", response=response)
    assert not (tmp_path / "study").exists()


def test_the_counterfactual_is_the_biased_run_where_nothing_has_reacted_yet(tmp_path, settings):
    """In the first layer of the first step queries and keys are the untouched ones: the run is the direct effect."""
    from dymos_probe.bias import Bias

    linear = [float(s) for s in 2.0 * Bias(lam=1.0, schedule="linear").phi(3)[1:]]
    out = dp.record("tiny-cogvideox", PROMPTS, out=tmp_path / "study", response=[-1.0, *linear], **settings)
    dp.intervene(out, lam=-1.0, step_ratio=0.2)
    dp.intervene(out, lam=2.0, step_ratio=0.2, schedule="linear")
    ds = dp.open_study(out)
    for lam, schedule, name in (
        (-1.0, "uniform", "i2v_lam-1_ratio0.2"),
        (2.0, "linear", "i2v_lam2_ratio0.2_linear"),
    ):
        options = {"schedule": schedule, "step_ratio": 0.2, "keep": ("sample", "step", "layer", "head"), "early": 1.0}
        direct = ds.probe.counterfactual(lam, **options).isel(lam=0)
        assert direct.attrs["exact"] is True
        run, untouched = (ds.sel(condition=c, branch="cond") for c in (name, "i2v"))
        first = {"step": 0, "layer": 0}
        for variable in ("attention", "text_mass"):
            np.testing.assert_allclose(direct[variable].isel(first), run[variable].isel(first), atol=1e-6)
            # 0.2 of three steps is the first: the others are as they were in the untouched run.
            np.testing.assert_array_equal(
                direct[variable].isel(step=slice(1, None)), untouched[variable].isel(step=slice(1, None))
            )
        # Query tokens of a frame differ, so frame means alone do not give it.
        means = ds.drop_vars("lam_response").probe.counterfactual(lam, **options).isel(lam=0)
        assert means.attrs["exact"] is False
        gap = abs(means["attention"].isel(first) - run["attention"].isel(first)).max()
        assert float(gap) > 1e-3
