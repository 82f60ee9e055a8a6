"""How a study's videos are called outside it: names other programs read, and the way back to sample and condition.

VBench reads the prompt of a video from its name, ``{prompt}-{i}.mp4`` (``vbench/utils.py`` of
https://github.com/Vchitect/VBench), or from a JSON file of names and prompts. The names depend on nothing but the
study, and samples are only ever added to its end: an export made before and one made after agree.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath
from typing import Final

import numpy as np
import xarray as xr

from dymos_probe.store.schema import COMPLETE, CONDITION, SAMPLE

_LONGEST: Final = 180
"""Bytes of a name before its number; file systems take 255."""
_UNSAFE: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)


@dataclass(frozen=True, kw_only=True)
class ExportedVideo:
    """One run as other programs see it."""

    sample: str
    condition: str
    prompt: str
    folder: str
    """Of its condition."""
    file: str
    """``{prompt}-{i}.mp4``, i counting the samples of the prompt; a short form where the prompt is no file name."""
    complete: bool
    """Whether the run, and so its video, is there."""


def exported_videos(ds: xr.Dataset) -> tuple[ExportedVideo, ...]:
    """Return every run of a study with the name it is exported under, conditions one after the other."""
    samples = [str(label) for label in ds[SAMPLE].values]
    prompts = [str(prompt) for prompt in ds["prompt"].values]
    complete = np.asarray(ds[COMPLETE].transpose(SAMPLE, CONDITION).values, dtype=bool)
    files = _numbered([safe_name(prompt) for prompt in prompts])
    conditions = [str(label) for label in ds[CONDITION].values]
    folders = _distinct([safe_name(condition) for condition in conditions])
    return tuple(
        ExportedVideo(
            sample=sample,
            condition=condition,
            prompt=prompt,
            folder=folder,
            file=f"{file}.mp4",
            complete=bool(complete[s, c]),
        )
        for c, (condition, folder) in enumerate(zip(conditions, folders, strict=True))
        for s, (sample, prompt, file) in enumerate(zip(samples, prompts, files, strict=True))
    )


def safe_name(text: str) -> str:
    """Return ``text`` where every file system takes it as a name, else a short form of it with a hash."""
    plain = text == text.strip(" .") and text and not text.startswith("-")
    if plain and not _UNSAFE.search(text) and len(text.encode()) <= _LONGEST and text.casefold() not in _RESERVED:
        return text
    start = re.sub(r"[^\w ,-]+", "_", text).strip(" -_")[:40].strip()
    return f"{start or 'prompt'} {hashlib.sha256(text.encode()).hexdigest()[:8]}"


def run_of_path(path: str, known: Mapping[tuple[str, str], ExportedVideo]) -> tuple[str, str] | None:
    """Return (sample, condition) of a video by the last two parts of its path, or None.

    Parameters
    ----------
    path
        Of an exported video, ``…/{condition}/{prompt}-{i}.mp4``, or of the study's own,
        ``…/{sample}/{condition}.mp4``; with either system's separators.
    known
        Both kinds by those two parts, from :func:`known_paths`.
    """
    for kind in (PurePath, PureWindowsPath):
        parts = kind(path).parts
        if len(parts) >= 2 and (found := known.get((parts[-2], parts[-1]))):
            return found.sample, found.condition
    return None


def known_paths(ds: xr.Dataset) -> dict[tuple[str, str], ExportedVideo]:
    """Return every video of a study by the last two parts of its path, exported and where it lies."""
    videos = exported_videos(ds)
    own = {(video.sample, f"{video.condition}.mp4"): video for video in videos}
    return own | {(video.folder, video.file): video for video in videos}


def _numbered(names: list[str]) -> list[str]:
    """Return each name with how many of the same came before it; case does not tell files apart everywhere."""
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        numbered.append(f"{name}-{seen[name.casefold()]}")
        seen[name.casefold()] += 1
    return numbered


def _distinct(names: list[str]) -> list[str]:
    """Return the names, a later one with a number where an earlier one differs in case only."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        distinct.append(f"{name} ({seen[name.casefold()]})" if seen[name.casefold()] else name)
        seen[name.casefold()] += 1
    return distinct
