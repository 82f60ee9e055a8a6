"""Fill a study with runs: in this process, or in shares on a dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dymos_probe.errors import MissingFileError
from dymos_probe.families import Arm
from dymos_probe.pairs import Pair, load_pipeline
from dymos_probe.runs.execute import Outcome, execute
from dymos_probe.runs.hold import only_writer
from dymos_probe.runs.images import fit_image, read_image
from dymos_probe.runs.media import write_image, write_video
from dymos_probe.runs.plan import T2V, RunRequest, Way
from dymos_probe.runs.study import Study, configuration
from dymos_probe.store import (
    AttentionShape,
    Run,
    Sample,
    completed_runs,
    create_study,
    extend_study,
    finish_study,
    storage_errors,
    write_run,
)
from dymos_probe.tap import Recording

Pipelines = Callable[[Pair, Arm], Any]
"""Gives the loaded pipeline of an arm."""


class Progress(Protocol):
    """Who is told how far the work is."""

    def begin(self, runs: int) -> None:
        """Learn that ``runs`` runs are to be made."""

    def loading(self, arm: Arm) -> None:
        """Learn that the model of ``arm`` is being loaded."""

    def step(self, run: RunRequest, step: int, steps: int) -> None:
        """Learn that step ``step`` of ``steps`` of ``run`` begins."""

    def done(self, run: RunRequest) -> None:
        """Learn that ``run`` is complete on disk."""


class Silent:
    """Progress nobody watches."""

    def begin(self, runs: int) -> None:
        """Say nothing."""

    def loading(self, arm: Arm) -> None:
        """Say nothing."""

    def step(self, run: RunRequest, step: int, steps: int) -> None:
        """Say nothing."""

    def done(self, run: RunRequest) -> None:
        """Say nothing."""


def fill(
    study: Study,
    runs: Sequence[RunRequest],
    *,
    samples: Sequence[Sample],
    ways: Sequence[Way],
    given_images: Mapping[str, Path] | None = None,
    workers: int = 0,
    scheduler: str | None = None,
    progress: Progress | None = None,
    pipelines: Pipelines = load_pipeline,
) -> tuple[RunRequest, ...]:
    """Make those of ``runs`` that ``study``, which gets ``samples`` and ``ways`` first, does not have; return them.

    Parameters
    ----------
    given_images
        The user's own reference image by sample id; the others use their T2V run's first frame.
    workers, scheduler
        Worker processes of a local dask cluster (0: this process alone), or the address of a cluster.
    pipelines
        What loads the pipelines of this process; worker processes load their own.

    Raises
    ------
    StudyError
        When another process is filling this study.
    """
    watcher: Progress = progress or Silent()
    with only_writer(study.path):
        if study.exists:
            extend_study(study.path, samples=samples, conditions=[way.condition for way in ways])
        # Asked again under the lock: another command may have made some since the plan.
        runs = still_missing(study, runs)
        watcher.begin(len(runs))
        if workers or scheduler:
            from dymos_probe.runs.cluster import fill_on_cluster

            fill_on_cluster(study, runs, samples, ways, given_images or {}, workers, scheduler, watcher)
        else:
            fill_share(study, runs, samples, ways, given_images or {}, watcher, pipelines)
        if study.exists:
            finish_study(study.path)
    return runs


def still_missing(study: Study, runs: Sequence[RunRequest]) -> tuple[RunRequest, ...]:
    """Return those of ``runs`` that are not complete; a T2V run whose reference image was deleted is not."""
    completed = completed_runs(study.path) if study.exists else frozenset()

    def there(run: RunRequest) -> bool:
        has_image = run.way != T2V or (study.path / run.sample.image).is_file()
        return has_image and (run.sample.id, run.way.id) in completed

    return tuple(run for run in runs if not there(run))


def fill_share(
    study: Study,
    runs: Sequence[RunRequest],
    samples: Sequence[Sample],
    ways: Sequence[Way],
    given_images: Mapping[str, Path],
    progress: Progress,
    pipelines: Pipelines = load_pipeline,
) -> None:
    """Make ``runs`` in this process, one arm after the other."""
    for arm, of_arm in groupby(runs, key=lambda run: run.way.arm):
        progress.loading(arm)
        pipe = pipelines(study.pair, arm)
        for run in of_arm:
            given = given_images.get(run.sample.id)
            image = reference_image(study, run.sample, given) if arm == "i2v" else None
            outcome = _execute(study, pipe, run, image, progress)
            _store(study, run, outcome, samples, ways, given)
            progress.done(run)
        del pipe


def reference_image(study: Study, sample: Sample, given: Path | None = None) -> Any:
    """Return the reference image of a sample: the study's, else the one that is ``given``.

    Raises
    ------
    MissingFileError
        When there is neither, because its T2V run, whose first frame it is, was not made yet.
    """
    path = study.path / sample.image
    if not path.is_file() and given is not None:
        return read_image(given)
    if not path.is_file():
        raise MissingFileError(
            f"sample {sample.id} has no reference image {path}; run the `probe record` command of this study again"
        )
    return read_image(path)


def _execute(study: Study, pipe: Any, run: RunRequest, image: Any, progress: Progress) -> Outcome:
    return execute(
        pipe,
        study.generation,
        prompt=run.sample.prompt,
        seed=run.sample.seed,
        image=image,
        bias=run.way.bias,
        alg=run.way.alg,
        record=study.mode,
        response=study.response if run.way.untouched else (),
        branches=study.branches,
        on_step=lambda step, steps: progress.step(run, step, steps),
    )


def _store(
    study: Study,
    run: RunRequest,
    outcome: Outcome,
    samples: Sequence[Sample],
    ways: Sequence[Way],
    given_image: Path | None,
) -> None:
    """Write one run: its pictures first, so that a run marked complete has them."""
    recording = outcome.recording
    assert recording is not None
    if not study.exists:
        create_study(study.path, config=configuration(study), shape=attention_shape(recording))
        extend_study(study.path, samples=samples, conditions=[way.condition for way in ways])
    with storage_errors(study.path):
        # An image that is given needs no T2V run: the first run of the sample brings it.
        brought = given_image is not None and not (study.path / run.sample.image).is_file()
        if run.way == T2V or brought:
            frame = outcome.frames[0]
            if given_image is not None:
                size = study.generation.width, study.generation.height
                frame = np.asarray(fit_image(read_image(given_image), *size))
            write_image(study.path / run.sample.image, frame)
        write_video(study.video(run.sample.id, run.way.id), outcome.frames, fps=study.fps)
    write_run(
        study.path,
        Run(
            sample=run.sample.id,
            condition=run.way.id,
            attention=recording.attention[0],
            text_mass=recording.text_mass[0],
            timestep=recording.timestep,
            sigma=recording.sigma,
            expert=recording.expert,
            attention_response=_first(recording.attention_response),
            text_mass_response=_first(recording.text_mass_response),
        ),
    )


def attention_shape(recording: Recording) -> AttentionShape:
    """Return the sizes that a recording gives its study."""
    _, _, steps, _, heads, frames, _ = recording.attention.shape
    return AttentionShape(
        branches=recording.branches,
        steps=steps,
        layers=recording.layers,
        heads=heads,
        frames=frames,
        response=recording.response,
    )


def _first(videos: Any) -> Any:
    return None if videos is None else videos[0]
