"""A verdict follows from the numbers, whichever way they point."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.fig3_intervention import study as fig3
from studies.reproduction.numbers import pm, relative, signed_pm, table
from studies.reproduction.registry import STUDIES
from studies.reproduction.results import FILE, Results, read_results
from studies.reproduction.verdict import ANSWERS, falls, keeps, rises, sign, steadily, worsens

ROOT = Path(__file__).parents[2] / "studies"


def change(mean, error, pairs=40):
    return {"mean": mean, "standard_error": error, "pairs": pairs}


@pytest.mark.parametrize(
    ("mean", "error", "wanted"),
    [
        (1.4, 0.26, 1),
        (-1.4, 0.26, -1),
        (0.5, 0.26, 0),
        (-0.5, 0.26, 0),
        (1.0, None, 0),
        (None, None, 0),
        (0.52, 0.26, 0),
    ],
)
def test_a_change_counts_beyond_two_standard_errors(mean, error, wanted):
    assert sign(change(mean, error)) == wanted


@pytest.mark.parametrize(("verdict", "direction"), [(rises, 1), (falls, -1)])
def test_a_direction_is_found_missed_or_not_decided(verdict, direction):
    def judged(mean):
        return verdict(change(direction * mean, 0.26), claim="§1: it moves", what="motion", units=" px")

    assert (judged(1.4).holds, judged(-1.4).holds, judged(0.3).holds) == (True, False, None)
    assert judged(1.4).line.startswith("- **As in the paper.** §1: it moves. Here: motion ")
    assert judged(-1.4).line.startswith("- **Not as in the paper.**")
    assert judged(0.3).line.startswith("- **Not decided.**") and "not told apart" in judged(0.3).found


def test_a_change_that_stays_within_what_counts_as_none_is_one_in_direction_only_or_none():
    def judged(verdict, mean, error):
        found = verdict(change(mean, error), margin=1.0, claim="c", what="motion", units=" px")
        return found.answer, "up to 1 px counts as none" in found.found

    assert judged(rises, 2.1, 0.5) == ("As in the paper", False)
    assert judged(rises, 0.6, 0.25) == ("As in the paper", False)  # more than 1 px is not ruled out
    assert judged(rises, 0.5, 0.2) == ("In direction only", True)
    assert judged(falls, -0.5, 0.2) == ("In direction only", True)
    assert judged(rises, 0.1, 0.2) == ("Not as in the paper", True)
    assert judged(rises, -0.5, 0.2) == ("Not as in the paper", True)
    assert judged(rises, 0.5, 0.4) == ("Not decided", False)
    assert rises(change(0.5, 0.2), claim="c", what="motion").answer == "As in the paper"


def test_the_sentence_carries_the_numbers():
    said = rises(change(1.4, 0.26, 58), claim="c", what="motion, λ from 0 to 1,", units=" px")
    assert said.found == "motion, λ from 0 to 1, rises (+1.40 ± 0.26 px, 58 pairs)"
    assert falls(change(None, None, 0), claim="c", what="motion").found.endswith("(no pair measured)")


def test_quality_is_kept_where_more_than_the_margin_is_ruled_out():
    for worse in (1, -1):

        def judged(mean, error, margin, worse=worse):
            return keeps(change(worse * mean, error), worse=worse, margin=margin, claim="c", what="lost").holds

        assert [judged(x, 0.1, 0.5) for x in (1.0, -1.0, 0.1, 0.3, 0.31)] == [False, True, True, True, False]
        # Few samples: nothing is seen, and nothing is ruled out.
        assert judged(0.1, 5.0, 0.5) is None
        assert judged(0.1, 0.1, None) is None and judged(1.0, 0.1, None) is False
        assert [
            worsens(change(worse * x, 0.1), worse=worse, claim="c", what="lost").holds for x in (1.0, -1.0, 0.1)
        ] == [True, False, None]
    assert keeps(change(0.0, None, 1), worse=1, margin=1.0, claim="c", what="lost").holds is None


def test_steadily_needs_every_step_and_one_step_back_denies_it():
    up, flat, down = change(1.0, 0.1), change(0.1, 0.1), change(-1.0, 0.1)

    def judged(*steps, **how):
        return steadily([(n - 1.0, n, step) for n, step in enumerate(steps)], claim="c", what="motion", **how)

    assert judged(up, up).holds is True
    assert judged(up, flat).holds is None and "1 of 2 steps" in judged(up, flat).found
    assert judged(up, down).holds is False and "goes the other way in 1" in judged(up, down).found
    assert judged(down, down, up=False).holds is True
    assert judged().holds is None
    assert "(−1 to 0: +1.00 ± 0.10, 40 pairs)" in judged(up).found


def test_a_number_has_two_digits_of_its_error():
    assert pm(1.4049, 0.2611) == "1.40 ± 0.26"
    assert pm(-1.4049, 0.0999) == "−1.40 ± 0.10"
    assert pm(11.96, 1.26) == "12.0 ± 1.3"
    assert pm(150.2, 12.0) == "150 ± 12"
    assert pm(-0.001, 0.26) == "0.00 ± 0.26"
    assert pm(None, None) == "—" and pm(0.5, None) == pm(0.5, 0.0) == "0.500"
    assert signed_pm(1.4, 0.26) == "+1.40 ± 0.26" and signed_pm(-1.4, 0.26) == "−1.40 ± 0.26"


def test_a_relative_change_has_its_sign():
    assert [relative(share) for share in (0.117, -0.0349, -0.0001)] == ["+11.7 %", "−3.5 %", "0 %"]


def test_a_table_is_markdown():
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def flipped(value):
    """The same results with every change the other way."""
    if isinstance(value, dict):
        turned = {key: flipped(item) for key, item in value.items()}
        if {"mean", "standard_error", "pairs"} <= set(value) and value["mean"] is not None:
            turned["mean"] = -value["mean"]
        return turned
    return [flipped(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("study", [study for study in STUDIES if study.records], ids=lambda study: study.name)
def test_with_every_change_turned_around_no_decided_change_keeps_its_verdict(study):
    if not (ROOT / study.name / FILE).is_file():
        pytest.skip("not run yet")
    before = read_results(ROOT / study.name)
    after = Results(
        study=before.study, configuration=before.configuration, found=flipped(before.found), made=before.made
    )
    pairs = list(zip(study.verdicts(before), study.verdicts(after), strict=True))
    changed = [(one, two) for one, two in pairs if one.found != two.found and " rises (" in one.found + two.found]
    assert changed
    assert all(one.answer != two.answer for one, two in changed if one.answer in ANSWERS[:2])


@pytest.mark.parametrize(
    ("lam", "mean", "error", "wanted"),
    [(1.0, 3.0, 0.1, True), (2.0, 3.0, 0.1, False), (2.0, 3.0, 2.0, None), (2.0, 0.02, 0.001, None)],
)
def test_motion_is_nearest_elsewhere_only_where_it_is_seen_to_differ_by_the_margin(lam, mean, error, wanted):
    near = {"lam": 1.0, "from_least": change(mean, error)}
    assert fig3._same_place(lam, near, 1.0) is wanted
