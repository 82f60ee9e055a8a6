"""A study remembers its configuration and refuses to be continued with another."""

import errno
import json

import pytest

from dymos_probe.errors import EnvironmentLacksError, InputError, MissingFileError, StudyError
from dymos_probe.store import AttentionShape, check_config, create_study, read_config
from dymos_probe.store.study_file import storage_errors

SHAPE = AttentionShape(branches=("cond",), steps=2, layers=("a",), heads=1, frames=2)
CONFIG = {"pair": {"t2v": "org/t2v", "i2v": "org/i2v"}, "resolved": {"steps": 2, "size": (64, 96)}}


def test_the_configuration_comes_back_as_it_was_given(tmp_path):
    create_study(tmp_path / "s", config=CONFIG, shape=SHAPE)
    assert read_config(tmp_path / "s") == json.loads(json.dumps(CONFIG))
    check_config(tmp_path / "s", CONFIG)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({**CONFIG, "pair": {"t2v": "org/t2v", "i2v": "org/other"}}, ("pair.i2v", '"org/i2v"', '"org/other"')),
        ({**CONFIG, "resolved": {"steps": 3, "size": [64, 96]}}, ("resolved.steps", "2", "3")),
        ({"pair": CONFIG["pair"]}, ("resolved", "not given")),
        ({**CONFIG, "extra": True}, ("extra", "not given", "true")),
    ],
)
def test_another_configuration_is_refused_by_its_first_difference(tmp_path, asked, words):
    create_study(tmp_path / "s", config=CONFIG, shape=SHAPE)
    for attempt in (check_config, lambda path, config: create_study(path, config=config, shape=SHAPE)):
        with pytest.raises(StudyError) as refused:
            attempt(tmp_path / "s", asked)
        assert all(word in str(refused.value) for word in words)
        assert "\n" not in str(refused.value)


def test_another_shape_or_schema_version_is_refused(tmp_path):
    create_study(tmp_path / "s", config=CONFIG, shape=SHAPE)
    other = AttentionShape(branches=("cond",), steps=2, layers=("a",), heads=1, frames=5)
    with pytest.raises(StudyError, match=r"frames = 2, now 5"):
        create_study(tmp_path / "s", config=CONFIG, shape=other)
    file = tmp_path / "s" / "study.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "schema": {"name": "dymos-probe-study", "version": 99}}))
    with pytest.raises(StudyError, match="schema dymos-probe-study 99"):
        check_config(tmp_path / "s", CONFIG)


def test_a_folder_that_is_no_study_is_refused_in_one_line(tmp_path):
    with pytest.raises(MissingFileError, match="no study at"):
        read_config(tmp_path / "nothing")
    with pytest.raises(StudyError, match=r"it has no study\.json"):
        read_config(tmp_path)
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(StudyError, match="not the description of a study"):
        read_config(tmp_path)


def test_a_configuration_that_json_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="plain JSON"):
        create_study(tmp_path / "s", config={"pair": object()}, shape=SHAPE)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "cannot be written")])
def test_a_full_or_read_only_disk_is_what_the_environment_lacks(tmp_path, code, words):
    with pytest.raises(EnvironmentLacksError, match=words), storage_errors(tmp_path):
        raise OSError(code, "from the system")
    with pytest.raises(OSError, match="other"), storage_errors(tmp_path):
        raise OSError(errno.EIO, "other")
