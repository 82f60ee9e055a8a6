"""Videos and reference images of trials, under addresses and headers that do not say which is which."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from dymos_probe.errors import ProbeError
from dymos_probe.preference.questions import POSITIONS
from dymos_probe.preference.survey import open_survey
from dymos_probe.preference.trials import Shown, shown_at
from dymos_probe.serving.files import image_of, video_of

VIDEO_ROUTE = "/preference/video"
IMAGE_ROUTE = "/preference/image"

_SILENT = {
    # The day a run was made tells the conditions of a study apart.
    "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
}


def trial_video_url(survey: str, trial: str, position: str) -> str:
    """Return the address of the video at a position of a trial."""
    return f"{VIDEO_ROUTE}?{urlencode({'survey': survey, 'trial': trial, 'position': position})}"


def trial_image_url(survey: str, trial: str) -> str:
    """Return the address of the reference image of a trial."""
    return f"{IMAGE_ROUTE}?{urlencode({'survey': survey, 'trial': trial})}"


def trial_routes(folder: Path) -> list[Route]:
    """Return the routes that serve the trials of the preference studies of ``folder``."""

    def video(request: Request) -> Response:
        asked = request.query_params
        return _file(trial_video(folder, asked.get("survey", ""), asked.get("trial", ""), asked.get("position", "")))

    def image(request: Request) -> Response:
        asked = request.query_params
        return _file(trial_image(folder, asked.get("survey", ""), asked.get("trial", "")))

    return [Route(VIDEO_ROUTE, video, methods=["GET"]), Route(IMAGE_ROUTE, image, methods=["GET"])]


def trial_video(folder: Path, survey: str, trial: str, position: str) -> Path | None:
    """Return the file of the video at a position of a trial; None where there is none."""
    shown = _shown(folder, survey, trial, position)
    return None if shown is None else video_of(folder, shown.study, shown.sample, shown.condition)


def trial_image(folder: Path, survey: str, trial: str) -> Path | None:
    """Return the file of the reference image of a trial; None where there is none."""
    shown = _shown(folder, survey, trial, POSITIONS[0])
    return None if shown is None else image_of(folder, shown.study, shown.image)


def _shown(folder: Path, survey: str, trial: str, position: str) -> Shown | None:
    try:
        return shown_at(open_survey(folder, survey), trial, position)
    except (ProbeError, OSError):
        return None


def _file(found: Path | None) -> Response:
    if found is None:
        return PlainTextResponse("There is no such trial.\n", status_code=404)
    return FileResponse(found, headers=_SILENT)
