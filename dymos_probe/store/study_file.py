"""study.json: the configuration of a study, and the lock its coordinator holds."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dymos_probe.errors import EnvironmentLacksError, InputError, MissingFileError, StudyError
from dymos_probe.store.schema import SCHEMA_NAME, SCHEMA_VERSION, STUDY_FILE, AttentionShape

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_PLACE = (errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into one line.

    Raises
    ------
    EnvironmentLacksError
        When the block raises OSError with ENOSPC, EDQUOT, EFBIG, EROFS, EACCES or EPERM.
    InputError
        When no folder can be at ``path``: a part of it is a file, or its name is too long.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise EnvironmentLacksError(
                f"no space left for the study {path}; free some, then run the same command again: "
                "completed runs are kept"
            ) from error
        if error.errno in _NOT_ALLOWED:
            raise EnvironmentLacksError(
                f"the study {path} cannot be written ({error.strerror}); choose a folder you may write to"
            ) from error
        if error.errno in _NO_PLACE:
            raise InputError(f"{path} cannot be a folder ({error.strerror}); give another") from error
        raise


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the study at ``path`` alone among coordinating processes; the lock dies with its process."""
    if sys.platform == "win32":  # no advisory lock on a folder there; one coordinator is then the user's care
        yield
        return
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never a part."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def as_json(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config`` as it comes back from a JSON file: tuples are lists, keys are strings.

    Raises
    ------
    InputError
        When it holds something JSON does not.
    """
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(config)))
    except (TypeError, ValueError) as error:
        raise InputError(f"the configuration of a study must be plain JSON values: {error}") from error
    return plain


def json_strengths(lams: Sequence[float]) -> list[float | str]:
    """Return strengths λ as JSON can hold them: infinity, which it lacks, as the text ``inf``."""
    return [lam if math.isfinite(lam) else str(lam) for lam in lams]


def write_study_file(path: Path, config: Mapping[str, Any], shape: AttentionShape) -> None:
    """Write study.json of the study at ``path``: schema, shape and configuration."""
    document = {
        "schema": {"name": SCHEMA_NAME, "version": SCHEMA_VERSION},
        "shape": _shape_document(shape),
        "config": as_json(config),
    }
    write_atomically(path / STUDY_FILE, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read_config(path: str | Path) -> dict[str, Any]:
    """Return the configuration the study at ``path`` was created with.

    Raises
    ------
    MissingFileError
        When there is no folder at ``path``.
    StudyError
        When the folder is no study, or one of another schema version.
    """
    config: dict[str, Any] = _read_document(Path(path))["config"]
    return config


def check_config(path: str | Path, config: Mapping[str, Any]) -> None:
    """Refuse to go on with a study that was created with another configuration.

    Raises
    ------
    StudyError
        Naming the first key that differs, what the study has and what was asked.
    """
    _refuse_difference(Path(path), read_config(path), as_json(config))


def check_shape(path: str | Path, shape: AttentionShape) -> None:
    """Refuse to go on with a study whose runs have other sizes.

    Raises
    ------
    StudyError
        Naming the first size that differs.
    """
    _refuse_difference(Path(path), _read_document(Path(path))["shape"], _shape_document(shape))


def _shape_document(shape: AttentionShape) -> dict[str, Any]:
    document = {
        "branches": list(shape.branches),
        "steps": shape.steps,
        "layers": list(shape.layers),
        "heads": shape.heads,
        "frames": shape.frames,
    }
    # Only where there is one, so that a study without is the same document as ever.
    return document | ({"response": json_strengths(shape.response)} if shape.response else {})


def _read_document(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise MissingFileError(f"there is no study at {path}; `probe record --out {path}` makes one")
    try:
        document = json.loads((path / STUDY_FILE).read_text(encoding="utf-8"))
        schema, version = document["schema"]["name"], document["schema"]["version"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StudyError(
            f"{path} is no study: it has no {STUDY_FILE}; give a folder that `probe record` made"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path / STUDY_FILE} is not the description of a study ({error})") from error
    if (schema, version) != (SCHEMA_NAME, SCHEMA_VERSION):
        raise StudyError(
            f"the study {path} has schema {schema} {version}; this version reads {SCHEMA_NAME} {SCHEMA_VERSION}"
        )
    return dict(document)


def _refuse_difference(path: Path, stored: object, asked: object) -> None:
    difference = _first_difference("", stored, asked)
    if difference is not None:
        key, has, wants = difference
        raise StudyError(
            f"the study {path} was made with {key} = {has}, now {wants} is asked; use a new folder or the same value"
        )


def _first_difference(key: str, stored: object, asked: object) -> tuple[str, str, str] | None:
    if isinstance(stored, dict) and isinstance(asked, dict):
        for name in (*stored, *(name for name in asked if name not in stored)):
            inner = f"{key}.{name}" if key else str(name)
            if name not in stored or name not in asked:
                return inner, _shown(stored, name), _shown(asked, name)
            found = _first_difference(inner, stored[name], asked[name])
            if found is not None:
                return found
        return None
    # 1 and True are equal to Python but not to a reader of the file.
    if stored == asked and isinstance(stored, bool) == isinstance(asked, bool):
        return None
    return key, json.dumps(stored, ensure_ascii=False), json.dumps(asked, ensure_ascii=False)


def _shown(mapping: dict[str, object], name: str) -> str:
    return json.dumps(mapping[name], ensure_ascii=False) if name in mapping else "(not given)"
