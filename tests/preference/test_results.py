"""Shares are those of the votes, their intervals cover, and a liking for one place is seen."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from dymos_probe.errors import InputError
from dymos_probe.preference import QUESTIONS, ballots, create_survey, join, next_trial, results, to_csv, vote
from dymos_probe.preference.results import share_intervals

CONDITIONS = ("i2v", "i2v lam=-1", "i2v lam=1")


def at_random(seed):
    rng = np.random.default_rng(seed)
    return lambda survey, trial: str(rng.choice(["A", "B", "C"], p=[0.5, 0.3, 0.2]))


def test_shares_are_votes_over_votes_and_sum_to_one(survey, take_part):
    for rater in range(3):
        take_part(survey, at_random(rater))
    ds = results(survey)
    assert ds["votes"].dims == ("question", "condition") and ds["condition"].values.tolist() == list(CONDITIONS)
    np.testing.assert_array_equal(ds["votes"].sum("condition"), 3 * 7)
    np.testing.assert_allclose(ds["share"], ds["votes"] / 21)
    np.testing.assert_allclose(ds["share"].sum("condition"), 1.0)
    assert ((ds["low"] <= ds["share"]) & (ds["share"] <= ds["high"])).all()
    assert (ds.attrs["pairs"], ds.attrs["raters"], ds.attrs["trials"]) == (7, 3, 21)


def test_votes_are_credited_to_what_was_shown_not_to_where_it_stood(survey, take_part, always):
    for _ in range(6):
        take_part(survey, always("i2v lam=1"))
    ds = results(survey)
    assert (ds["share"].sel(condition="i2v lam=1") == 1.0).all()
    # Six participants see each of the seven samples in all six orders: every place 2 · 7 times.
    np.testing.assert_array_equal(ds["position_votes"], 14)
    np.testing.assert_allclose(ds["position_p"], 1.0)


def test_who_always_takes_the_first_shows_as_a_place_and_prefers_nothing(survey, take_part):
    for _ in range(6):
        take_part(survey, lambda survey, trial: "A")
    ds = results(survey)
    np.testing.assert_allclose(ds["share"], 1 / 3)
    np.testing.assert_array_equal(ds["position_votes"].sel(position="A"), 42)
    # Pearson's statistic of (42, 0, 0) is 84, and with two degrees of freedom p = exp(−84 / 2).
    np.testing.assert_allclose(ds["position_p"], np.exp(-42.0))


def test_only_trials_with_all_four_answers_count(survey, take_part):
    take_part(survey, lambda survey, trial: "A", trials=2)
    trial = next_trial(survey, join(survey))
    for question in QUESTIONS[:3]:
        vote(survey, trial.id, question.id, "B")
    ds = results(survey)
    assert ds.attrs["trials"] == 2 and ds.attrs["raters"] == 1 and ds.attrs["pairs"] == 2
    np.testing.assert_array_equal(ds["votes"].sum("condition"), 2)
    assert len(ballots(survey)) == 8


def test_before_the_first_complete_trial_there_is_nothing_to_show(survey):
    with pytest.raises(InputError, match=r"no trial .* is complete yet"):
        results(survey)


@pytest.mark.parametrize("wrong", [{"level": 0.0}, {"level": 1.0}, {"level": float("nan")}, {"resamples": 0}])
def test_no_interval_of_a_wrong_level(survey, take_part, wrong):
    take_part(survey, lambda survey, trial: "A", trials=1)
    with pytest.raises(InputError, match="must be in"):
        results(survey, **wrong)


def test_the_intervals_of_one_pair_are_not_known(folder, take_part):
    survey = create_survey(folder, "group/demo", conditions=CONDITIONS, pairs=1)
    take_part(survey, lambda survey, trial: "A")
    ds = results(survey)
    assert ds["low"].isnull().all() and ds["high"].isnull().all() and ds["share"].notnull().all()


def test_two_pairs_that_disagree_leave_everything_open():
    # Drawing two pairs out of two gives shares 0, ½, ½, 1, a quarter each.
    low, high = share_intervals(np.array([[[5, 0, 0]], [[0, 5, 0]]]))
    np.testing.assert_array_equal(low, [[0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(high, [[1.0, 1.0, 0.0]])


def test_the_interval_is_the_percentile_bootstrap_of_scipy():
    rng = np.random.default_rng(3)
    trials = rng.integers(1, 9, size=25)
    votes = np.stack([[rng.multinomial(n, rng.dirichlet([1.0, 1.0, 2.0])) for _ in range(4)] for n in trials])
    low, high = share_intervals(votes, resamples=20_000)
    counts = np.moveaxis(votes, 0, -1)

    def share(chosen, asked, axis):
        return chosen.sum(axis=axis) / asked.sum(axis=axis)

    theirs = bootstrap(
        (counts, np.broadcast_to(trials, counts.shape)),
        share,
        paired=True,
        axis=-1,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    np.testing.assert_allclose(low, theirs.low, atol=0.012)
    np.testing.assert_allclose(high, theirs.high, atol=0.012)


def test_intervals_cover_the_true_share_where_those_of_single_votes_do_not():
    rng = np.random.default_rng(7)
    true, pairs, raters, repeats = np.array([0.2, 0.3, 0.5]), 25, 30, 400
    ours = naive = 0
    for repeat in range(repeats):
        liking = rng.dirichlet(3.0 * true, size=pairs)  # what people like differs from pair to pair
        votes = rng.multinomial(raters, liking)[:, None, :]
        low, high = share_intervals(votes, resamples=500, seed=repeat)
        ours += int(low[0, 2] <= true[2] <= high[0, 2])
        share = votes[:, 0, 2].sum() / (pairs * raters)
        half = norm.ppf(0.975) * np.sqrt(share * (1.0 - share) / (pairs * raters))
        naive += int(abs(share - true[2]) <= half)
    # The percentile bootstrap of 25 clusters covers a little less than its level.
    assert 0.90 <= ours / repeats <= 0.98
    assert naive / repeats < 0.7


def test_the_csv_holds_every_vote_and_gives_the_shares_back(survey, take_part):
    for rater in range(3):
        take_part(survey, at_random(10 + rater), trials=3 + rater)
    ds = results(survey)
    rows = list(csv.DictReader(io.StringIO(to_csv(survey))))
    assert list(rows[0]) == ["trial", "pair", "order", "rater", "criterion", "choice", "time"]
    assert len(rows) == 4 * ds.attrs["trials"] == 4 * len({row["trial"] for row in rows})
    assert {row["rater"] for row in rows} == {"1", "2", "3"} and {row["pair"] for row in rows} <= set(survey.samples)
    for question in QUESTIONS:
        votes = Counter(row["choice"] for row in rows if row["criterion"] == question.id)
        places = Counter(
            "ABC"[json.loads(r["order"]).index(r["choice"])] for r in rows if r["criterion"] == question.id
        )
        of = ds.sel(question=question.id)
        assert [votes[condition] for condition in CONDITIONS] == of["votes"].values.tolist()
        assert [places[position] for position in "ABC"] == of["position_votes"].values.tolist()
    assert all(sorted(json.loads(row["order"])) == sorted(CONDITIONS) for row in rows)
