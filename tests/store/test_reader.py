"""A study opens for the price of its metadata, and damaged data never passes for data."""

import json
import pickle
import shutil
import subprocess
import sys

import dask.base
import numpy as np
import pytest
import xarray as xr
import zarr

from dymos_probe.errors import CorruptStoreError, MissingFileError, StudyError
from dymos_probe.store import completed_runs, forget_run, open_study, verify_study, write_metric
from dymos_probe.store.schema import COMPLETE_VARIABLE, RUN_VARIABLES, VARIABLES
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return synthetic_study(tmp_path_factory.mktemp("studies") / "study", samples=2, lams=(0.6,))


@pytest.fixture
def known(original, tmp_path):
    shutil.copytree(original.path, tmp_path / "study")
    return original


@pytest.fixture
def path(known, tmp_path):
    return tmp_path / "study"


def shard(path, name="attention", sample=1, condition=1):
    place = path / "attention.zarr" / name / "c" / str(sample) / str(condition)
    (file,) = [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]
    return file


def test_everything_is_lazy_labelled_and_described(path, known):
    ds = open_study(path)
    for variable in (*RUN_VARIABLES, COMPLETE_VARIABLE):
        assert dask.base.is_dask_collection(ds[variable.name].variable._data), variable.name
    for variable in VARIABLES:
        assert ds[variable.name].dims == variable.dims
        assert {"long_name", "units"} <= set(ds[variable.name].attrs), variable.name
    assert ds["arm"].dims == ("condition",)
    assert ds["layer_name"].values.tolist() == ["blocks.0.attn1", "blocks.1.attn1", "blocks.2.attn1"]
    assert ds.attrs["schema"] == {"name": "dymos-probe-study", "version": 1}
    assert ds.attrs["pair"] == "synthetic"
    assert ds.attrs["metadata"] == "consolidated"
    for index, label in enumerate(known.conditions):
        np.testing.assert_allclose(ds["attention"][:, index], known.attention[label], atol=1e-7)


def test_opening_reads_no_data(path):
    for variable in (*RUN_VARIABLES, COMPLETE_VARIABLE):
        shutil.rmtree(path / "attention.zarr" / variable.name / "c")
    ds = open_study(path)
    assert ds.sizes["sample"] == 2
    assert ds["lam"].values.tolist() == [0.0, 0.0, 0.6]


def test_one_step_can_be_read_when_another_is_damaged(path):
    ds = open_study(path)
    file = shard(path)
    data = bytearray(file.read_bytes())
    data[10] ^= 1  # in the first inner chunk: branch 0, step 0
    file.write_bytes(data)
    ds["attention"][1, 1, 0, 1:].compute()
    with pytest.raises(CorruptStoreError):
        ds["attention"][1, 1, 0, :1].compute()


@pytest.mark.parametrize("name", ["attention", "text_mass", "attention_mean", "dominance", "sigma"])
@pytest.mark.parametrize("damage", ["flip first", "flip middle", "flip last", "truncate", "delete"])
def test_a_damaged_chunk_is_named_when_it_is_read_and_when_it_is_looked_for(path, name, damage):
    ds = open_study(path)
    file = shard(path, name)
    data = bytearray(file.read_bytes())
    if damage == "delete":
        file.unlink()
    elif damage == "truncate":
        file.write_bytes(data[: len(data) // 2])
    else:
        # In the middle lie plain literals, where only the checksum can tell.
        data[{"flip first": 0, "flip middle": len(data) // 3, "flip last": -1}[damage]] ^= 0x10
        file.write_bytes(data)
    with pytest.raises(CorruptStoreError, match="of run 'sample-1' under 'i2v'") as refused:
        ds[name].compute()
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)
    assert verify_study(path) == [("sample-1", "i2v")]
    ds[name].sel(sample="sample-0").compute()


def test_a_damaged_mark_is_reported_and_forgetting_the_run_mends_it(path):
    mark = shard(path, "complete")
    mark.write_bytes(mark.read_bytes()[:-1])
    assert verify_study(path) == [("sample-1", "i2v")]
    with pytest.raises(CorruptStoreError, match="complete"):
        completed_runs(path)
    forget_run(path, "sample-1", "i2v")
    assert verify_study(path) == []
    assert len(completed_runs(path)) == 5


def test_a_run_that_is_not_there_is_nan_and_no_damage(path):
    forget_run(path, "sample-1", "i2v")
    shard(path).unlink()
    block = open_study(path)["attention"].compute()
    assert np.isnan(block[1, 1]).all()
    assert verify_study(path) == []


def test_a_metric_that_nobody_measured_is_nan(path):
    write_metric(path, "motion", "sample-0", "t2v", 1.0, {"units": "px"})
    assert int(open_study(path)["metric_motion"].isnull().sum()) == 5


def test_a_study_without_consolidated_metadata_opens_and_says_so(path, known):
    root = path / "attention.zarr" / "zarr.json"
    document = json.loads(root.read_text())
    del document["consolidated_metadata"]
    root.write_text(json.dumps(document))
    ds = open_study(path)
    assert "array by array" in ds.attrs["metadata"]
    np.testing.assert_allclose(ds["attention"][:, 0], known.attention["t2v"], atol=1e-7)


def test_xarray_alone_reads_the_same_dataset(path):
    plain = xr.open_zarr(path / "attention.zarr")
    ours = open_study(path)
    assert set(plain.coords) == set(ours.coords)
    xr.testing.assert_equal(plain["attention"].drop_vars(plain.coords), ours["attention"].drop_vars(ours.coords))


def test_a_dataset_travels_to_another_process(path):
    ds = open_study(path)
    xr.testing.assert_identical(pickle.loads(pickle.dumps(ds)).compute(), ds.compute())


def test_what_is_no_study_is_refused_in_one_line(path, tmp_path):
    with pytest.raises(MissingFileError):
        open_study(tmp_path / "nothing")
    with pytest.raises(StudyError, match=r"it has no study\.json"):
        open_study(tmp_path)
    shutil.rmtree(path / "attention.zarr" / "text_mass")
    root = path / "attention.zarr" / "zarr.json"
    root.write_text(root.read_text().replace('"text_mass"', '"something"'))
    with pytest.raises(StudyError, match="lacks the variable text_mass"):
        open_study(path)
    shutil.rmtree(path / "attention.zarr")
    with pytest.raises(StudyError, match=r"has no attention\.zarr"):
        open_study(path)


def test_store_analysis_and_figures_leave_torch_unloaded(path):
    script = (
        "import sys, dymos_probe.store, dymos_probe.analysis, dymos_probe.figures, dymos_probe.testing.synthetic\n"
        f"dymos_probe.store.open_study({str(path)!r}).probe.difference().compute()\n"
        "assert not {'torch', 'streamlit'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_who_will_ask_often_has_the_means_and_the_marks_in_memory(path, known):
    ds = open_study(path, in_memory=2**20)
    for name in ("attention_mean", "complete"):
        assert not dask.base.is_dask_collection(ds[name].variable._data), name
    assert dask.base.is_dask_collection(ds["attention"].variable._data)
    plain = open_study(path)
    xr.testing.assert_identical(ds.compute(), plain.compute())
    shutil.rmtree(path / "attention.zarr" / "attention_mean" / "c")
    xr.testing.assert_allclose(ds.probe.difference().compute(), plain.probe.difference(keep=("layer",)).mean("layer"))
    assert ds.probe.difference().attrs == plain.probe.difference().attrs


def test_means_larger_than_the_room_given_stay_on_disk(path):
    size = open_study(path)["attention_mean"].nbytes
    for room, held in ((size, True), (size - 1, False)):
        ds = open_study(path, in_memory=room)
        assert dask.base.is_dask_collection(ds["attention_mean"].variable._data) is not held


def test_a_run_completed_after_the_means_were_read_has_no_mark_and_so_no_nan_in_a_mean(path):
    forget_run(path, "sample-1", "i2v")
    shutil.rmtree(path / "attention.zarr" / "attention_mean" / "c" / "1" / "1", ignore_errors=True)
    (path / "attention.zarr" / "attention_mean" / "c" / "1" / "1").unlink(missing_ok=True)
    ds = open_study(path, in_memory=2**20)
    group = zarr.open_group(path / "attention.zarr", mode="r+")
    group["complete"][1, 1] = True
    group["attention_mean"][1, 1] = 0.25
    assert ds.probe.difference().attrs["samples_used"] == 1 and ds.probe.difference().notnull().all()
    assert open_study(path, in_memory=2**20).probe.difference().attrs["samples_used"] == 2


def test_a_damaged_mean_is_said_at_once_where_means_are_read_at_once(path):
    file = shard(path, "attention_mean")
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(CorruptStoreError, match="attention_mean of run 'sample-1' under 'i2v'"):
        open_study(path, in_memory=2**20)
    open_study(path)
