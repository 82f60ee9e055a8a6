"""What ``study.json`` keeps of a pair: enough to tell another model, and to find the same one again."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from dymos_probe.pairs.pair import Arm, Pair

LIBRARIES: Final = ("dymos-probe", "torch", "diffusers", "transformers", "accelerate", "safetensors", "huggingface_hub")
"""Distributions whose versions are recorded."""

SAMPLED_ABOVE: Final = 64 * 1024 * 1024
"""Bytes above which a file's first and last MiB stand for it in `folder_hash`."""

_MIB: Final = 1024 * 1024


def describe(pair: Pair) -> dict[str, Any]:
    """Return a pair as JSON values: both models, how they are placed, and the libraries' versions.

    A folder is described by its path and `folder_hash`. A hub model by its id, the revision
    asked for and the commit that revision led to, taken from the local cache (None before
    the first download); a commit fixes its content, so that is not hashed again.
    """
    return {
        "preset": pair.preset.name if pair.preset else None,
        "t2v": _describe_arm(pair, "t2v"),
        "i2v": _describe_arm(pair, "i2v"),
        "scheduler": pair.scheduler,
        "dtype": pair.dtype,
        "device": pair.device,
        "offload": pair.offload,
        "vae_tiling": pair.vae_tiling,
        "versions": {name: _version(name) for name in LIBRARIES},
    }


def folder_hash(folder: Path) -> str:
    """Return a hexadecimal SHA-256 over every file's relative name, size and content, in the order of the names.

    Of files above `SAMPLED_ABOVE` the content is their first and last MiB: a change in the
    middle of a shard that keeps its size goes unseen, and 30 GB do not have to be read.
    Hidden files and folders are left out; they belong to tools.
    """
    digest = hashlib.sha256()
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    for name, file in sorted(files.items()):
        if any(part.startswith(".") for part in name.split("/")):
            continue
        size = file.stat().st_size
        digest.update(f"{name}\0{size}\0".encode())
        with file.open("rb") as content:
            if size > SAMPLED_ABOVE:
                digest.update(content.read(_MIB))
                content.seek(size - _MIB)
            while block := content.read(_MIB):
                digest.update(block)
    return digest.hexdigest()


def _describe_arm(pair: Pair, arm: Arm) -> dict[str, Any]:
    folder = pair.folder(arm)
    named = pair.pipeline(arm)
    if folder is not None:
        return {
            "folder": str(folder.resolve()),
            "sha256": folder_hash(folder),
            "pipeline": named or _named_class(folder),
        }
    commit, snapshot = _cached_commit(str(pair.source(arm)), pair.revision(arm))
    return {
        "hub_id": str(pair.source(arm)),
        "revision": pair.revision(arm),
        "commit": commit,
        "pipeline": named or (_named_class(snapshot) if snapshot else None),
    }


def _cached_commit(hub_id: str, revision: str | None) -> tuple[str | None, Path | None]:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(hub_id, "model_index.json", revision=revision)
    if not isinstance(found, str):
        return None, None
    snapshot = Path(found).parent
    return snapshot.name, snapshot


def _named_class(folder: Path) -> str:
    return str(json.loads((folder / "model_index.json").read_bytes())["_class_name"])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
