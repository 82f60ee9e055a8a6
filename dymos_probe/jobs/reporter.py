"""Watches the runs of one job: writes how far they are, draws previews, and ends them when somebody wants that."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, Final

from dymos_probe.families import Arm
from dymos_probe.jobs.folder import JobFiles
from dymos_probe.jobs.preview import Budget, Preview
from dymos_probe.jobs.remaining import Pace, measured_pace
from dymos_probe.jobs.state import State
from dymos_probe.runs.plan import RunRequest
from dymos_probe.tap import StepEnd

_WRITE_SECONDS: Final = 0.2


class CancelledError(Exception):
    """Somebody asked for the end of the job."""


class Reporter:
    """The `Progress` of a job's runs, and what is told when a denoising step ends."""

    def __init__(
        self,
        files: JobFiles,
        *,
        runs: int,
        steps: int,
        earlier: Pace | None = None,
        workload: str = "",
        hardware: str = "",
        budget: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch ``runs`` runs of ``steps`` steps; ``earlier`` is what earlier jobs of the workload took."""
        self._files, self._earlier, self._clock = files, earlier, clock
        self._preview = Preview(files.preview, budget=budget)
        self._total, self._steps, self._made = runs, steps, 0
        self._step_seconds: list[float] = []
        self._overheads: list[float] = []
        self._run_began = self._step_began = clock()
        self._in_steps = 0.0
        self._written = -float("inf")
        self.state = files.read_state()
        self._write(runs=runs, steps=steps, workload=workload, hardware=hardware)

    # Told by the runs --------------------------------------------------------------------

    def begin(self, runs: int) -> None:
        """Learn that ``runs`` of the job's runs are still to be made."""
        self._made = self._total - runs
        self._write()

    def loading(self, arm: Arm) -> None:
        """Learn that a model is being loaded."""
        self._end_if_cancelled()
        self._write(phase="loading", step=0)

    def step(self, run: RunRequest, step: int, steps: int) -> None:
        """Learn that a denoising step begins."""
        self._end_if_cancelled()
        self._step_began = self._clock()
        if step == 0:
            self._in_steps = 0.0
        self._write(
            throttled=step > 0,
            phase="denoising",
            run=self._made + 1,
            condition=run.way.id,
            step=step,
            steps=steps,
        )

    def step_end(self, pipe: Any, end: StepEnd, *, decode: bool) -> None:
        """Learn that a denoising step ended; ``decode`` says whether the VAE is at hand."""
        took = self._clock() - self._step_began
        self._step_seconds.append(took)
        self._in_steps += took
        self._end_if_cancelled()
        drawn = self._preview.draw(pipe, end, decode=decode)
        if drawn is not None:
            self.state = dataclasses.replace(self.state, preview=f"{self.state.condition}: {drawn}")
        last = end.step + 1 == end.steps
        self._write(throttled=not last and drawn is None, phase="decoding" if last else "denoising", step=end.step + 1)

    def done(self, run: RunRequest) -> None:
        """Learn that a run is complete on disk."""
        now = self._clock()
        self._made += 1
        self._overheads.append(max(0.0, now - self._run_began - self._in_steps))
        self._run_began, self._in_steps = now, 0.0
        self._write(step=0)

    # What is written -----------------------------------------------------------------------

    def _end_if_cancelled(self) -> None:
        if self._files.is_cancelled:
            raise CancelledError

    def _write(self, *, throttled: bool = False, **changes: Any) -> None:
        before = self._made * self._steps
        self.state = dataclasses.replace(self.state, **changes, steps_before=before)
        pace = measured_pace(self._step_seconds, self._overheads, self._earlier)
        if pace is not None:
            left = max(0, self._total * self._steps - before - self.state.step)
            self.state = dataclasses.replace(
                self.state,
                seconds_left=pace.seconds_left(steps=left, runs=self._total - self._made),
                step_seconds=pace.step_seconds if self._step_seconds else None,
                overhead_seconds=pace.overhead_seconds if self._overheads else None,
                estimate_from="this job" if self._step_seconds else "earlier jobs",
            )
        now = self._clock()
        if throttled and now - self._written < _WRITE_SECONDS:
            return
        self._written = now
        self.state = dataclasses.replace(self.state, updated=time.time())
        self._files.write_state(self.state)


def ended(state: State, **changes: Any) -> State:
    """Return the state of a job that has ended now."""
    now = time.time()
    return dataclasses.replace(state, phase=None, seconds_left=None, ended=now, updated=now, **changes)
