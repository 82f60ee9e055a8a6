"""Shares of a study's runs on a dask cluster; every run is written by the one worker that made it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from dask.distributed import Client, Future, KilledWorker, LocalCluster

from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.pairs import Pair
from dymos_probe.runs.fill import Progress, Silent, fill_share, still_missing
from dymos_probe.runs.plan import RunRequest, Way, shares
from dymos_probe.runs.study import Study
from dymos_probe.store import Sample, completed_runs

_POLL_SECONDS = 0.3
_CONNECT_SECONDS = 20


def fill_on_cluster(
    study: Study,
    runs: Sequence[RunRequest],
    samples: Sequence[Sample],
    ways: Sequence[Way],
    given_images: Mapping[str, Path],
    workers: int,
    scheduler: str | None,
    progress: Progress,
) -> None:
    """Make ``runs`` on a cluster, T2V before I2V because the latter needs the former's first frames.

    Raises
    ------
    EnvironmentLacksError
        When the cluster at ``scheduler`` does not answer or has no workers, or workers keep dying.
    InputError
        When both ``workers`` and ``scheduler`` are given.
    """
    if workers and scheduler:
        raise InputError("workers are started here, a scheduler has its own; give one of the two")
    # Workers may run in another folder than this process.
    study = replace(study, path=study.path.resolve(), pair=_absolute(study.pair))
    given_images = {sample: path.resolve() for sample, path in given_images.items()}
    with _client(workers, scheduler) as client:
        count = workers or len(client.scheduler_info(n_workers=-1)["workers"])
        if not count:
            raise EnvironmentLacksError(f"the cluster at {scheduler} has no workers; start some with `dask worker`")
        for arm, of_arm in groupby(runs, key=lambda run: run.way.arm):
            waiting = tuple(of_arm)
            progress.loading(arm)
            if not study.exists:
                # The first run settles the sizes of the arrays, so it makes the study before others fill it.
                waiting = _work(client, study, [waiting[:1]], samples, ways, given_images, progress, waiting)
            _work(client, study, shares(waiting, count), samples, ways, given_images, progress, waiting)


def _work(
    client: Client,
    study: Study,
    parts: Sequence[Sequence[RunRequest]],
    samples: Sequence[Sample],
    ways: Sequence[Way],
    given_images: Mapping[str, Path],
    progress: Progress,
    waiting: tuple[RunRequest, ...],
) -> tuple[RunRequest, ...]:
    """Run ``parts`` to their end and return what is still waiting."""
    futures: list[Future] = [
        client.submit(_share, study, part, samples, ways, given_images, pure=False, retries=0) for part in parts
    ]
    try:
        while True:
            pending = not all(future.done() for future in futures)
            if study.exists:
                completed = completed_runs(study.path)
                finished = [run for run in waiting if (run.sample.id, run.way.id) in completed]
                for run in finished:
                    progress.done(run)
                waiting = tuple(run for run in waiting if run not in finished)
            for future in futures:
                if future.done():
                    future.result()
            if not pending:
                return waiting
            time.sleep(_POLL_SECONDS)
    except KilledWorker as error:
        raise EnvironmentLacksError(
            "worker processes died several times over the same runs, most likely out of memory; use fewer workers, "
            "then run the same command again: completed runs are kept"
        ) from error
    finally:
        client.cancel(futures)


def _share(
    study: Study,
    part: Sequence[RunRequest],
    samples: Sequence[Sample],
    ways: Sequence[Way],
    given_images: Mapping[str, Path],
) -> None:
    # Dask hands the share of a worker that died to another, which must not make its runs twice.
    fill_share(study, still_missing(study, part), samples, ways, given_images, Silent())


def _absolute(pair: Pair) -> Pair:
    t2v, i2v = pair.folder("t2v"), pair.folder("i2v")
    return replace(pair, t2v=t2v.resolve() if t2v else pair.t2v, i2v=i2v.resolve() if i2v else pair.i2v)


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise EnvironmentLacksError(
                f"no dask cluster answers at {scheduler}; start one with `dask scheduler` and give its tcp:// address"
            ) from error
        with client:
            yield client
        return
    with (
        # Without a memory limit: dask's own would kill a worker for the weights it holds.
        LocalCluster(
            n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address=None, silence_logs=logging.ERROR
        ) as cluster,
        # Never the default: what a caller computes with dask is not for these workers.
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
