"""The runner makes what is missing and nothing else, and what it writes follows from the runs alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import dymos_probe as dp
from dymos_probe.errors import StudyError
from dymos_probe.store import completed_runs, forget_run
from studies.__main__ import main
from studies.reproduction.page import FILE as PAGE
from studies.reproduction.page import page
from studies.reproduction.registry import STUDIES
from studies.reproduction.results import FILE, Results, read_results, rounded, write_results
from studies.reproduction.run import Work, fill, measure
from studies.reproduction.setting import Setting
from studies.reproduction.sweep import ALG, Sweep

SWEEPS = (Sweep(lams=(0.0, 1.0), step_ratio=0.2), Sweep(lams=(1.0,), step_ratio=0.2, schedule="log"), ALG)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A pair of random weights, whose runs take a tenth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        file = tmp_path_factory.mktemp("prompts") / "two.txt"
        file.write_text("a dog runs\na cat leaps\n")
        yield Setting(pair="tiny-cogvideox", prompts=file)


@pytest.fixture(scope="module")
def filled(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> Work:
    work = Work(runs=tmp_path_factory.mktemp("runs"), device="cpu")
    made = fill(setting, setting.pair, SWEEPS, work)
    assert [(run.sample.prompt, run.way.id) for run in made[:4]] == [
        ("a dog runs", "t2v"),
        ("a cat leaps", "t2v"),
        ("a dog runs", "i2v"),
        ("a cat leaps", "i2v"),
    ]
    assert len(made) == 2 * (2 + 3)  # λ = 0 is the untouched arm
    return work


def store(work: Work, setting: Setting) -> Path:
    return work.runs / setting.store(setting.pair)


def test_what_is_there_is_never_made_again(filled: Work, setting: Setting) -> None:
    assert fill(setting, setting.pair, SWEEPS, filled) == ()
    assert fill(setting, setting.pair, SWEEPS[:1], filled) == ()


def test_only_what_is_missing_is_made(filled: Work, setting: Setting) -> None:
    sample = str(dp.open_study(store(filled, setting))["sample"].values[1])
    forget_run(store(filled, setting), sample, "i2v_lam1_ratio0.2_log")
    assert [(run.sample.id, run.way.id) for run in fill(setting, setting.pair, SWEEPS, filled)] == [
        (sample, "i2v_lam1_ratio0.2_log")
    ]
    more = (*SWEEPS, Sweep(lams=(1.0, -1.0), step_ratio=0.2))
    assert [run.way.id for run in fill(setting, setting.pair, more, filled)] == ["i2v_lam-1_ratio0.2"] * 2


def test_the_conditions_in_the_store_are_those_the_studies_look_for(filled: Work, setting: Setting) -> None:
    made = {condition for _, condition in completed_runs(store(filled, setting))}
    assert {label for sweep in SWEEPS for label in sweep.ids(setting.pair)} <= made


def test_values_are_measured_once(filled: Work, setting: Setting) -> None:
    assert measure(setting, setting.pair, filled) > 0
    assert measure(setting, setting.pair, filled) == 0


def results(found: dict[str, object], date: str = "2026-01-01") -> Results:
    return Results(study="x", configuration={"lam": 1.0}, found=found, made={"date": date})


def test_results_that_did_not_change_keep_their_date(tmp_path: Path) -> None:
    write_results(tmp_path, results({"a": 1 / 3}))
    before = (tmp_path / FILE).read_bytes()
    assert write_results(tmp_path, results({"a": 1 / 3 + 1e-12}, "2027-01-01")).made["date"] == "2026-01-01"
    assert (tmp_path / FILE).read_bytes() == before
    assert write_results(tmp_path, results({"a": 0.4}, "2027-01-01")).made["date"] == "2027-01-01"
    assert read_results(tmp_path).found == {"a": 0.4}


def test_results_hold_numbers_alone(tmp_path: Path) -> None:
    assert rounded({"a": (1.23456789, 2, None, "x")}) == {"a": [1.23457, 2, None, "x"]}
    with pytest.raises(ValueError, match="nan is no number"):
        write_results(tmp_path, results({"a": [float("nan")]}))
    assert not (tmp_path / FILE).exists()


def test_results_that_are_not_there_or_not_ours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="run `python -m studies"):
        read_results(tmp_path)
    (tmp_path / FILE).write_text('{"a": 1}')
    with pytest.raises(StudyError, match="not what a study wrote"):
        read_results(tmp_path)


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fig9",), "study 'fig9' is unknown"),
        (("--pair", "wan2.1-14b"), "give --prompts FILE"),
        (("--samples", "65"), "outside 1 to 64"),
        (("--prompts", "nowhere.txt"), "there is no prompt file nowhere.txt"),
        (("--colour", "red"), "No such option: --colour"),
    ],
)
def test_a_wrong_request_is_one_line_and_status_2(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert status(*arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err and printed.err.startswith("studies: ") and printed.err.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_list_names_every_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert status("--list") == 0
    printed = capsys.readouterr().out
    assert all(study.name in printed and study.paper in printed for study in STUDIES)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_studies_run_from_nothing_to_their_pages_and_twice_to_the_same(tmp_path, capsys):
    names = [study.name for study in STUDIES if study.records]
    arguments = (*names, "--samples", "2", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "pages"))
    assert status(*arguments) == 0
    pages = tmp_path / "pages"
    first = {file.relative_to(pages): file.read_bytes() for file in sorted(pages.rglob("*")) if file.is_file()}
    assert {name.parts[0] for name in first} == {*names, PAGE}
    for study in STUDIES:
        if study.records:
            found = read_results(pages / study.name)
            assert page(study, found).encode() == first[Path(study.name) / PAGE]
            assert json.loads(first[Path(study.name) / FILE])["configuration"]["pair"] == "sprites"
    capsys.readouterr()
    for file in pages.rglob("*.png"):
        file.unlink()
    assert status(*arguments) == 0
    assert "made 0 runs" in capsys.readouterr().out
    second = {file.relative_to(pages): file.read_bytes() for file in sorted(pages.rglob("*")) if file.is_file()}
    assert second == first
