"""What a job says of itself while it runs, step by step, with a clock that is set by hand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from dymos_probe import jobs
from dymos_probe.jobs.queue import take
from dymos_probe.jobs.remaining import Pace, measured_pace
from dymos_probe.jobs.reporter import CancelledError, Reporter


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Undrawn:
    def draw(self, *_: object, **__: object) -> None:
        return None


@pytest.fixture
def reporter(folder, submit):
    submit()
    files = take(folder, "cpu", os.getpid())

    def make(clock: Clock, **options) -> Reporter:
        made = Reporter(files, runs=2, steps=4, clock=clock, **options)
        made._preview = Undrawn()
        return made

    return make


def walk(reporter: Reporter, clock: Clock, condition: str, *, steps=(1.0, 1.0, 1.0, 1.0), before=5.0, after=2.0):
    """One run: what it needs before its steps, its steps, and decoding; yields after every step's end."""
    clock.now += before
    run = SimpleNamespace(way=SimpleNamespace(id=condition))
    for step, took in enumerate(steps):
        reporter.step(run, step, len(steps))
        clock.now += took
        reporter.step_end(None, SimpleNamespace(step=step, steps=len(steps)), decode=False)
        yield reporter.state
    clock.now += after
    reporter.done(run)


def test_every_step_is_counted_and_the_estimate_is_what_then_happens(folder, reporter) -> None:
    clock = Clock()
    told = reporter(clock)
    told.begin(2)
    told.loading("i2v")
    assert (told.state.phase, told.state.seconds_left) == ("loading", None)
    first = list(walk(told, clock, "i2v"))
    assert [(s.run, s.step, s.steps, s.phase) for s in first] == [
        (1, 1, 4, "denoising"), (1, 2, 4, "denoising"), (1, 3, 4, "denoising"), (1, 4, 4, "decoding"),
    ]  # fmt: skip
    assert [s.progress for s in first] == [1 / 8, 2 / 8, 3 / 8, 4 / 8]
    assert [s.seconds_left for s in first] == [7.0, 6.0, 5.0, 4.0], "steps alone, nothing else is known yet"
    at = clock.now
    assert told.state.seconds_left == 4 * 1.0 + 7.0
    second = list(walk(told, clock, "i2v_lam1"))
    assert clock.now - at == 11.0, "as long as was said after the first run"
    assert [s.run for s in second] == [2] * 4 and second[0].condition == "i2v_lam1"
    assert told.state.seconds_left == 0.0 and told.state.progress == 1.0


def test_one_slow_step_does_not_spoil_the_estimate(reporter) -> None:
    clock = Clock()
    told = reporter(clock)
    told.begin(2)
    states = list(walk(told, clock, "i2v", steps=(60.0, 1.0, 1.0, 1.0)))
    assert states[-1].step_seconds == 1.0 and states[-1].seconds_left == 4.0


def test_runs_that_were_there_count_as_made(reporter) -> None:
    told = reporter(Clock(), earlier=Pace(step_seconds=2.0, overhead_seconds=3.0))
    told.begin(1)
    assert (told.state.progress, told.state.seconds_left, told.state.estimate_from) == (0.5, 11.0, "earlier jobs")


def test_the_state_file_is_not_written_more_often_than_somebody_looks(folder, reporter) -> None:
    clock = Clock()
    told = reporter(clock)
    told.begin(2)
    seen = [jobs.jobs(folder)[0].files.read_state().step for _ in walk(told, clock, "i2v", steps=(0.01,) * 40)]
    assert len(set(seen)) < 6 and seen == sorted(seen) and seen[-1] == 40, "the last step always is"


def test_a_cancelled_job_ends_at_the_next_step_or_its_end(folder, reporter) -> None:
    clock = Clock()
    told = reporter(clock)
    told.begin(2)
    steps = walk(told, clock, "i2v")
    next(steps)
    jobs.jobs(folder)[0].files.ask_to_cancel()
    with pytest.raises(CancelledError):
        next(steps)
    with pytest.raises(CancelledError):
        told.loading("i2v")


def test_a_pace_of_ones_own_goes_before_that_of_earlier_jobs() -> None:
    earlier = Pace(step_seconds=9.0, overhead_seconds=5.0)
    assert measured_pace([], [], None) is None and measured_pace([], [], earlier) == earlier
    assert measured_pace([1.0, 2.0, 30.0], [], earlier) == Pace(step_seconds=2.0, overhead_seconds=5.0)
    assert measured_pace([1.0], [2.0, 4.0], earlier) == Pace(step_seconds=1.0, overhead_seconds=3.0)
