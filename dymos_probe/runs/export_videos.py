"""``export_videos``: a study's videos laid out for programs that need environments of their own."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import xarray as xr

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.metrics.exchange import ExportedVideo, exported_videos
from dymos_probe.store import open_study, storage_errors, video_path
from dymos_probe.store.schema import SAMPLE

MANIFEST: Final = "manifest.json"
SCORED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "videoscore": tuple(f"videoscore_{name}" for name in ("visual", "temporal", "dynamic", "alignment", "factual")),
        "visionreward": ("visionreward",),
    }
)
"""Program → the metrics its table has columns for."""
TOOLS: Final = ("vbench", *SCORED)


@dataclass(frozen=True, kw_only=True)
class Export:
    """What was laid out."""

    out: Path
    videos: int
    conditions: int
    left_out: int
    """Runs that are not complete."""
    next_steps: tuple[str, ...]
    """What to do with it, a line a program."""


def export_videos(path: str | Path, out: str | Path, *, tool: str = "all", copy: bool = False) -> Export:
    """Lay out the video of every complete run in a new folder, by symbolic links unless ``copy``.

    ``videos/{condition}/{prompt}-{i}.mp4`` and ``images/{sample}.png``; ``manifest.json`` and ``manifest.csv`` lead
    from each video to prompt, sample, condition and reference image; for VBench ``vbench/{condition}.json``, the
    file its ``--prompt_file`` takes; for VideoScore and VisionReward a table each with empty columns for the scores,
    which `probe metrics import` reads when they are filled.

    Parameters
    ----------
    path
        Folder of a study.
    out
        A folder that does not exist or is empty.
    tool
        ``vbench``, ``videoscore``, ``visionreward`` or ``all``.
    copy
        Copy the files, so that the folder can be taken elsewhere.

    Raises
    ------
    InputError
        When the folder holds something, the tool is unknown, or no run is complete.
    MissingFileError
        When the video of a complete run is gone.
    EnvironmentLacksError
        When the disk is full or the folder cannot be written.
    """
    path, out = Path(path), Path(out)
    if tool not in (*TOOLS, "all"):
        raise InputError(f"for {tool!r} is unknown; choose vbench, videoscore, visionreward or all")
    tools = TOOLS if tool == "all" else (tool,)
    ds = open_study(path)
    runs = exported_videos(ds)
    taken = [run for run in runs if run.complete]
    if not taken:
        raise InputError(f"the study {path} has no complete run to export")
    for run in taken:
        if not (video := video_path(path, run.sample, run.condition)).is_file():
            raise MissingFileError(f"the complete run {run.condition} of {run.sample} has no video {video}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there already and not empty; give a new folder")
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        # Made beside it and renamed, so that a killed process leaves no half of it under its name.
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as made:
            folder = Path(made) / "export"
            rows = _lay_out(path, ds, taken, folder, copy=copy)
            _write_lists(path, rows, folder, tools, copy=copy)
            os.replace(folder, out)
    return Export(
        out=out,
        videos=len(taken),
        conditions=len({run.condition for run in taken}),
        left_out=len(runs) - len(taken),
        next_steps=tuple(_next_step(each, path, out, taken) for each in tools),
    )


def _lay_out(
    path: Path, ds: xr.Dataset, runs: Sequence[ExportedVideo], folder: Path, *, copy: bool
) -> list[dict[str, str]]:
    images = {str(sample): str(image) for sample, image in zip(ds[SAMPLE].values, ds["image"].values, strict=True)}
    rows = []
    for run in runs:
        video = f"videos/{run.folder}/{run.file}"
        _place(video_path(path, run.sample, run.condition), folder / video, copy=copy)
        image = path / images[run.sample]
        reference = f"images/{run.sample}{image.suffix}" if image.is_file() else ""
        if reference and not (folder / reference).exists():
            _place(image, folder / reference, copy=copy)
        rows.append(
            {
                "sample": run.sample,
                "condition": run.condition,
                "video": video,
                "prompt": run.prompt,
                "reference": reference,
            }
        )
    return rows


def _place(file: Path, target: Path, *, copy: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if copy:
        shutil.copy2(file, target)
    else:
        target.symlink_to(file.resolve())


def _write_lists(path: Path, rows: Sequence[dict[str, str]], folder: Path, tools: Sequence[str], *, copy: bool) -> None:
    manifest = {"study": str(path.resolve()), "files": "copies" if copy else "symbolic links", "videos": rows}
    _write_json(folder / MANIFEST, manifest)
    _write_csv(folder / "manifest.csv", rows)
    for tool in tools:
        if tool == "vbench":
            prompts: dict[str, dict[str, str]] = {}
            for row in rows:
                _, condition, file = row["video"].split("/")
                prompts.setdefault(condition, {})[file] = row["prompt"]
            for condition, by_file in prompts.items():
                _write_json(folder / "vbench" / f"{condition}.json", by_file)
        else:
            _write_csv(folder / f"{tool}.csv", [row | dict.fromkeys(SCORED[tool], "") for row in rows])


def _write_json(file: Path, document: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_csv(file: Path, rows: Sequence[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _next_step(tool: str, path: Path, out: Path, runs: Sequence[ExportedVideo]) -> str:
    if tool == "vbench":
        folder = runs[0].folder
        return (
            f"VBench, for each condition: python evaluate.py --custom_input --videos_path '{out}/videos/{folder}' "
            f"--prompt_file '{out}/vbench/{folder}.json' --dimension …; then probe metrics import {path} "
            "…_eval_results.json"
        )
    return f"{tool}: fill the last columns of {out / tool}.csv, then probe metrics import {path} {out / tool}.csv"
