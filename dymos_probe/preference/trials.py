"""Trials and votes: who sees which sample next, which video stands where, and what they chose.

What a participant is given, a :class:`Trial`, does not say which video is which; only the database knows.
"""

from __future__ import annotations

import random
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from typing import Final

from dymos_probe.errors import InputError
from dymos_probe.preference.database import reading, writing
from dymos_probe.preference.questions import QUESTIONS, check_position, check_question
from dymos_probe.preference.survey import Survey

ORDERS: Final = tuple(permutations(range(3)))
"""Ways of setting three videos side by side: places of the candidates shown as A, B and C."""

_LONGEST_NICKNAME = 60


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Three videos of one sample for one participant, as far as the participant may know."""

    id: str
    """Random; whoever has it sees the videos and votes."""
    number: int
    """Of this participant's trials, from 1."""
    prompt: str
    answers: dict[str, str]
    """Question → position chosen, as far as answered."""

    @property
    def complete(self) -> bool:
        """Whether all questions are answered, which is when it counts."""
        return len(self.answers) == len(QUESTIONS)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What really stands at one position of a trial; for whoever serves the file, not for a page."""

    study: str
    sample: str
    image: str
    """Relative to the study's folder."""
    condition: str


def join(survey: Survey, nickname: str = "") -> str:
    """Add a participant and return the random id under which they come back.

    Raises
    ------
    InputError
        When the nickname is longer than 60 characters.
    """
    nickname = " ".join(nickname.split())
    if len(nickname) > _LONGEST_NICKNAME:
        raise InputError(f"the nickname has {len(nickname)} characters; give at most {_LONGEST_NICKNAME}")
    rater = secrets.token_urlsafe(12)
    with writing(survey.path) as db:
        db.execute("INSERT INTO rater (id, nickname, joined) VALUES (?, ?, ?)", (rater, nickname, _now()))
    return rater


def next_trial(survey: Survey, rater: str) -> Trial | None:
    """Return the trial a participant is at: one begun, else a new one; None when all samples are done.

    The samples come in an order of the participant's own. Of the six orders of the videos, one is taken that was
    shown least often for this sample; of several, one this participant has seen least; of those, any. So every
    sample is shown in all six orders, none of them more than once oftener than another.

    Raises
    ------
    InputError
        When nobody of this id takes part.
    """
    with writing(survey.path) as db:
        number = _rater(db, rater)
        row = db.execute(
            "SELECT id FROM trial WHERE rater = ? AND "
            "(SELECT count(*) FROM vote WHERE vote.trial = trial.id) < ? ORDER BY number LIMIT 1",
            (number, len(QUESTIONS)),
        ).fetchone()
        trial = row[0] if row else _hand_out(db, survey, rater, number)
        return None if trial is None else _trial(db, trial)


def get_trial(survey: Survey, trial: str) -> Trial:
    """Return a trial as it stands.

    Raises
    ------
    InputError
        When there is no such trial in this preference study.
    """
    with reading(survey.path) as db:
        return _trial(db, trial)


def vote(survey: Survey, trial: str, question: str, choice: str) -> None:
    """Answer one question of a trial; the same answer again changes nothing.

    Another answer takes the place of the first, as long as the participant has no later trial.

    Parameters
    ----------
    trial
        Its id.
    question
        One of ``QUESTIONS``, by id.
    choice
        ``A``, ``B`` or ``C``.

    Raises
    ------
    InputError
        When the trial, the question or the choice is unknown, or the answer was final.
    """
    check_question(question)
    check_position(choice)
    with writing(survey.path) as db:
        before = _trial(db, trial).answers.get(question)
        if before == choice:
            return
        later = db.execute(
            "SELECT 1 FROM trial JOIN trial AS later ON later.rater = trial.rater AND later.number > trial.number "
            "WHERE trial.id = ?",
            (trial,),
        ).fetchone()
        if later is not None:
            raise InputError(f"the question {question!r} of an earlier trial was answered {before}; that is final")
        db.execute(
            "INSERT INTO vote VALUES (?, ?, ?, ?) "
            "ON CONFLICT (trial, question) DO UPDATE SET position = excluded.position, time = excluded.time",
            (trial, question, choice, _now()),
        )


def done(survey: Survey, rater: str) -> int:
    """Return how many trials a participant has completed.

    Raises
    ------
    InputError
        When nobody of this id takes part.
    """
    with reading(survey.path) as db:
        number = _rater(db, rater)
        (count,) = db.execute(
            "SELECT count(*) FROM trial WHERE rater = ? AND "
            "(SELECT count(*) FROM vote WHERE vote.trial = trial.id) = ?",
            (number, len(QUESTIONS)),
        ).fetchone()
        return int(count)


def shown_at(survey: Survey, trial: str, position: str) -> Shown:
    """Return what stands at a position of a trial.

    Raises
    ------
    InputError
        When there is no such trial in this preference study, or no such position.
    """
    check_position(position)
    with reading(survey.path) as db:
        row = db.execute(
            "SELECT sample, image, condition FROM trial JOIN pair ON pair.place = trial.pair "
            # One of three names, checked above.
            f"JOIN candidate ON candidate.place = trial.{position.lower()} WHERE trial.id = ?",
            (trial,),
        ).fetchone()
    if row is None:
        raise _unknown(trial)
    sample, image, condition = row
    return Shown(study=survey.study, sample=sample, image=image, condition=condition)


def _hand_out(db: sqlite3.Connection, survey: Survey, rater: str, number: int) -> str | None:
    seen = {pair for (pair,) in db.execute("SELECT pair FROM trial WHERE rater = ?", (number,))}
    pairs = list(range(len(survey.samples)))
    random.Random(f"{survey.seed} {rater}").shuffle(pairs)
    pair = next((each for each in pairs if each not in seen), None)
    if pair is None:
        return None
    of_pair, of_rater = (_shown(db, column, value) for column, value in (("pair", pair), ("rater", number)))
    tossed = random.SystemRandom().sample(ORDERS, len(ORDERS))
    order = min(tossed, key=lambda each: (of_pair.get(each, 0), of_rater.get(each, 0)))
    trial = secrets.token_urlsafe(16)
    db.execute(
        "INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (trial, number, len(seen) + 1, pair, *order, _now())
    )
    return trial


def _shown(db: sqlite3.Connection, column: str, value: int) -> dict[tuple[int, ...], int]:
    """Return how often each order was shown, for one pair or to one participant."""
    rows = db.execute(f"SELECT a, b, c, count(*) FROM trial WHERE {column} = ? GROUP BY a, b, c", (value,))
    return {(a, b, c): count for a, b, c, count in rows}


def _trial(db: sqlite3.Connection, trial: str) -> Trial:
    row = db.execute(
        "SELECT number, prompt FROM trial JOIN pair ON pair.place = trial.pair WHERE trial.id = ?", (trial,)
    ).fetchone()
    if row is None:
        raise _unknown(trial)
    answers = db.execute("SELECT question, position FROM vote WHERE trial = ?", (trial,)).fetchall()
    return Trial(id=trial, number=row[0], prompt=row[1], answers=dict(answers))


def _rater(db: sqlite3.Connection, rater: str) -> int:
    row = db.execute("SELECT number FROM rater WHERE id = ?", (rater,)).fetchone()
    if row is None:
        raise InputError(f"nobody takes part as {rater!r}; begin anew from the participants' link")
    return int(row[0])


def _unknown(trial: str) -> InputError:
    return InputError(f"there is no trial {trial!r} in this preference study")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
