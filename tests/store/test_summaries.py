"""What is kept beside a run's maps is what its maps say, and never of another run than they are."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from dymos_probe.errors import CorruptStoreError
from dymos_probe.store import Run, completed_runs, open_study, verify_study, write_run, writer
from dymos_probe.store.schema import MANY_MAPS, TILTS, AttentionShape
from dymos_probe.store.summaries import tilted_means
from dymos_probe.testing.synthetic import SMALL, synthetic_study

MANY = AttentionShape(branches=("cond", "uncond"), steps=11, layers=tuple("abcdefgh"), heads=37, frames=3)
"""Few frames, and as many maps a step as means of tilted maps are kept from."""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return synthetic_study(tmp_path_factory.mktemp("studies") / "study", lams=(0.6,), shape=MANY)


@pytest.fixture
def path(original, tmp_path):
    return shutil.copytree(original.path, tmp_path / "study")


def recorded(seed, *shape, keys=4, peaked=0.3):
    """Rows and text that sum to one, many of them nearly all on one key."""
    whole = np.random.default_rng(seed).dirichlet(np.full(keys + 1, peaked), size=shape).astype(np.float32)
    return whole[..., :keys], whole[..., keys]


def tilted_one_by_one(attention, text, strength):
    """The mean over layers and heads, from the definition, in float64."""
    weight = np.ones(attention.shape)
    weight[..., 0] = np.exp(-np.broadcast_to(strength, text.shape))
    rows = attention.astype(np.float64) * weight
    total = rows.sum(-1) + text.astype(np.float64)
    return (rows / total[..., None]).mean(axis=(-4, -3)), (text / total).mean(axis=(-3, -2))


@pytest.mark.parametrize("strengths", [[0.7, -2.0], [[0.0, 0.3, 0.6], [1.0, -1.0, 5.5]]])
def test_the_mean_of_tilted_rows_is_that_of_each_row_tilted(strengths):
    attention, text = recorded(1, 2, 5, 7, 3)
    strengths = np.broadcast_to(np.array(strengths, dtype=float).reshape(2, -1), (2, 3))
    maps, mass = tilted_means(attention, text, strengths)
    assert maps.shape == (2, 2, 3, 4) and mass.shape == (2, 2, 3) and maps.dtype == np.float64
    for at, strength in enumerate(strengths):
        expected = tilted_one_by_one(attention, text, strength)
        np.testing.assert_allclose(maps[:, at], expected[0], atol=1e-7)
        np.testing.assert_allclose(mass[:, at], expected[1], atol=1e-7)


def test_steps_may_differ_in_strength_and_at_zero_a_row_is_as_recorded():
    attention, text = recorded(2, 2, 3, 4, 3)
    strengths = np.zeros((2, 1, 3))
    strengths[0] = 1.5
    maps, mass = tilted_means(attention, text * 0.5, strengths)  # does not sum to one: still as it was recorded
    np.testing.assert_allclose(maps[1, 0], attention[1].mean((0, 1)), rtol=1e-6)
    np.testing.assert_allclose(mass[1, 0], 0.5 * text[1].mean((0, 1)), rtol=1e-6)
    np.testing.assert_allclose(maps[0, 0], tilted_one_by_one(attention[0], text[0] * 0.5, 1.5)[0], atol=1e-7)


def test_no_finite_strength_is_too_large():
    attention, text = recorded(3, 3, 4, 2)
    maps, mass = tilted_means(attention, text, np.array([[1e4], [-1e4]]) * np.ones(2))
    assert np.isfinite(maps).all() and np.isfinite(mass).all()
    np.testing.assert_allclose(maps[0, :, 0], 0.0)
    np.testing.assert_allclose(maps[1, :, 0], 1.0)


def test_a_study_of_many_maps_a_step_keeps_them_of_untouched_runs_and_one_of_few_maps_does_not(path, tmp_path):
    assert len(MANY.layers) * MANY.heads == MANY_MAPS
    ds = open_study(path)
    assert ds["attention_tilted"].dims == (
        "sample", "condition", "branch", "step", "tilt", "query_frame", "key_frame",
    )  # fmt: skip
    assert ds["tilt"].values.tolist() == list(TILTS)
    assert ds["attention_tilted"].sel(condition="i2v lam=0.6").isnull().all()
    for arm in ("t2v", "i2v"):
        for at in (0, 20, 36):
            run = ds.sel(condition=arm).isel(sample=1, branch=1)
            expected = tilted_one_by_one(run["attention"].values, run["text_mass"].values, TILTS[at])[0]
            np.testing.assert_allclose(run["attention_tilted"].isel(tilt=at), expected, atol=1e-6)
    assert ds["attention_early"].attrs["steps"] == 2
    for condition in ds["condition"].values:
        run = ds.sel(condition=condition)
        np.testing.assert_allclose(run["attention_early"], run["attention"][:, :, :2].mean("step"), atol=1e-6)
    few = open_study(synthetic_study(tmp_path / "few", lams=(), shape=SMALL).path)
    assert not {"attention_tilted", "tilt", "attention_early"} & set(few.variables)


def other_run(path):
    """A run of the study with other maps than it has."""
    names = [field.name for field in dataclasses.fields(Run) if field.name not in ("sample", "condition")]
    ds = open_study(path).isel(sample=0).sel(condition="i2v")
    values = {name: ds[name].values for name in names if name in ds}
    attention, text = recorded(5, *values["text_mass"].shape, keys=MANY.frames)
    return Run(sample="sample-0", condition="i2v", **(values | {"attention": attention, "text_mass": text}))


def test_a_run_that_is_recorded_again_brings_its_own(path):
    run = other_run(path)
    write_run(path, run)
    stored = open_study(path).isel(sample=0).sel(condition="i2v")
    for at in (0, 36):
        expected = tilted_one_by_one(run.attention, run.text_mass, TILTS[at])[0]
        np.testing.assert_allclose(stored["attention_tilted"].isel(tilt=at), expected, atol=1e-6)
    np.testing.assert_allclose(stored["attention_mean"], run.attention.mean((2, 3)), atol=1e-6)
    np.testing.assert_allclose(stored["attention_early"], run.attention[:, :2].mean(1), atol=1e-6)
    np.testing.assert_allclose(stored["dominance"], run.attention[..., 1:, 0].mean(-1), atol=1e-6)


@pytest.mark.parametrize("name", ["attention", "attention_mean", "dominance", "attention_early", "attention_tilted"])
def test_a_run_cut_off_while_it_is_written_is_not_there_whatever_was_written_already(path, monkeypatch, name):
    real = writer._sweep_partials

    def cut_off(study, variable, at):
        real(study, variable, at)
        if variable == name:
            raise KeyboardInterrupt

    monkeypatch.setattr(writer, "_sweep_partials", cut_off)
    with pytest.raises(KeyboardInterrupt):
        write_run(path, other_run(path))
    assert ("sample-0", "i2v") not in completed_runs(path)
    assert open_study(path).probe.counterfactual([0.5]).attrs["samples_used"] == 1


def test_a_kept_mean_that_is_lost_is_damage_and_one_that_never_was_is_none(path):
    assert verify_study(path) == []
    place = path / "attention.zarr" / "attention_tilted" / "c" / "1" / "1"
    shutil.rmtree(place)
    assert verify_study(path) == [("sample-1", "i2v")]
    with pytest.raises(CorruptStoreError, match="attention_tilted of run 'sample-1' under 'i2v'"):
        open_study(path).probe.counterfactual([0.5])["attention"].compute()
