"""The reference image and the three videos of a trial, side by side and in step."""

from __future__ import annotations

import data
from players import Cell, file_cell, players

from dymos_probe.preference import POSITIONS
from dymos_probe.serving.preference import trial_image_url, trial_video, trial_video_url


def trial_videos(survey: str, trial: str) -> None:
    """Show what a trial compares; nothing that is sent says which video is which."""
    image = Cell(label="Reference image", kind="image", src=trial_image_url(survey, trial))
    players([image, *(_video(survey, trial, position) for position in POSITIONS)], key="trial videos", plays=True)


def _video(survey: str, trial: str, position: str) -> Cell:
    label = f"Video {position}"
    path = trial_video(data.folder(), survey, trial, position)
    if path is None:
        return Cell(label=label, missing="This video is missing.")
    return file_cell(path, trial_video_url(survey, trial, position), label=label)
