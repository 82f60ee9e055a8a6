"""``import_scores``: what other programs measured of a study's videos, joined back into its store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dymos_probe.errors import InputError
from dymos_probe.metrics.exchange import known_paths, run_of_path
from dymos_probe.metrics.score_files import Score, ScoreFile, read_scores
from dymos_probe.store import Scores, completed_runs, open_study, write_scores
from dymos_probe.store.schema import CONDITION, SAMPLE, metric_variable


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a file brought."""

    made: int
    """Values written now."""
    there: int
    """Values that were there already, and equal."""
    metrics: dict[str, int] = field(default_factory=dict)
    """Name of each metric → values the file has of it."""


def import_scores(
    path: str | Path, file: str | Path, *, prefix: str = "", units: str = "1", calibrated: bool = False
) -> Imported:
    """Write the scores of a file as metrics of a study: all of them, or none where one cannot be.

    The attributes of each metric name the file and its SHA-256 under ``sources``.

    Parameters
    ----------
    path
        Folder of a study.
    file
        CSV or VBench's results, see :func:`dymos_probe.metrics.score_files.read_scores`. Videos named by path are
        known by its last two parts, as :func:`dymos_probe.runs.export_videos.export_videos` or the study has them.
    prefix
        Put before the names of the metrics.
    units, calibrated
        What the values of a CSV are; those of VBench are plain numbers and what their name says.

    Raises
    ------
    InputError
        When the file is not as it should be, names a run that the study lacks or that is not complete, or gives a
        value twice; with the line.
    StudyError
        When a metric of the same name is there with other attributes or another value.
    """
    path, file = Path(path), Path(file)
    read = read_scores(file)
    values = _joined(path, read.scores, prefix)
    about = _about(read, units, calibrated)
    scores = [
        Scores(name=name, values=runs, attrs={"long_name": name.replace("_", " "), **about})
        for name, runs in values.items()
    ]
    source = {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    made, there = write_scores(path, scores, source=source)
    return Imported(made=made, there=there, metrics={name: len(runs) for name, runs in values.items()})


def _about(read: ScoreFile, units: str, calibrated: bool) -> dict[str, Any]:
    if read.program:
        return {
            "units": "1",
            "weights": f"those of {read.program}",
            "calibrated": True,
            "settings": f"measured by {read.program}; imaging quality over 100",
        }
    return {"units": units, "weights": "not known", "calibrated": calibrated, "settings": "taken in from a CSV"}


def _joined(path: Path, scores: Sequence[Score], prefix: str) -> dict[str, dict[tuple[str, str], float]]:
    """Return metric → run → value, each run one the study has whole, each value there once."""
    ds = open_study(path)
    labels = {dim: {str(label) for label in ds[dim].values} for dim in (SAMPLE, CONDITION)}
    paths, complete = known_paths(ds), completed_runs(path)
    values: dict[str, dict[tuple[str, str], float]] = {}
    first: dict[tuple[str, tuple[str, str]], str] = {}
    for score in scores:
        run = score.run if score.run is not None else run_of_path(score.path, paths)
        if run is None:
            raise InputError(
                f"{score.where} names the video {score.path!r}, which the study {path} does not have; a path must end "
                "with condition/file as `probe metrics export` lays it out, or sample/condition.mp4"
            )
        for dim, label in zip((SAMPLE, CONDITION), run, strict=True):
            if label not in labels[dim]:
                some = ", ".join(sorted(labels[dim])[:8])
                raise InputError(
                    f"{score.where} names the {dim} {label!r}, which the study {path} lacks; it has {some}"
                )
        if run not in complete:
            raise InputError(f"{score.where} scores {run[1]} of {run[0]}, a run that is not complete")
        name = prefix + score.metric
        try:
            metric_variable(name)
        except InputError as error:
            raise InputError(f"{score.where}: {error}") from None
        if (name, run) in first:
            raise InputError(
                f"{score.where} gives {name} of {run[1]} of {run[0]} again; it is at {first[name, run]} already"
            )
        first[name, run] = score.where
        values.setdefault(name, {})[run] = score.value
    return values
