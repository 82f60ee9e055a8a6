"""A preference study is set up whole, or one line says why not."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from dymos_probe.errors import InputError, MissingFileError, StudyError
from dymos_probe.pairs import PRESETS
from dymos_probe.preference import BrokenSurvey, create_survey, database, open_survey, published_lam, surveys, vote
from dymos_probe.preference.trials import get_trial, join, next_trial

THREE = ("i2v", "i2v lam=-1", "i2v lam=1")


def test_it_keeps_what_it_compares(folder):
    made = create_survey(folder, "group/demo", title="  First\nround ", conditions=THREE, pairs=3, seed=5)
    assert open_survey(folder, made.id) == made
    assert (made.title, made.study, made.conditions, made.seed) == ("First round", "group/demo", THREE, 5)
    assert [candidate.lam for candidate in made.candidates] == [0.0, -1.0, 1.0]
    assert len(set(made.samples)) == 3 and made.path.parent == folder / ".preference"


def test_the_samples_are_drawn_by_the_seed(folder):
    def drawn(seed):
        return create_survey(folder, "group/demo", conditions=THREE, pairs=3, seed=seed).samples

    assert drawn(1) == drawn(1) and len({drawn(seed) for seed in range(8)}) > 1


def test_without_a_word_up_to_25_pairs_of_the_default_three_are_taken(folder):
    made = create_survey(folder, "group/demo")
    assert made.conditions == ("i2v", "i2v lam=1", "i2v lam=-1") and len(made.samples) == 7
    assert made.title == "group/demo"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"conditions": ("i2v", "i2v lam=1")}, "three different conditions are compared, got i2v, i2v lam=1"),
        ({"conditions": ("i2v", "i2v", "i2v lam=1")}, "three different conditions"),
        ({"conditions": ("i2v", "alg", "i2v lam=1")}, "no condition 'alg'; it has t2v, i2v"),
        ({"pairs": 0}, "pairs 0 must be between 1 and 7"),
        ({"pairs": 8}, "pairs 8 must be between 1 and 7"),
        ({"seed": -1}, "seed -1 must not be negative"),
        ({"title": "x" * 121}, "the title has 121 characters"),
    ],
)
def test_a_wrong_request_is_told_and_makes_no_file(folder, asked, words):
    before = sorted((folder / ".preference").iterdir()) if (folder / ".preference").exists() else []
    with pytest.raises(InputError, match=words):
        create_survey(folder, "group/demo", **asked)
    after = sorted((folder / ".preference").iterdir()) if (folder / ".preference").exists() else []
    assert after == before


def test_only_a_study_below_the_folder_can_be_compared(folder):
    with pytest.raises(InputError, match="is not below"):
        create_survey(folder / "group" / "demo" / "videos", "../..")
    with pytest.raises(MissingFileError):
        create_survey(folder, "nobody")
    with pytest.raises(StudyError, match="is no study"):
        create_survey(folder, "group")


@pytest.mark.parametrize("ident", ["", "x", "../../secret", "A" * 12, "0" * 12, "0" * 13, "000000000000\n"])
def test_no_other_name_leads_to_a_file(folder, ident):
    with pytest.raises(MissingFileError, match="there is no preference study"):
        open_survey(folder, ident)


def test_a_link_is_not_followed(folder, survey):
    link = survey.path.with_name("0123456789ab.sqlite")
    link.symlink_to(survey.path)
    try:
        with pytest.raises(MissingFileError):
            open_survey(folder, link.stem)
        assert link.stem not in {each.id for each in surveys(folder)}
    finally:
        link.unlink()


def test_all_are_listed_and_a_broken_one_says_why_and_hides_no_other(folder, survey):
    broken, foreign = (survey.path.with_name(f"{digit * 12}.sqlite") for digit in "ab")
    broken.write_bytes(b"no database at all, but longer than a header of SQLite" * 40)
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE other (x)")
    try:
        listed = {each.id: each for each in surveys(folder)}
        assert listed[survey.id] == survey
        assert isinstance(listed["a" * 12], BrokenSurvey) and "not a database" in listed["a" * 12].why
        assert "no preference study" in listed["b" * 12].why
    finally:
        broken.unlink()
        foreign.unlink()


def test_the_database_is_in_write_ahead_mode_with_its_version_and_foreign_keys(survey):
    with database.reading(survey.path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
        assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), database.writing(survey.path) as db:
        db.execute("INSERT INTO vote VALUES ('nobody', 'motion', 'A', '')")


def test_an_older_version_is_migrated_and_keeps_its_votes(folder, survey, monkeypatch):
    trial = next_trial(survey, join(survey))
    vote(survey, trial.id, "motion", "B")
    later = (*database.MIGRATIONS, ("ALTER TABLE rater ADD COLUMN country TEXT NOT NULL DEFAULT ''",))
    monkeypatch.setattr(database, "MIGRATIONS", later)
    assert get_trial(survey, trial.id).answers == {"motion": "B"}
    with closing(sqlite3.connect(survey.path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(later),)
        assert db.execute("SELECT country FROM rater").fetchall() == [("",)]
    monkeypatch.undo()
    with pytest.raises(StudyError, match=f"version {len(later)} of the tables"):
        open_survey(folder, survey.id)


def test_what_fails_while_it_is_made_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), database.creating(tmp_path / "a.sqlite") as db:
        db.execute("INSERT INTO survey VALUES (1, '', '', 0, '')")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_the_published_lam_is_that_of_the_pairs_preset(folder, tmp_path):
    assert published_lam(folder / "group" / "demo") is None
    config = (folder / "group" / "demo" / "study.json").read_text()
    name = next(name for name, preset in PRESETS.items() if preset.lam == 0.6)
    (tmp_path / "study.json").write_text(config.replace('"pair": "synthetic"', f'"pair": {{"preset": "{name}"}}'))
    assert published_lam(tmp_path) == 0.6  # Table 3, Wan 2.2
