"""The tiny pair with random weights, built once into the user's cache folder."""

from __future__ import annotations

import hashlib
import tempfile
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

import dymos_probe.testing
from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.pairs.quiet import quiet_libraries


def built_pair(name: str, pipeline: str) -> tuple[Path, Path]:
    """Return the folders of the T2V and the I2V arm of a tiny pair, building them where they are missing.

    The folder's name carries the version and a hash of the sources of `dymos_probe.testing`:
    another version never reads weights this one made. Concurrent first uses are safe, the
    finished folder appears by one rename.

    Parameters
    ----------
    name
        Name of the preset.
    pipeline
        One of `dymos_probe.testing.PIPELINES`.

    Raises
    ------
    EnvironmentLacksError
        When the cache folder cannot be written.
    """
    folder = user_cache_path("dymos-probe") / "pairs" / f"{name}-{version('dymos-probe')}-{_recipe()}"
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as made:
                pair = Path(made) / "pair"
                with quiet_libraries():
                    dymos_probe.testing.save_pair(pipeline, pair)
                _publish(pair, folder)
    except OSError as error:
        raise EnvironmentLacksError(
            f"the pair {name!r} could not be written to {folder.parent}: {error.strerror or error}; "
            "free or permit that folder, or set XDG_CACHE_HOME to another"
        ) from error
    return folder / "t2v", folder / "i2v"


def _publish(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        # Another process was first; its folder is the same one.
        if not folder.is_dir():
            raise


def _recipe() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(dymos_probe.testing.__path__[0]).glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:8]
