"""Whether a folder holds a diffusers model that can be loaded as one arm of a pair."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from dymos_probe.errors import InputError, MissingFileError

_LIBRARIES = ("diffusers", "transformers")


def check_folder(folder: Path, arm: Literal["t2v", "i2v"], pipeline: str | None = None) -> str:
    """Return the name of the diffusers class that loads `folder`, after looking at everything but the weights.

    Parameters
    ----------
    folder
        A model in diffusers' layout: ``model_index.json`` and one subfolder a component.
    arm
        What it is to be: ``i2v`` must take an image, ``t2v`` must not.
    pipeline
        Class to load it with; None takes the one ``model_index.json`` names.

    Raises
    ------
    MissingFileError
        When there is no such folder.
    InputError
        When it is no diffusers model, needs code of its own, lacks a component, has pickled
        weights only, or is the other arm's kind of model.
    """
    if not folder.exists():
        raise MissingFileError(f"there is no folder {folder} for the {arm} model")
    index = _read_index(folder)
    name = pipeline or index.get("_class_name")
    _check_arm(folder, arm, name)
    for component, (library, _) in _components(index).items():
        # Anything else is a module that comes with the weights; we do not run code we were handed as data.
        if library not in _LIBRARIES:
            raise InputError(f"{folder}: the component {component} needs code from {library!r}, which is not run")
        _refuse_pickled(folder / component)
    if missing := missing_weights(folder):
        raise InputError(f"{folder} is incomplete: {missing[0]} is missing; copy or save the model again")
    return str(name)


def missing_weights(folder: Path) -> list[str]:
    """Return what a diffusers model lacks, relative to `folder`: component folders, weights, shards of weights."""
    missing = []
    for component in _components(_read_index(folder)):
        part = folder / component
        if not part.is_dir():
            missing.append(f"{component}/")
        elif (part / "config.json").is_file() and not any(part.glob("*.safetensors")):
            # Only models have a config.json; schedulers, tokenizers and processors name theirs otherwise.
            missing.append(f"{component}/*.safetensors")
        for shards in part.glob("*.safetensors.index.json"):
            names = set(_read_json(shards)["weight_map"].values())
            missing += [f"{component}/{name}" for name in sorted(names) if not (part / name).is_file()]
    return missing


def _read_index(folder: Path) -> Mapping[str, Any]:
    file = folder / "model_index.json"
    if not file.is_file():
        raise InputError(
            f"{folder} has no model_index.json; give the top folder of a model in diffusers' layout "
            "(what `pipe.save_pretrained(folder)` writes)"
        )
    return _read_json(file)


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise InputError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{file} holds a {type(content).__name__}; a diffusers model has an object there")
    return content


def _components(index: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    pairs = {name: entry for name, entry in index.items() if isinstance(entry, list) and len(entry) == 2}
    return {name: (entry[0], entry[1]) for name, entry in pairs.items() if entry[0] is not None}


def _check_arm(folder: Path, arm: str, name: object) -> None:
    import diffusers

    found = getattr(diffusers, name, None) if isinstance(name, str) else None
    if not (inspect.isclass(found) and issubclass(found, diffusers.DiffusionPipeline)):
        raise InputError(f"{folder} is a {name}, which diffusers {diffusers.__version__} does not have")
    takes_image = "image" in inspect.signature(found.__call__).parameters
    if takes_image != (arm == "i2v"):
        kind = "an image-to-video" if takes_image else "a text-to-video"
        raise InputError(f"{folder} is {kind} model ({name}) and was given as the {arm} model of a pair")


def _refuse_pickled(part: Path) -> None:
    files = [file.name for file in part.iterdir()] if part.is_dir() else []
    pickled = [file for file in files if file.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    if pickled and not any(file.endswith(".safetensors") for file in files):
        raise InputError(
            f"{part} has its weights pickled ({pickled[0]}), which can run code and is not read; "
            "load it once where you trust it and save it with `pipe.save_pretrained(folder, safe_serialization=True)`"
        )
