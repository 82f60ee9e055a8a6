"""Trials are blind and balanced, and a vote is kept once."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from itertools import permutations

import pytest

from dymos_probe.errors import InputError
from dymos_probe.preference import QUESTIONS, create_survey, done, get_trial, join, next_trial, progress, vote
from dymos_probe.preference.trials import shown_at

ASKED = [question.id for question in QUESTIONS]


def order(survey, trial):
    return tuple(shown_at(survey, trial, position).condition for position in "ABC")


def finish(survey, trial, choice="A"):
    for question in ASKED:
        vote(survey, trial.id, question, choice)


def test_a_participant_sees_every_sample_once_and_then_it_is_over(survey):
    rater = join(survey)
    seen = []
    for number in range(1, len(survey.samples) + 1):
        trial = next_trial(survey, rater)
        assert trial.number == number and done(survey, rater) == number - 1
        seen.append(shown_at(survey, trial.id, "A").sample)
        finish(survey, trial)
    assert sorted(seen) == sorted(survey.samples)
    assert next_trial(survey, rater) is None and done(survey, rater) == len(seen)


def test_the_order_of_the_samples_is_each_participants_own(survey):
    def first_samples():
        rater, seen = join(survey), []
        while trial := next_trial(survey, rater):
            seen.append(shown_at(survey, trial.id, "A").sample)
            finish(survey, trial)
        return tuple(seen)

    assert len({first_samples() for _ in range(4)}) == 4


def test_after_six_participants_every_sample_was_shown_once_in_each_of_the_six_orders(survey):
    shown = {sample: Counter() for sample in survey.samples}
    for _ in range(6):
        rater = join(survey)
        while trial := next_trial(survey, rater):
            shown[shown_at(survey, trial.id, "A").sample][order(survey, trial.id)] += 1
            finish(survey, trial)
    expected = dict.fromkeys(permutations(survey.conditions), 1)
    assert all(counts == expected for counts in shown.values())


def test_a_participant_alone_sees_the_orders_in_turn(survey):
    rater, shown = join(survey), Counter()
    for _ in range(6):
        trial = next_trial(survey, rater)
        shown[order(survey, trial.id)] += 1
        finish(survey, trial)
    assert shown == dict.fromkeys(permutations(survey.conditions), 1)


def test_however_many_leave_no_order_of_a_sample_is_ahead_by_two(survey):
    shown = {sample: Counter(dict.fromkeys(permutations(survey.conditions), 0)) for sample in survey.samples}
    for leaves_after in (3, 1, 7, 2, 5, 7, 1, 4):
        rater = join(survey)
        for _ in range(leaves_after):
            trial = next_trial(survey, rater)
            shown[shown_at(survey, trial.id, "A").sample][order(survey, trial.id)] += 1
            finish(survey, trial)
        next_trial(survey, rater)  # looked at and left
        for trial in () if leaves_after == 7 else (next_trial(survey, rater),):
            shown[shown_at(survey, trial.id, "A").sample][order(survey, trial.id)] += 1
    for counts in shown.values():
        assert max(counts.values()) - min(counts.values()) <= 1


def test_what_a_page_is_given_does_not_tell_the_videos_apart(survey):
    trial = next_trial(survey, join(survey))
    assert {field.name for field in fields(trial)} == {"id", "number", "prompt", "answers"}
    told = repr(trial)
    assert not any(word in told for word in (*survey.conditions, *survey.samples, "i2v", "lam", survey.study))


def test_a_trial_begun_is_come_back_to(survey):
    rater = join(survey)
    trial = next_trial(survey, rater)
    vote(survey, trial.id, "motion", "B")
    again = next_trial(survey, rater)
    assert again.id == trial.id and again.answers == {"motion": "B"} and not again.complete
    assert order(survey, again.id) == order(survey, trial.id)


def test_a_trial_counts_once_all_four_are_answered(survey):
    trial = next_trial(survey, join(survey))
    for question in ASKED:
        assert progress(survey).trials == 0 and not get_trial(survey, trial.id).complete
        vote(survey, trial.id, question, "C")
    there = progress(survey)
    assert (there.trials, there.raters, there.begun) == (1, 1, 0) and get_trial(survey, trial.id).complete


def test_the_same_vote_again_changes_nothing_and_another_takes_its_place(survey):
    trial = next_trial(survey, join(survey))
    for choice in ("A", "A", "B", "B"):
        vote(survey, trial.id, "motion", choice)
    assert get_trial(survey, trial.id).answers == {"motion": "B"}


def test_an_answer_is_final_once_there_is_a_later_trial_though_it_may_be_sent_again(survey):
    rater = join(survey)
    first = next_trial(survey, rater)
    finish(survey, first, "A")
    vote(survey, first.id, "overall", "B")  # still looking at it
    next_trial(survey, rater)
    vote(survey, first.id, "overall", "B")  # a request sent twice
    with pytest.raises(InputError, match="was answered B; that is final"):
        vote(survey, first.id, "overall", "A")
    assert get_trial(survey, first.id).answers["overall"] == "B"


@pytest.mark.parametrize(
    ("question", "choice", "words"),
    [
        ("beauty", "A", "question 'beauty' is unknown; choose one of motion, fidelity, text_alignment, overall"),
        ("motion", "D", "choice 'D' is none of the three videos; choose one of A, B, C"),
        ("motion", "", "choice '' is none"),
        ("motion", "i2v", "is none of the three videos"),
    ],
)
def test_an_unknown_question_or_choice_is_refused(survey, question, choice, words):
    trial = next_trial(survey, join(survey))
    with pytest.raises(InputError, match=words):
        vote(survey, trial.id, question, choice)
    assert get_trial(survey, trial.id).answers == {}


def test_a_trial_of_another_preference_study_is_unknown(folder, survey):
    other = create_survey(folder, "group/demo", conditions=survey.conditions)
    trial = next_trial(other, join(other))
    for act in (
        lambda: vote(survey, trial.id, "motion", "A"),
        lambda: get_trial(survey, trial.id),
        lambda: shown_at(survey, trial.id, "A"),
    ):
        with pytest.raises(InputError, match="there is no trial"):
            act()


def test_nobody_takes_part_who_has_not_joined(survey):
    for act in (next_trial, done):
        with pytest.raises(InputError, match="nobody takes part as 'x'"):
            act(survey, "x")
    with pytest.raises(InputError, match="nickname has 61 characters"):
        join(survey, "x" * 61)
