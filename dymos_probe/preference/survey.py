"""A preference study: three conditions of a recorded study, some of its samples, and the file that keeps the votes."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from dymos_probe.errors import InputError, MissingFileError, ProbeError
from dymos_probe.pairs import PRESETS
from dymos_probe.preference.candidates import comparable_samples, default_conditions
from dymos_probe.preference.database import creating, reading
from dymos_probe.store import open_study, read_config, storage_errors
from dymos_probe.store.schema import CONDITION, METHOD, SAMPLE

SURVEY_FOLDER: Final = ".preference"
"""Beside the studies, hidden from those who look for studies."""

DEFAULT_PAIRS: Final = 25
"""Image and prompt pairs of the paper's study."""

_LONGEST_TITLE = 120
_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One of the three conditions compared."""

    condition: str
    """Id in the recorded study."""
    arm: str
    lam: float
    """NaN for a method without λ."""
    method: str


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a preference study compares."""

    path: Path
    """Its database."""
    id: str
    """Stands in the participants' address: random, so that it says nothing."""
    title: str
    """For whoever runs it; participants do not see it."""
    study: str
    """The recorded study, relative to the folder of studies, with forward slashes."""
    candidates: tuple[Candidate, ...]
    samples: tuple[str, ...]
    seed: int
    created: datetime
    """UTC."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Ids of the three conditions."""
        return tuple(candidate.condition for candidate in self.candidates)


@dataclass(frozen=True, kw_only=True)
class BrokenSurvey:
    """A file among the preference studies that cannot be read."""

    id: str
    why: str


def create_survey(
    folder: str | Path,
    study: str,
    *,
    title: str = "",
    conditions: Sequence[str] | None = None,
    pairs: int | None = None,
    seed: int = 0,
) -> Survey:
    """Set up a preference study over a recorded one, and return it; nobody has voted yet.

    Parameters
    ----------
    folder
        Folder of studies. The votes are kept in ``.preference/<id>.sqlite`` of it.
    study
        The recorded study, relative to ``folder``.
    title
        For whoever runs it; by default the study's name.
    conditions
        Ids of three conditions; by default those of :func:`default_conditions`.
    pairs
        How many samples, drawn at random from those complete under all three. By default 25, or all where there are
        fewer.
    seed
        Of the draw, and of the order in which a participant sees the samples.

    Raises
    ------
    InputError
        When the conditions are not three different ones of the study, or there are fewer samples than asked.
    StudyError
        When there is no such study.
    """
    folder = Path(folder)
    place = (folder / study).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise InputError(f"the study {study!r} is not below {folder}; give its name relative to that folder")
    ds = open_study(place)
    chosen = tuple(conditions) if conditions is not None else default_conditions(ds, lam=published_lam(place))
    _check_conditions(ds, chosen)
    title = " ".join(title.split()) or study
    if len(title) > _LONGEST_TITLE:
        raise InputError(f"the title has {len(title)} characters; give at most {_LONGEST_TITLE}")
    samples = _draw(comparable_samples(place, ds, chosen), chosen, pairs, seed)
    ident = secrets.token_hex(6)
    path = folder / SURVEY_FOLDER / f"{ident}.sqlite"
    with storage_errors(folder):
        path.parent.mkdir(exist_ok=True)
    with creating(path) as db:
        db.execute(
            "INSERT INTO survey VALUES (1, ?, ?, ?, ?)",
            (title, Path(study).as_posix(), seed, datetime.now(UTC).isoformat(timespec="seconds")),
        )
        for number, condition in enumerate(chosen):
            row = ds.sel({CONDITION: condition})
            lam = float(row["lam"])
            db.execute(
                "INSERT INTO candidate VALUES (?, ?, ?, ?, ?)",
                # SQLite has no NaN.
                (number, condition, str(row["arm"].item()), None if math.isnan(lam) else lam, str(row[METHOD].item())),
            )
        for number, sample in enumerate(samples):
            row = ds.sel({SAMPLE: sample})
            db.execute(
                "INSERT INTO pair VALUES (?, ?, ?, ?)",
                (number, sample, str(row["prompt"].item()), str(row["image"].item())),
            )
    return open_survey(folder, ident)


def open_survey(folder: str | Path, ident: str) -> Survey:
    """Return the preference study ``ident`` of a folder of studies.

    Raises
    ------
    MissingFileError
        When there is none of that id.
    CorruptStoreError, StudyError
        When its file cannot be read.
    """
    path = Path(folder) / SURVEY_FOLDER / f"{ident}.sqlite"
    # No other name is ever turned into a path.
    if not _ID.fullmatch(ident) or path.is_symlink() or not path.is_file():
        raise MissingFileError(f"there is no preference study {ident!r} in {folder}")
    with reading(path) as db:
        title, study, seed, created = db.execute("SELECT title, study, seed, created FROM survey").fetchone()
        candidates = db.execute("SELECT condition, arm, lam, method FROM candidate ORDER BY place").fetchall()
        samples = db.execute("SELECT sample FROM pair ORDER BY place").fetchall()
    return Survey(
        path=path,
        id=ident,
        title=title,
        study=study,
        candidates=tuple(
            Candidate(condition=condition, arm=arm, lam=math.nan if lam is None else lam, method=method)
            for condition, arm, lam, method in candidates
        ),
        samples=tuple(sample for (sample,) in samples),
        seed=seed,
        created=datetime.fromisoformat(created),
    )


def surveys(folder: str | Path) -> list[Survey | BrokenSurvey]:
    """Return every preference study of a folder of studies, the newest first, then those that cannot be read."""
    whole: list[Survey] = []
    broken: list[BrokenSurvey] = []
    for path in sorted((Path(folder) / SURVEY_FOLDER).glob("*.sqlite")):
        if not _ID.fullmatch(path.stem) or path.is_symlink():
            continue
        try:
            whole.append(open_survey(folder, path.stem))
        except (ProbeError, OSError) as error:
            broken.append(BrokenSurvey(id=path.stem, why=" ".join(str(error).split())))
    return [*sorted(whole, key=lambda survey: (survey.created, survey.id), reverse=True), *broken]


def published_lam(study: str | Path) -> float | None:
    """Return the λ that is published for the pair a study was recorded with; None where there is none.

    Raises
    ------
    StudyError
        When the folder is no study.
    """
    pair = read_config(study).get("pair")
    preset = PRESETS.get(str(pair.get("preset"))) if isinstance(pair, dict) else None
    return preset.lam if preset is not None else None


def _check_conditions(ds: xr.Dataset, conditions: tuple[str, ...]) -> None:
    known = [str(label) for label in ds[CONDITION].values]
    for condition in conditions:
        if condition not in known:
            raise InputError(f"the study has no condition {condition!r}; it has {', '.join(known)}")
    if len(conditions) != 3 or len(set(conditions)) != 3:
        raise InputError(f"three different conditions are compared, got {', '.join(conditions) or 'none'}")


def _draw(samples: list[str], conditions: tuple[str, ...], pairs: int | None, seed: int) -> list[str]:
    if not samples:
        raise InputError(
            f"no sample is complete, with its videos, under all of {', '.join(conditions)}; "
            "`probe intervene` with the settings of each makes what is missing"
        )
    count = min(DEFAULT_PAIRS, len(samples)) if pairs is None else pairs
    if not 1 <= count <= len(samples):
        raise InputError(f"pairs {count} must be between 1 and {len(samples)}, the samples complete under all three")
    if seed < 0:
        raise InputError(f"seed {seed} must not be negative")
    drawn = np.random.default_rng(seed).choice(len(samples), size=count, replace=False)
    return [samples[index] for index in sorted(drawn.tolist())]
