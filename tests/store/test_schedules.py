"""Matched tables are kept by content: the same file for the same table, and never another's under its name."""

import json

import pytest

from dymos_probe.bias import matched_name
from dymos_probe.errors import EnvironmentLacksError, InputError, StudyError
from dymos_probe.store import open_study, read_schedule, schedule_names, verify_study, write_schedule
from dymos_probe.testing.synthetic import synthetic_study

TABLE = ((0.0, 0.5, -1.0), (0.0, 2.0, 0.25))
OTHER = ((0.0, 0.5, -1.0), (0.0, 2.0, 0.3))


@pytest.fixture
def path(tmp_path):
    return synthetic_study(tmp_path / "study", lams=()).path


def test_what_is_written_comes_back_and_stays_as_it_was_first_written(path):
    assert schedule_names(path) == []
    file = write_schedule(path, TABLE, {"samples": 3})
    assert file == path / "schedules" / f"{matched_name(TABLE)}.json"
    assert read_schedule(path, matched_name(TABLE)) == TABLE
    before = file.read_bytes()
    assert write_schedule(path, TABLE, {"samples": 4}) == file and file.read_bytes() == before
    write_schedule(path, OTHER, {})
    assert schedule_names(path) == sorted([matched_name(TABLE), matched_name(OTHER)])
    assert read_schedule(path, matched_name(OTHER)) == OTHER
    assert verify_study(path) == [] and bool(open_study(path)["complete"].all())


def test_an_unknown_name_is_refused_with_those_there_are(path):
    with pytest.raises(InputError, match=r"no schedule 'matched-0'; it has none"):
        read_schedule(path, "matched-0")
    write_schedule(path, TABLE, {})
    with pytest.raises(InputError, match=f"it has {matched_name(TABLE)}"):
        read_schedule(path, "../study")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda document: document | {"table": [list(row) for row in OTHER]}, "holds another table"),
        (lambda document: document | {"table": [[0.0, "x"]]}, "holds no matched table"),
        (lambda document: document | {"table": [[1.0, 1.0]]}, "holds no matched table"),
        (lambda document: {"about": {}}, "holds no matched table"),
    ],
)
def test_a_file_that_does_not_hold_the_table_of_its_name_is_refused(path, change, words):
    file = write_schedule(path, TABLE, {})
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    for call in (lambda: read_schedule(path, file.stem), lambda: write_schedule(path, TABLE, {})):
        with pytest.raises(StudyError, match=words):
            call()


def test_a_folder_that_cannot_be_made_is_told(path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(EnvironmentLacksError, match="cannot be written"):
        write_schedule(path, TABLE, {})
