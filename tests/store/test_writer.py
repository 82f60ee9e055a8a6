"""Runs are written whole, each into its own files, by any number of processes."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import zarr

from dymos_probe.errors import InputError, StudyError
from dymos_probe.store import (
    AttentionShape,
    Condition,
    Run,
    Sample,
    completed_runs,
    create_study,
    extend_study,
    finish_study,
    forget_run,
    open_study,
    verify_study,
    write_metric,
    write_run,
)
from dymos_probe.testing.synthetic import synthetic_study

SHAPE = AttentionShape(branches=("cond", "uncond"), steps=3, layers=("a", "b"), heads=2, frames=4)


def sample(name, **changes):
    return Sample(**{"id": name, "prompt": f"a {name} é", "seed": 7, "image": f"images/{name}.png"} | changes)


def condition(name, **changes):
    plain = {"arm": "i2v", "lam": 0.6, "step_ratio": 0.2, "schedule": "uniform", "method": "dymos"}
    return Condition(**{"id": name, "key_frame": 0, "branches": "cond", "layers": "", "heads": ""} | plain | changes)


def run(sample, condition, seed=0, shape=SHAPE):
    rng = np.random.default_rng(seed)
    lead = (len(shape.branches), shape.steps, len(shape.layers), shape.heads, shape.frames)
    rows = rng.dirichlet(np.ones(shape.frames + 1), size=lead)
    return Run(
        sample=sample,
        condition=condition,
        attention=rows[..., :-1].astype(np.float32),
        text_mass=rows[..., -1].astype(np.float32),
        timestep=np.linspace(999, 1, shape.steps),
        sigma=np.linspace(1, 0.1, shape.steps),
        expert=np.arange(shape.steps),
    )


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study"
    create_study(path, config={"pair": "p"}, shape=SHAPE)
    extend_study(path, samples=[sample("cat"), sample("dog")], conditions=[condition("a"), condition("b")])
    return path


def in_processes(*scripts):
    """Run scripts at once, each in a fresh interpreter; return their exit statuses."""
    running = [subprocess.Popen([sys.executable, "-c", script]) for script in scripts]
    return [process.wait(timeout=120) for process in running]


def test_a_run_comes_back_with_its_means_in_its_own_place(study):
    written = run("dog", "b")
    write_run(study, written)
    ds = open_study(study).sel(sample="dog", condition="b")
    np.testing.assert_array_equal(ds["attention"], written.attention)
    np.testing.assert_array_equal(ds["text_mass"], written.text_mass)
    np.testing.assert_array_equal(ds["expert"], written.expert)
    np.testing.assert_array_equal(ds["timestep"], written.timestep)
    a = written.attention.astype(np.float64)
    np.testing.assert_allclose(ds["attention_mean"], a.mean(axis=(2, 3)), rtol=1e-6)
    np.testing.assert_allclose(ds["dominance"], a[..., 1:, 0].mean(axis=-1), rtol=1e-6)
    assert completed_runs(study) == {("dog", "b")}
    assert np.isnan(open_study(study)["attention"].sel(sample="cat")).all()


def test_a_run_owns_every_file_it_writes(study):
    def files():
        return {f.relative_to(study): f.read_bytes() for f in study.rglob("*") if f.is_file()}

    write_run(study, run("cat", "a"))
    first = files()
    write_run(study, run("dog", "b", seed=1))
    second = files()
    assert {name: second[name] for name in first} == first
    data = {name for name in second if "c" in name.parts and name.parts[1] == "attention"}
    assert len(data) == 2, "one shard a run"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attention": np.zeros((2, 3, 2, 2, 4, 3), np.float32)}, "attention .* has shape"),
        ({"attention": np.zeros((2, 3, 2, 2, 4, 4), np.float64)}, "float64"),
        ({"text_mass": np.full((2, 3, 2, 2, 4), np.nan, np.float32)}, "96 values that are NaN"),
        ({"sigma": np.array([1.0, np.inf, 0.0])}, "sigma .* NaN or infinite"),
        ({"timestep": np.zeros(4)}, "timestep .* has shape"),
    ],
)
def test_a_run_of_another_shape_or_with_holes_is_refused_and_nothing_is_marked(study, changes, words):
    with pytest.raises(InputError, match=words):
        write_run(study, dataclasses.replace(run("cat", "a"), **changes))
    assert completed_runs(study) == frozenset()
    with pytest.raises(StudyError, match=r"no sample 'cow'; it has cat, dog"):
        write_run(study, run("cow", "a"))


def test_adding_what_is_there_changes_nothing_and_other_content_is_refused(study):
    write_run(study, run("cat", "a"))
    extend_study(study, samples=[sample("cat")], conditions=[condition("a")])
    assert open_study(study).sizes["sample"] == 2
    with pytest.raises(StudyError, match=r"sample 'cat' with seed = 7, now 8"):
        extend_study(study, samples=[sample("cat", seed=8)])
    with pytest.raises(StudyError, match=r"condition 'a' with lam = 0\.6, now 1\.0"):
        extend_study(study, conditions=[condition("a", lam=1.0)])
    with pytest.raises(InputError, match="given twice"):
        extend_study(study, samples=[sample("cow"), sample("cow")])
    assert completed_runs(study) == {("cat", "a")}


def test_a_method_without_strength_has_none_and_is_known_again(study):
    alg = condition("c", lam=float("nan"), step_ratio=float("nan"), schedule="", method="alg", key_frame=-1)
    for _ in range(2):
        extend_study(study, conditions=[alg])
    ds = open_study(study)
    assert ds["method"].values.tolist() == ["dymos", "dymos", "alg"]
    assert np.isnan(ds["lam"].values).tolist() == np.isnan(ds["step_ratio"].values).tolist() == [False, False, True]
    with pytest.raises(StudyError, match=r"condition 'c' with lam = nan, now 1\.0"):
        extend_study(study, conditions=[dataclasses.replace(alg, lam=1.0)])
    with pytest.raises(InputError, match="lam is NaN"):
        condition("d", lam=float("nan"))


def test_a_study_grows_past_one_block_of_labels_and_keeps_what_it_had(study):
    write_run(study, run("dog", "a"))
    names = [f"s{index}" for index in range(300)]
    extend_study(study, samples=[sample(name) for name in names])
    extend_study(study, conditions=[condition("c", lam=float("inf"), method="alg")])
    ds = open_study(study)
    assert ds["sample"].values.tolist() == ["cat", "dog", *names]
    assert ds["prompt"].values[-1] == "a s299 é"
    assert ds["lam"].values.tolist() == [0.6, 0.6, np.inf]
    np.testing.assert_array_equal(ds["attention"].sel(sample="dog", condition="a"), run("dog", "a").attention)


def test_growing_does_not_disturb_a_dataset_that_is_open(study):
    write_run(study, run("cat", "a"))
    ds = open_study(study)
    extend_study(study, samples=[sample("cow")], conditions=[condition("c")])
    write_run(study, run("cow", "c", seed=3))
    assert ds["attention"].shape[:2] == (2, 2)
    np.testing.assert_array_equal(ds["attention"].sel(sample="cat", condition="a"), run("cat", "a").attention)


def test_a_half_grown_study_reads_as_before_and_can_be_grown_again(study):
    # What a coordinator leaves that dies after its arrays grew and before it consolidated.
    write_run(study, run("cat", "a"))
    for name in ("attention", "sample", "prompt"):
        member = zarr.open_array(study / "attention.zarr" / name, mode="r+")
        member.resize((5, *member.shape[1:]))
    assert open_study(study).sizes["sample"] == 2
    extend_study(study, samples=[sample("cow")])
    ds = open_study(study)
    assert ds["sample"].values.tolist() == ["cat", "dog", "cow"]
    assert ds["attention"].shape[0] == 3
    assert completed_runs(study) == {("cat", "a")}


def test_a_folder_with_other_things_in_it_is_not_made_a_study(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StudyError, match=r"not empty \(it has notes\.txt\)"):
        create_study(tmp_path, config={}, shape=SHAPE)
    assert [item.name for item in tmp_path.iterdir()] == ["notes.txt"]


def test_creating_a_study_again_keeps_its_runs_and_mends_a_creation_that_was_cut_short(study):
    write_run(study, run("cat", "a"))
    create_study(study, config={"pair": "p"}, shape=SHAPE)
    assert completed_runs(study) == {("cat", "a")}
    fresh = study.parent / "fresh"
    create_study(fresh, config={}, shape=SHAPE)
    (fresh / "attention.zarr" / "zarr.json").unlink()
    create_study(fresh, config={}, shape=SHAPE)
    assert completed_runs(fresh) == frozenset()


def test_a_metric_is_kept_with_what_it_is_and_not_mixed_with_another_of_its_name(study):
    about = {"long_name": "motion", "units": "px", "weights": "none", "calibrated": False}
    write_metric(study, "motion", "dog", "a", 1.5, about)
    extend_study(study, samples=[sample("cow")])
    write_metric(study, "motion", "cow", "b", 2.5, about)
    metric = open_study(study)["metric_motion"]
    assert metric.attrs == about
    assert metric.dtype == np.float32
    expected = np.full((3, 2), np.nan)
    expected[1, 0], expected[2, 1] = 1.5, 2.5
    np.testing.assert_array_equal(metric, expected)
    with pytest.raises(StudyError, match=r"weights = 'none', now 'raft'"):
        write_metric(study, "motion", "dog", "a", 1.5, {**about, "weights": "raft"})
    with pytest.raises(InputError, match="finite"):
        write_metric(study, "motion", "dog", "a", float("nan"), about)
    with pytest.raises(InputError, match="metric name"):
        write_metric(study, "Motion degree", "dog", "a", 1.0, about)


def test_a_forgotten_run_is_not_there_until_it_is_written_again(study):
    write_run(study, run("cat", "a"))
    forget_run(study, "cat", "a")
    assert completed_runs(study) == frozenset()
    write_run(study, run("cat", "a", seed=5))
    np.testing.assert_array_equal(
        open_study(study)["attention"].sel(sample="cat", condition="a"), run("cat", "a", seed=5).attention
    )


WRITE = """
from dymos_probe.store import *
import numpy as np
source = open_study({source!r})
for name in {samples!r}:
    ds = source.sel(sample=name, condition={condition!r})
    write_run({target!r}, Run(sample=name, condition={condition!r}, **{{
        key: ds[key].values for key in ("attention", "text_mass", "timestep", "sigma", "expert")}}))
"""


@pytest.fixture
def pair_of_studies(tmp_path):
    """A whole synthetic study, and an empty one with the same labels."""
    known = synthetic_study(tmp_path / "source", samples=4, lams=())
    source = open_study(known.path)
    target = tmp_path / "target"
    shape = AttentionShape(branches=("cond", "uncond"), steps=6, layers=("x", "y", "z"), heads=2, frames=4)
    create_study(target, config={}, shape=shape)
    extend_study(target, samples=[sample(n) for n in known.samples], conditions=[condition("t2v"), condition("i2v")])
    return known, source, target


def test_processes_writing_different_runs_at_once_lose_nothing(pair_of_studies):
    known, source, target = pair_of_studies
    scripts = [
        WRITE.format(source=str(known.path), target=str(target), samples=names, condition=condition)
        for names, condition in (
            (known.samples[:2], "t2v"),
            (known.samples[2:], "t2v"),
            (known.samples, "i2v"),
        )
    ]
    assert in_processes(*scripts) == [0, 0, 0]
    finish_study(target)
    assert len(completed_runs(target)) == 8
    assert verify_study(target) == []
    for name in ("attention", "text_mass", "dominance", "sigma"):
        np.testing.assert_array_equal(open_study(target)[name], source[name])


@pytest.mark.parametrize(
    "place",
    ["dominance", pytest.param("attention", marks=pytest.mark.slow), pytest.param("complete", marks=pytest.mark.slow)],
)
def test_a_process_killed_while_it_writes_leaves_the_others_and_a_run_to_do_again(pair_of_studies, place):
    known, source, target = pair_of_studies
    script = WRITE.format(source=str(known.path), target=str(target), samples=known.samples[:2], condition="i2v")
    kill = f"""
import os, signal, sys
def hook(event, args):
    if event == "open" and "target/attention.zarr/{place}/c/1/" in str(args[0]) and str(args[0]).endswith(".partial"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""
    assert in_processes(kill + script) == [-9]
    assert completed_runs(target) == {("sample-0", "i2v")}
    ds = open_study(target)
    np.testing.assert_array_equal(ds["attention"][0, 1], source["attention"][0, 1])
    assert in_processes(script) == [0]
    assert completed_runs(target) == {("sample-0", "i2v"), ("sample-1", "i2v")}
    assert verify_study(target) == []
    np.testing.assert_array_equal(open_study(target)["attention"][:2, 1], source["attention"][:2, 1])


def test_a_reader_in_another_process_never_sees_a_study_half_grown(study):
    read = f"""
from dymos_probe.store import open_study
seen = set()
while len(seen) == 0 or max(seen) < 14:
    ds = open_study({str(study)!r})
    assert "" not in ds["sample"].values and ds["attention"].shape[0] == ds["complete"].shape[0]
    ds["complete"].values
    seen.add(ds.sizes["sample"])
"""
    reader = subprocess.Popen([sys.executable, "-c", read])
    for index in range(12):
        extend_study(study, samples=[sample(f"s{index}")])
    assert reader.wait(timeout=60) == 0
