"""What was preferred: votes, shares with intervals, and whether the place on the screen mattered."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import astuple, dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.stats import chisquare

from dymos_probe.errors import InputError
from dymos_probe.preference.database import reading
from dymos_probe.preference.questions import POSITIONS, QUESTIONS
from dymos_probe.preference.survey import Survey
from dymos_probe.store.schema import CONDITION

QUESTION: Final = "question"
POSITION: Final = "position"


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """One vote of a trial that counts; the fields are the columns of the CSV."""

    trial: str
    pair: str
    """Id of the sample."""
    order: str
    """The conditions shown as A, B and C, a JSON list."""
    rater: int
    """Number of the participant, from 1."""
    criterion: str
    """Id of the question."""
    choice: str
    """The condition chosen."""
    time: str
    """When, UTC, ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a preference study is."""

    joined: int
    """Participants."""
    raters: int
    """Participants with a trial that counts."""
    trials: int
    """Trials that count: all questions answered."""
    begun: int
    """Trials handed out and not complete."""


def progress(survey: Survey) -> Progress:
    """Return how many take part, and how many trials are complete."""
    with reading(survey.path) as db:
        (joined,) = db.execute("SELECT count(*) FROM rater").fetchone()
        (handed_out,) = db.execute("SELECT count(*) FROM trial").fetchone()
        raters, trials = db.execute(f"SELECT count(DISTINCT rater), count(*) FROM trial WHERE {_COUNTS}").fetchone()
    return Progress(joined=joined, raters=raters, trials=trials, begun=handed_out - trials)


def ballots(survey: Survey) -> list[Ballot]:
    """Return the votes of all trials that count, participant by participant in the order they were shown."""
    names = survey.conditions
    with reading(survey.path) as db:
        rows = db.execute(
            "SELECT trial.id, pair.sample, trial.a, trial.b, trial.c, trial.rater, question, position, time "
            "FROM vote JOIN trial ON trial.id = vote.trial JOIN pair ON pair.place = trial.pair "
            f"WHERE {_COUNTS} ORDER BY trial.rater, trial.number"
        ).fetchall()
    asked = [question.id for question in QUESTIONS]
    rows.sort(key=lambda row: asked.index(row[6]))
    rows.sort(key=lambda row: row[5])
    return [
        Ballot(
            trial=trial,
            pair=sample,
            order=json.dumps([names[a], names[b], names[c]], ensure_ascii=False),
            rater=rater,
            criterion=question,
            choice=names[(a, b, c)[POSITIONS.index(position)]],
            time=time,
        )
        for trial, sample, a, b, c, rater, question, position, time in rows
    ]


def to_csv(survey: Survey) -> str:
    """Return the votes that count as CSV, a row a vote: trial, pair, order, rater, criterion, choice, time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Ballot)])
    writer.writerows(astuple(ballot) for ballot in ballots(survey))
    return text.getvalue()


def results(survey: Survey, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> xr.Dataset:
    """Return what was preferred, over all trials that count.

    Parameters
    ----------
    level
        Of the intervals, in (0, 1).
    resamples
        Draws of the bootstrap.
    seed
        Of the draws.

    Returns
    -------
    xarray.Dataset
        Over (question, condition): ``votes``; ``share`` of the question's votes, which sum to 1; ``low`` and ``high``,
        the percentile interval of the share when samples are drawn anew with all their votes, NaN of one sample. Over
        (question, position): ``position_votes``. Over question: ``position_p``, the p-value of Pearson's chi-square
        test that all positions are chosen alike; it takes votes as independent. Coordinates ``arm``, ``lam`` and
        ``method`` of the conditions; attrs ``pairs``, ``raters`` and ``trials`` that stand behind it, ``level``,
        ``resamples``, ``seed``.

    Raises
    ------
    InputError
        When no trial is complete yet, or ``level`` or ``resamples`` is no such number.
    """
    if not 0.0 < level < 1.0 or resamples < 1:
        raise InputError(f"level {level} must be in (0, 1), and resamples {resamples} at least 1")
    cast = ballots(survey)
    if not cast:
        raise InputError(f"no trial of the preference study {survey.title!r} is complete yet")
    by_pair, by_position = _counts(cast, survey.conditions)
    votes = by_pair.sum(axis=0)
    low, high = share_intervals(by_pair, level=level, resamples=resamples, seed=seed)
    test = chisquare(by_position, axis=1)
    both, places = (QUESTION, CONDITION), (QUESTION, POSITION)
    return xr.Dataset(
        {
            "votes": (both, votes, {"long_name": "votes", "units": "1"}),
            "share": (both, votes / votes.sum(axis=-1, keepdims=True), {"long_name": "share of votes", "units": "1"}),
            "low": (both, low, {"long_name": "lower end of the share's interval", "units": "1"}),
            "high": (both, high, {"long_name": "upper end of the share's interval", "units": "1"}),
            "position_votes": (places, by_position, {"long_name": "votes by place on the screen", "units": "1"}),
            "position_p": (QUESTION, test.pvalue, {"long_name": "p-value of equal places", "units": "1"}),
        },
        coords={
            QUESTION: [question.id for question in QUESTIONS],
            "title": (QUESTION, [question.title for question in QUESTIONS]),
            CONDITION: list(survey.conditions),
            "arm": (CONDITION, [each.arm for each in survey.candidates]),
            "lam": (CONDITION, [each.lam for each in survey.candidates]),
            "method": (CONDITION, [each.method for each in survey.candidates]),
            POSITION: list(POSITIONS),
        },
        attrs={
            "pairs": by_pair.shape[0],
            "raters": len({ballot.rater for ballot in cast}),
            "trials": len({ballot.trial for ballot in cast}),
            "level": level,
            "resamples": resamples,
            "seed": seed,
        },
    )


def share_intervals(
    votes: npt.NDArray[np.int64], *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return lower and upper ends of the shares' intervals, by drawing pairs anew with all their votes.

    Votes on one pair resemble each other, so a pair, not a vote, is what is drawn: the percentile bootstrap of
    clusters.

    Parameters
    ----------
    votes
        (pair, question, condition), every pair with votes on every question.

    Returns
    -------
    low, high
        (question, condition) each; NaN of one pair, which says nothing of others.
    """
    pairs = votes.shape[0]
    if pairs < 2:
        nothing = np.full(votes.shape[1:], np.nan)
        return nothing, nothing.copy()
    drawn = np.random.default_rng(seed).multinomial(pairs, np.full(pairs, 1.0 / pairs), size=resamples)
    sums = np.tensordot(drawn, votes, axes=1)
    low, high = np.quantile(sums / sums.sum(axis=-1, keepdims=True), [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    return low, high


_COUNTS: Final = f"(SELECT count(*) FROM vote AS each WHERE each.trial = trial.id) = {len(QUESTIONS)}"


def _counts(cast: list[Ballot], conditions: tuple[str, ...]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return votes (pair, question, condition) of the pairs voted on, and votes (question, position)."""
    pairs = sorted({ballot.pair for ballot in cast})
    asked = [question.id for question in QUESTIONS]
    by_pair = np.zeros((len(pairs), len(asked), len(conditions)), dtype=np.int64)
    by_position = np.zeros((len(asked), len(POSITIONS)), dtype=np.int64)
    for ballot in cast:
        question = asked.index(ballot.criterion)
        by_pair[pairs.index(ballot.pair), question, conditions.index(ballot.choice)] += 1
        by_position[question, json.loads(ballot.order).index(ballot.choice)] += 1
    return by_pair, by_position
