"""The file of a preference study: one SQLite database, created whole, migrated, safe with many writers at once.

It is in write-ahead mode: readers never wait, writers wait for each other, and a process killed at any moment leaves
every vote that was acknowledged and no part of another. Write-ahead mode needs a disk of this machine; a network
file system is no place for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from dymos_probe.errors import CorruptStoreError, MissingFileError, StudyError

_APPLICATION: Final = 0x44594D50
"""SQLite's application_id of these files: "DYMP"."""

_WAIT = 30.0
"""Seconds a writer waits for another."""

MIGRATIONS: Final = (
    (
        """CREATE TABLE survey (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            title TEXT NOT NULL,
            study TEXT NOT NULL,
            seed INTEGER NOT NULL,
            created TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE candidate (
            place INTEGER PRIMARY KEY CHECK (place BETWEEN 0 AND 2),
            condition TEXT NOT NULL UNIQUE,
            arm TEXT NOT NULL,
            lam REAL,
            method TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE pair (
            place INTEGER PRIMARY KEY,
            sample TEXT NOT NULL UNIQUE,
            prompt TEXT NOT NULL,
            image TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE rater (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            nickname TEXT NOT NULL,
            joined TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE trial (
            id TEXT PRIMARY KEY,
            rater INTEGER NOT NULL REFERENCES rater (number),
            number INTEGER NOT NULL,
            pair INTEGER NOT NULL REFERENCES pair (place),
            a INTEGER NOT NULL REFERENCES candidate (place),
            b INTEGER NOT NULL REFERENCES candidate (place),
            c INTEGER NOT NULL REFERENCES candidate (place),
            handed_out TEXT NOT NULL,
            UNIQUE (rater, number),
            UNIQUE (rater, pair),
            CHECK (a <> b AND b <> c AND a <> c)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX trial_of_pair ON trial (pair)",
        """CREATE TABLE vote (
            trial TEXT NOT NULL REFERENCES trial (id),
            question TEXT NOT NULL,
            position TEXT NOT NULL CHECK (position IN ('A', 'B', 'C')),
            time TEXT NOT NULL,
            PRIMARY KEY (trial, question)
        ) STRICT, WITHOUT ROWID""",
    ),
)
"""Statements that lead from each version of the tables to the next; ``user_version`` counts those applied."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Look at the database at ``path`` as it is at one moment.

    Raises
    ------
    MissingFileError
        When there is no file.
    CorruptStoreError
        When it is no database, or damaged.
    StudyError
        When it is another program's, or a later version's.
    """
    with _transaction(path, "BEGIN") as db:
        yield db


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Change the database at ``path``, alone among writers; an error changes nothing.

    Raises
    ------
    MissingFileError, CorruptStoreError, StudyError
        As :func:`reading`.
    """
    # Immediate: two that first read and then write would otherwise find that the other came between.
    with _transaction(path, "BEGIN IMMEDIATE") as db:
        yield db


@contextmanager
def creating(path: Path) -> Iterator[sqlite3.Connection]:
    """Make the database at ``path``, which is there once the block is through, whole, or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            _migrate(db)
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        # The last connection has gone, and with it the write-ahead log: the file is all there is.
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _transaction(path: Path, begin: str) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise MissingFileError(f"there is no preference study {path}")
    try:
        # A file that is deleted meanwhile must not come back empty: mode=rw.
        address = f"file:{quote(str(path.resolve()))}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=_WAIT, isolation_level=None)) as db:
            _check(db, path)
            db.execute("PRAGMA foreign_keys = ON")
            # A vote that was acknowledged outlives a power cut too; there are few of them.
            db.execute("PRAGMA synchronous = FULL")
            db.execute(begin)
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise CorruptStoreError(f"the preference study {path} cannot be used ({error})") from error


def _check(db: sqlite3.Connection, path: Path) -> None:
    if _pragma(db, "application_id") != _APPLICATION:
        raise StudyError(f"{path} is no preference study of dymos-probe")
    version = _pragma(db, "user_version")
    if version > len(MIGRATIONS):
        raise StudyError(
            f"the preference study {path} has version {version} of the tables; this dymos-probe reads up to "
            f"{len(MIGRATIONS)}, a later one reads it"
        )
    if version < len(MIGRATIONS):
        _migrate(db)


def _migrate(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    # Read again: another process may have done it while this one waited.
    for version in range(_pragma(db, "user_version"), len(MIGRATIONS)):
        for statement in MIGRATIONS[version]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {version + 1}")
    db.execute("COMMIT")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
