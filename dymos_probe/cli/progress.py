"""A progress bar over runs and steps on a terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dymos_probe.cli.console import quiet_libraries

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from dymos_probe.runs.plan import RunRequest


class RunBars:
    """Two bars: runs of the command, and steps of the run that is being made."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._runs: TaskID | None = None
        self._steps: TaskID | None = None

    def begin(self, runs: int) -> None:
        """Show how many runs there are; a command may begin more than once."""
        for task in (self._runs, self._steps):
            if task is not None:
                self._bars.remove_task(task)
        self._runs = self._bars.add_task("runs", total=runs)
        self._steps = self._bars.add_task("loading", total=None)

    def loading(self, arm: str) -> None:
        """Show that a model is being loaded."""
        if self._steps is not None:
            self._bars.update(self._steps, description=f"loading the {arm} model", completed=0, total=None)

    def step(self, run: RunRequest, step: int, steps: int) -> None:
        """Show the step that begins."""
        if self._steps is not None:
            self._bars.update(self._steps, description=run.way.id, completed=step, total=steps)

    def step_of_one(self, step: int, steps: int) -> None:
        """Show the step that begins, of a command that makes one video."""
        if self._steps is None:
            self._steps = self._bars.add_task("step")
        self._bars.update(self._steps, completed=step, total=steps)

    def run_of_many(self, done: int, runs: int) -> None:
        """Show how many runs are through, of a command that does not go by steps."""
        if self._runs is None:
            self._runs = self._bars.add_task("runs")
        self._bars.update(self._runs, completed=done, total=runs)

    def done(self, run: RunRequest) -> None:
        """Count a run."""
        if self._runs is not None:
            self._bars.advance(self._runs)


@contextmanager
def run_bars(*, quiet: bool) -> Iterator[RunBars | None]:
    """Yield the bars, or None when ``quiet`` or when standard error is no terminal."""
    with quiet_libraries():
        if quiet or not sys.stderr.isatty():
            yield None
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield RunBars(bars)
