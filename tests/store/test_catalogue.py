"""The studies of a folder are listed, the broken ones as broken."""

from __future__ import annotations

import shutil

import pytest

from dymos_probe.store import extend_study, forget_run, write_metric
from dymos_probe.store.catalogue import catalogue, size_on_disk, stamp
from dymos_probe.store.schema import Sample
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture
def folder(tmp_path):
    synthetic_study(tmp_path / "one", samples=2, lams=(1.0,))
    shutil.copytree(tmp_path / "one", tmp_path / "deep" / "er" / "two")
    return tmp_path


def test_every_study_below_a_folder_is_found_with_its_runs(folder):
    found = {entry.name: entry for entry in catalogue(folder)}
    assert set(found) == {"one", "deep/er/two"}
    one = found["one"]
    assert (one.samples, one.conditions, one.complete, one.runs) == (2, 3, 6, 6)
    assert one.pair == "synthetic" and one.broken == "" and one.path == folder / "one"


def test_runs_that_are_not_there_are_not_counted(folder):
    forget_run(folder / "one", "sample-0", "t2v")
    assert {entry.name: entry.complete for entry in catalogue(folder)} == {"one": 5, "deep/er/two": 6}


def test_the_study_written_last_comes_first(folder):
    forget_run(folder / "deep" / "er" / "two", "sample-0", "t2v")
    assert [entry.name for entry in catalogue(folder)] == ["deep/er/two", "one"]


@pytest.mark.parametrize("harm", ["study.json", "attention.zarr/zarr.json", "attention.zarr/complete/c/0/0"])
def test_a_damaged_study_says_why_and_hides_no_other(folder, harm):
    (folder / "one" / harm).write_bytes(b"{")
    found = {entry.name: entry for entry in catalogue(folder)}
    assert found["deep/er/two"].complete == 6
    assert found["one"].broken and "\n" not in found["one"].broken


def test_hidden_folders_are_left_alone(folder):
    (folder / "one").rename(folder / ".one")
    assert [entry.name for entry in catalogue(folder)] == ["deep/er/two"]


def test_a_folder_that_is_a_study_itself_is_listed(folder):
    (entry,) = catalogue(folder / "one")
    assert entry.name == "." and entry.complete == 6


def test_the_size_is_that_of_all_files(folder):
    files = [file for file in (folder / "one").rglob("*") if file.is_file()]
    assert size_on_disk(folder / "one") == sum(len(file.read_bytes()) for file in files)


def test_the_stamp_changes_with_everything_an_entry_says_and_with_nothing_else(folder):
    one, other = folder / "one", folder / "deep" / "er" / "two"
    untouched = stamp(other)
    seen = [stamp(one)]
    assert stamp(one) == seen[0]
    for change in (
        lambda: forget_run(one, "sample-0", "t2v"),
        lambda: extend_study(one, samples=[Sample(id="new", prompt="p", seed=0, image="images/new.png")]),
        lambda: write_metric(one, "motion", "sample-1", "t2v", 1.0, {"long_name": "motion", "units": "px"}),
        lambda: (one / "study.json").write_text("{"),
        lambda: shutil.rmtree(one),
    ):
        change()
        seen.append(stamp(one))
    assert len(set(seen)) == len(seen)
    assert stamp(other) == untouched


def test_a_metric_that_was_added_makes_a_study_the_last_changed(folder):
    write_metric(folder / "deep" / "er" / "two", "motion", "sample-0", "t2v", 1.0, {"long_name": "m", "units": "px"})
    assert [entry.name for entry in catalogue(folder)] == ["deep/er/two", "one"]
