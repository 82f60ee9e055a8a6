"""Videos that play in step under one control: a component of the page, for there is no native element for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import data
import streamlit as st

from dymos_probe.errors import CorruptStoreError
from dymos_probe.serving.files import image_url, video_url

_FILES = Path(__file__).parent / "players"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One place of the grid: a video, an image, or why there is none."""

    label: str
    """Stands below it; text, never markup."""
    missing: str = ""
    """Why there is nothing to show; empty where there is."""
    kind: str = "video"
    """``video`` or ``image``."""
    src: str = ""
    """Address of it, on this server."""
    file: str = ""
    """Name under which it is downloaded; empty where it is not."""
    frames: int = 0
    fps: float = 0.0
    height: int = 0
    """Pixels."""
    width: int = 0
    """Pixels."""


_html, _css, _js = ((_FILES / f"players.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
_players = st.components.v2.component("players", html=_html, css=_css, js=_js)


def players(cells: Sequence[Cell], *, key: str, plays: bool = False) -> None:
    """Show the cells, all at the same frame and in step; what was there in the last run goes on undisturbed.

    Videos none of which was there play by themselves with ``plays``, else they wait.
    """
    _players(data={"cells": [asdict(cell) for cell in cells], "plays": plays}, key=key)


def video_cell(study: str, sample: str, condition: str, *, label: str, complete: bool) -> Cell:
    """Return the video of a run, or why there is none."""
    path = data.video(study, sample, condition)
    if path is None:
        return Cell(label=label, missing="The video of this run is missing." if complete else "Not recorded yet.")
    cell = file_cell(path, video_url(study, sample, condition), label=label)
    if cell.missing:
        return cell
    # Another address for another file of the same name: a player keeps what it has loaded.
    return replace(cell, src=f"{cell.src}&written={path.stat().st_mtime_ns}", file=f"{sample} {condition}.mp4")


def file_cell(path: Path, src: str, *, label: str) -> Cell:
    """Return the video in a file, which the browser gets at ``src`` and is not offered to download."""
    try:
        facts = data.facts(path, path.stat().st_mtime_ns)
    except (OSError, CorruptStoreError):
        return Cell(label=label, missing="The video of this run cannot be read: its file is damaged.")
    return Cell(label=label, src=src, **asdict(facts))


def image_cell(study: str, image: str, *, label: str) -> Cell:
    """Return a reference image, to stand beside the videos."""
    return Cell(label=label, kind="image", src=image_url(study, image), file=Path(image).name)
