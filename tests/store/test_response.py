"""A study may keep what each λ makes of an untouched run's attention: another dim, the same rules."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import CorruptStoreError, InputError, StudyError
from dymos_probe.store import (
    AttentionShape,
    Run,
    Sample,
    completed_runs,
    create_study,
    extend_study,
    forget_run,
    open_study,
    verify_study,
    write_run,
)
from dymos_probe.testing.synthetic import SMALL, synthetic_study

GRID = (-1.0, 0.0, 0.6, float("inf"))
SHAPE = dataclasses.replace(SMALL, response=GRID)
NAMES = ("attention_response", "text_mass_response")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return synthetic_study(tmp_path_factory.mktemp("studies") / "study", lams=(0.6,), shape=SHAPE)


@pytest.fixture
def path(original, tmp_path):
    return shutil.copytree(original.path, tmp_path / "study")


def read_run(path, sample, condition):
    """A run as it is stored, to be written again."""
    names = [field.name for field in dataclasses.fields(Run) if field.name not in ("sample", "condition")]
    ds = open_study(path).sel(sample=sample, condition=condition)
    return Run(sample=sample, condition=condition, **{name: ds[name].values for name in names})


def files(path, name):
    found = (path / "attention.zarr" / name / "c").rglob("*")
    return {str(f.relative_to(path)): f.read_bytes() for f in found if f.is_file()}


def test_it_comes_back_at_its_strength_where_the_model_was_untouched_and_nowhere_else(path, original):
    ds = open_study(path)
    response = ds["attention_response"]
    assert response.dims == (
        "sample", "condition", "lam_response", "branch", "step", "layer", "head", "query_frame", "key_frame",
    )  # fmt: skip
    assert ds["text_mass_response"].dims == response.dims[:-1]
    assert response.dtype == ds["text_mass_response"].dtype == np.float32
    assert ds["lam_response"].values.tolist() == list(GRID)
    assert ds["lam"].values.tolist() == [0.0, 0.0, 0.6], "what a condition ran with is another thing"
    for name in (*NAMES, "lam_response"):
        assert {"long_name", "units"} <= set(ds[name].attrs)
    for arm in ("t2v", "i2v"):
        np.testing.assert_allclose(response.sel(condition=arm), original.attention_response[arm], atol=1e-6)
    untouched = ds.sel(condition=["t2v", "i2v"])
    np.testing.assert_array_equal(untouched["attention_response"].sel(lam_response=0.0), untouched["attention"])
    rows = untouched["attention_response"].sum("key_frame") + untouched["text_mass_response"]
    np.testing.assert_allclose(rows, 1.0, atol=1e-6)
    modulated = ds.sel(condition="i2v lam=0.6")
    assert np.isnan(modulated["attention_response"]).all() and np.isnan(modulated["text_mass_response"]).all()
    early = {"branch": "cond", "step": 0}
    np.testing.assert_allclose(
        response.sel(condition="i2v", lam_response=0.6).sel(early), modulated["attention"].sel(early), atol=1e-6
    )
    assert bool(ds["complete"].all()) and verify_study(path) == []


def test_xarray_alone_reads_it(path):
    plain, ours = xr.open_zarr(path / "attention.zarr"), open_study(path)
    for name in NAMES:
        xr.testing.assert_equal(plain[name].reset_coords(drop=True), ours[name].reset_coords(drop=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_owns_its_one_shard_and_a_modulated_run_has_none(path, name):
    before = files(path, name)
    assert len(before) == 4, "two samples, two untouched conditions"
    changed = read_run(path, "sample-1", "i2v")
    changed = dataclasses.replace(changed, **{key: getattr(changed, key) / 2 for key in NAMES})
    write_run(path, changed)
    after = files(path, name)
    assert [f for f in after if after[f] != before[f]] == [f for f in before if "/c/1/1/" in f]


def test_one_strength_is_read_alone(path):
    for name in NAMES:
        (file,) = [f for f in (path / "attention.zarr" / name / "c" / "1" / "1").rglob("*") if f.is_file()]
        data = bytearray(file.read_bytes())
        data[10] ^= 1  # in the first inner chunk: the first λ
        file.write_bytes(data)
        response = open_study(path)[name].sel(sample="sample-1", condition="i2v")
        response.sel(lam_response=0.6).compute()
        with pytest.raises(CorruptStoreError, match=f"{name} of run 'sample-1' under 'i2v'"):
            response.sel(lam_response=-1.0).compute()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["flip", "delete"])
def test_damage_is_named_and_never_passes_for_a_run_without_one(path, name, damage):
    ds = open_study(path)
    (file,) = [f for f in (path / "attention.zarr" / name / "c" / "1" / "1").rglob("*") if f.is_file()]
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0x10
    if damage == "flip":
        file.write_bytes(data)
    else:
        file.unlink()
    with pytest.raises(CorruptStoreError, match="'sample-1' under 'i2v'"):
        ds[name].compute()
    assert verify_study(path) == [("sample-1", "i2v")]
    assert np.isnan(ds[name].sel(condition="i2v lam=0.6")).all()
    forget_run(path, "sample-1", "i2v")
    assert verify_study(path) == []
    ds[name].sel(sample="sample-0").compute()


def test_a_forgotten_run_is_written_again_and_a_grown_study_keeps_what_it_had(path, original):
    run = read_run(path, "sample-1", "t2v")
    forget_run(path, "sample-1", "t2v")
    extend_study(path, samples=[Sample(id="new", prompt="p", seed=1, image="images/new.png")])
    ds = open_study(path)
    assert ds["attention_response"].shape[:3] == (3, 3, 4)
    np.testing.assert_allclose(
        ds["attention_response"].sel(condition="i2v")[:2], original.attention_response["i2v"], atol=1e-6
    )
    assert np.isnan(ds["attention_response"].sel(sample="new")).all()
    write_run(path, dataclasses.replace(run, sample="new"))
    write_run(path, run)
    assert {("new", "t2v"), ("sample-1", "t2v")} <= completed_runs(path)
    np.testing.assert_array_equal(
        open_study(path)["attention_response"].sel(sample="new", condition="t2v"), run.attention_response
    )


def test_a_run_without_its_response_or_with_one_it_cannot_have_is_refused(path, tmp_path):
    run = read_run(path, "sample-0", "i2v")
    nothing = {"attention_response": None, "text_mass_response": None}
    forget_run(path, "sample-0", "i2v")
    for changes, words in (
        ({"attention_response": None}, "attention_response .* is missing; this study keeps the response"),
        ({"text_mass_response": None}, "text_mass_response .* is missing"),
        ({"attention_response": run.attention_response[1:]}, r"has shape \(3, .*\(lam_response, branch, step"),
        ({"attention_response": run.attention_response.astype(np.float64)}, "float64"),
        ({"text_mass_response": np.full_like(run.text_mass_response, np.nan)}, "values that are NaN"),
        ({"condition": "i2v lam=0.6"}, "under 'i2v lam=0.6' is given, but the condition modulates the model"),
    ):
        with pytest.raises(InputError, match=words):
            write_run(path, dataclasses.replace(run, **changes))
    assert ("sample-0", "i2v") not in completed_runs(path)
    write_run(path, dataclasses.replace(run, condition="i2v lam=0.6", **nothing))
    known = synthetic_study(tmp_path / "without", samples=1, lams=())
    with pytest.raises(InputError, match="is given, but the study was made without a response"):
        write_run(known.path, run)


def test_a_study_without_one_is_what_it_was_before_there_were_any(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=1, lams=())
    ds = open_study(known.path)
    assert not {*NAMES, "lam_response"} & {*ds.variables, *ds.sizes}
    assert "response" not in json.loads((known.path / "study.json").read_text())["shape"]
    assert known.attention_response == {}


def test_the_grid_is_fixed_when_the_study_is_made(tmp_path):
    create_study(tmp_path / "study", config={}, shape=SHAPE)
    create_study(tmp_path / "study", config={}, shape=SHAPE)
    document = json.loads((tmp_path / "study" / "study.json").read_text(), parse_constant=pytest.fail)
    assert document["shape"]["response"] == [-1.0, 0.0, 0.6, "inf"]
    for other in ((), (-1.0,), (-1.0, 0.0, 0.7, float("inf"))):
        with pytest.raises(StudyError, match="was made with response"):
            create_study(tmp_path / "study", config={}, shape=dataclasses.replace(SMALL, response=other))


@pytest.mark.parametrize(
    ("response", "words"),
    [((1.0, 0.0), "rising"), ([0.0, 1.0], "rising"), ((1.0, 1.0), "twice"), ((float("nan"),), "NaN")],
)
def test_a_grid_that_is_none_is_refused(response, words):
    with pytest.raises(InputError, match=words):
        AttentionShape(branches=("cond",), steps=1, layers=("a",), heads=1, frames=2, response=response)


def test_a_study_that_lost_a_part_of_it_is_refused(path):
    shutil.rmtree(path / "attention.zarr" / "text_mass_response")
    root = path / "attention.zarr" / "zarr.json"
    root.write_text(root.read_text().replace('"text_mass_response"', '"something"'))
    with pytest.raises(StudyError, match="lacks the variable text_mass_response"):
        open_study(path)


def test_a_process_killed_while_it_writes_one_leaves_a_run_to_do_again(path):
    run = read_run(path, "sample-1", "i2v")
    script = f"""
import dataclasses, os, signal, sys
from dymos_probe.store import Run, open_study, write_run
def hook(event, args):
    place = "study/attention.zarr/attention_response/c/1/1/"
    if event == "open" and place in str(args[0]) and str(args[0]).endswith(".partial"):
        os.kill(os.getpid(), signal.SIGKILL)
ds = open_study({str(path)!r}).sel(sample="sample-1", condition="i2v")
names = [field.name for field in dataclasses.fields(Run) if field.name not in ("sample", "condition")]
run = Run(sample="sample-1", condition="i2v", **{{name: ds[name].values for name in names}})
sys.addaudithook(hook)
write_run({str(path)!r}, run)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert ("sample-1", "i2v") not in completed_runs(path) and len(completed_runs(path)) == 5
    assert verify_study(path) == []
    write_run(path, run)
    assert verify_study(path) == [] and len(completed_runs(path)) == 6
    assert not list((path / "attention.zarr" / "attention_response").rglob("*.partial"))
