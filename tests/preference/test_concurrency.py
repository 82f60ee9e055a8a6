"""Ten vote at once and one is killed in the midst of it, and no vote is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing

import pytest

from dymos_probe.preference import QUESTIONS, done, get_trial, join, next_trial, progress, vote
from dymos_probe.preference.trials import shown_at

# Joins, then answers every question of every trial, and says so once it is acknowledged.
PARTICIPANT = """
import sys
from dymos_probe.preference import QUESTIONS, join, next_trial, open_survey, vote

survey = open_survey(sys.argv[1], sys.argv[2])
rater = sys.argv[3] if len(sys.argv) > 3 else join(survey)
print("ready", rater, flush=True)
sys.stdin.readline()
while trial := next_trial(survey, rater):
    for number, question in enumerate(QUESTIONS):
        choice = "ABC"[(trial.number + number) % 3]
        vote(survey, trial.id, question.id, choice)
        print(trial.id, question.id, choice, flush=True)
"""


def start(folder, survey, *rater):
    return subprocess.Popen(
        [sys.executable, "-c", PARTICIPANT, str(folder), survey.id, *rater],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def whole(survey):
    with closing(sqlite3.connect(survey.path)) as db:
        return (
            db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            and not db.execute("PRAGMA foreign_key_check").fetchall()
        )


@pytest.mark.slow
def test_ten_processes_vote_at_once_and_nothing_is_lost(folder, survey):
    processes = [start(folder, survey) for _ in range(10)]
    raters = [process.stdout.readline().split()[1] for process in processes]
    for process in processes:  # all are loaded: now together
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=200)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * 10
    assert all(len(lines) == len(survey.samples) * len(QUESTIONS) for lines in said)
    for line in (line for lines in said for line in lines):
        trial, question, choice = line.split()
        assert get_trial(survey, trial).answers[question] == choice
    assert progress(survey).trials == 10 * len(survey.samples) and progress(survey).begun == 0
    assert all(done(survey, rater) == len(survey.samples) for rater in raters)
    shown = {sample: Counter() for sample in survey.samples}
    for trial in {line.split()[0] for lines in said for line in lines}:
        order = tuple(shown_at(survey, trial, position).condition for position in "ABC")
        shown[shown_at(survey, trial, "A").sample][order] += 1
    # Ten over six orders: none once more than another, though they were handed out at once.
    assert all(sorted(counts.values()) == [1, 1, 2, 2, 2, 2] for counts in shown.values())
    assert whole(survey)


@pytest.mark.slow
def test_a_participant_killed_at_any_moment_loses_no_vote_that_was_acknowledged(folder, survey):
    rater, acknowledged = (), {}
    for after in (1, 6, 11):
        process = start(folder, survey, *rater)
        rater = (process.stdout.readline().split()[1],)
        process.stdin.write("\n")
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)  # in the midst of the next one
        lines += process.communicate()[0].splitlines(keepends=True)
        acknowledged |= {tuple(line.split()[:2]): line.split()[2] for line in lines if line.endswith("\n")}
        assert process.returncode == -signal.SIGKILL
        assert whole(survey)
        for (trial, question), choice in acknowledged.items():
            assert get_trial(survey, trial).answers[question] == choice
    assert done(survey, *rater) >= 3
    next_trial(survey, *rater)


@pytest.mark.slow
def test_a_vote_killed_before_it_is_committed_is_not_there_and_holds_nobody_up(folder, survey):
    trial = next_trial(survey, join(survey))
    program = f"""
import os, signal
from pathlib import Path
from dymos_probe.preference.database import writing

with writing(Path({json.dumps(str(survey.path))})) as db:
    db.execute("INSERT INTO vote VALUES ({trial.id!r}, 'motion', 'A', '')")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert get_trial(survey, trial.id).answers == {} and whole(survey)
    vote(survey, trial.id, "motion", "B")
    assert get_trial(survey, trial.id).answers == {"motion": "B"}
