"""Fills the shared runs with what studies need and lack, and writes their results, pictures and pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from dymos_probe.errors import MissingFileError
from dymos_probe.figures.write import write_pngs
from dymos_probe.runs import intervene, record
from dymos_probe.runs.fill import Progress
from dymos_probe.runs.measure import measure_study
from dymos_probe.runs.plan import RunRequest, all_runs
from dymos_probe.store import open_study
from dymos_probe.store.schema import COMPLETE, METRIC_PREFIX
from studies.reproduction import page
from studies.reproduction.machine import made_here
from studies.reproduction.results import FILE, Results, configuration_values, read_results, write_results
from studies.reproduction.setting import Setting
from studies.reproduction.stand_ins import stand_ins
from studies.reproduction.study import Configuration, Recorded, Reproduction
from studies.reproduction.sweep import Sweep


class Watcher(Progress, Protocol):
    """Who is told how far the work is."""

    def run_of_many(self, done: int, runs: int) -> None:
        """Learn how many of ``runs`` videos are measured."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """How the runs are made."""

    runs: Path
    """Folder of the stores, one a pair."""
    workers: int = 0
    """Worker processes; 0 works in this one."""
    device: str | None = None
    """Where; None takes the pair's own."""
    watcher: Watcher | None = None
    """Who is told."""


def needed(configurations: Iterable[Configuration]) -> dict[str, tuple[Sweep, ...]]:
    """Return what all of these studies need together, by pair, each sweep once."""
    every: dict[str, dict[Sweep, None]] = {}
    for configuration in configurations:
        for pair, sweeps in configuration.needs.items():
            every.setdefault(pair, {}).update(dict.fromkeys(sweeps))
    return {pair: tuple(sweeps) for pair, sweeps in every.items()}


def fill(setting: Setting, pair: str, sweeps: Sequence[Sweep], work: Work) -> tuple[RunRequest, ...]:
    """Make the runs of ``pair`` that ``sweeps`` and both untouched arms need and the store lacks; return them.

    What was made by an earlier call stays: an interrupted one goes on.
    """
    path = work.runs / setting.store(pair)
    untouched = record.plan_record(
        pair,
        setting.texts(),
        out=path,
        seeds=setting.seeds,
        response=setting.response(pair) or None,
        device=work.device,
    )
    made = record.fill_plan(untouched, workers=work.workers, progress=work.watcher)
    plans = [intervene.plan_intervene(path, device=work.device, **sweep.arguments) for sweep in sweeps]
    if plans:
        # One filling for all of them: workers start and models load once.
        ways = tuple(dict.fromkeys(way for plan in plans for way in plan.ways))
        together = replace(plans[0], ways=ways, missing=all_runs(plans[0].samples, ways))
        made += intervene.fill_plan(together, workers=work.workers, progress=work.watcher)
    return made


def measure(setting: Setting, pair: str, work: Work) -> int:
    """Measure what is not measured yet of the videos of ``pair`` and return how many values that were."""
    done = measure_study(
        work.runs / setting.store(pair),
        stand_ins(pair).names,
        on_run=work.watcher.run_of_many if work.watcher else None,
    )
    return done.made


def write(study: Reproduction, setting: Setting, work: Work, folder: Path) -> Results:
    """Write results, pictures and page of one study into ``folder`` and return the results.

    Pictures are drawn where the numbers changed or a picture is missing.
    """
    configuration = study.configuration(setting)
    runs: dict[str, Recorded] = {}
    if study.records:
        for pair in configuration.needs:
            runs[pair] = opened(work.runs / setting.store(pair))
    before = read_results(folder) if (folder / FILE).is_file() else None
    results = write_results(
        folder,
        Results(
            study=study.name,
            configuration=configuration_values(configuration),
            found=study.measure(runs, configuration),
            made=made_here(configuration.pair, work.device),
        ),
    )
    text = page.page(study, results)
    drawn = study.draw(runs, configuration, results.found)
    pictures = {folder / f"{name}.png": figure for name, figure in drawn.items()}
    if pictures and (results != before or not all(path.is_file() for path in pictures)):
        write_pngs(pictures, scale=1.0)
    _check_pictures(folder, text)
    (folder / page.FILE).write_text(text, encoding="utf-8")
    return results


def opened(path: Path) -> Recorded:
    """Return a study with what is small in memory: every number of a page asks for it again."""
    ds = open_study(path)
    small = [COMPLETE, *(name for name in ds.data_vars if str(name).startswith(METRIC_PREFIX))]
    return Recorded(path=path, ds=ds.assign({name: ds[name].compute() for name in small}))


def where(study: Reproduction, setting: Setting, out: Path | None, work: Work) -> Path:
    """Return the folder of a study's page: its own for the shipped rerun, else beside the runs or in ``out``."""
    if out is not None:
        return out / study.name
    if setting.shipped:
        return Path(__file__).parents[1] / study.name
    return work.runs / f"{setting.store(setting.pair)}-pages" / study.name


def _check_pictures(folder: Path, text: str) -> None:
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        if not (folder / name).is_file():
            raise MissingFileError(f"the page of {folder.name} shows {name}, which was not drawn")
