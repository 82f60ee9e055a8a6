"""Videos and images of the folder's studies, for a browser that plays and seeks; nothing else of the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from dymos_probe.jobs.folder import is_result_name
from dymos_probe.store.schema import STUDY_FILE, video_path

VIDEO_ROUTE = "/study/video"
IMAGE_ROUTE = "/study/image"


def video_url(study: str, sample: str, condition: str) -> str:
    """Return the address of a run's video; ``study`` is relative to the served folder."""
    return f"{VIDEO_ROUTE}?{urlencode({'study': study, 'sample': sample, 'condition': condition})}"


def image_url(study: str, image: str) -> str:
    """Return the address of a reference image; ``image`` as the study's coordinate has it."""
    return f"{IMAGE_ROUTE}?{urlencode({'study': study, 'image': image})}"


def routes(folder: Path) -> list[Route]:
    """Return the routes that serve the media of the studies below ``folder``."""
    return [
        Route(VIDEO_ROUTE, _answer(folder, video_of), methods=["GET"]),
        Route(IMAGE_ROUTE, _answer(folder, image_of), methods=["GET"]),
    ]


def study_folder(folder: Path, study: str) -> Path | None:
    """Return the folder of a study named relative to ``folder``, or None where there is none below it.

    Hidden folders are no place for studies, but for the results of jobs.
    """
    if any(part.startswith(".") for part in study.split("/")) and not is_result_name(study):
        return None
    return _inside(folder, folder / study, lambda path: (path / STUDY_FILE).is_file())


def video_of(folder: Path, study: str, sample: str, condition: str) -> Path | None:
    """Return the video of a run, or None where it is not there or not below the study's videos."""
    place = study_folder(folder, study)
    if place is None or not _is_name(sample) or not _is_name(condition):
        return None
    return _inside(place / "videos", video_path(place, sample, condition), Path.is_file)


def image_of(folder: Path, study: str, image: str) -> Path | None:
    """Return a reference image, or None where it is not there or not below the study's images."""
    place = study_folder(folder, study)
    if place is None or Path(image).suffix != ".png":
        return None
    return _inside(place / "images", place / image, Path.is_file)


def _is_name(text: str) -> bool:
    return bool(text) and "/" not in text and "\\" not in text and "\0" not in text and text not in (".", "..")


def _inside(root: Path, path: Path, is_there: Callable[[Path], bool]) -> Path | None:
    """Return ``path`` with every link followed, where that is below ``root`` and there."""
    try:
        real, top = path.resolve(), root.resolve()
        return real if real.is_relative_to(top) and is_there(real) else None
    except (OSError, ValueError):  # a name too long, a loop of links, a null byte
        return None


def _answer(folder: Path, find: Callable[..., Path | None]) -> Callable[[Request], Response]:
    names = find.__code__.co_varnames[1 : find.__code__.co_argcount]

    def answer(request: Request) -> Response:
        found = find(folder, **{name: request.query_params.get(name, "") for name in names})
        if found is None:
            return PlainTextResponse("There is no such file in this folder's studies.\n", status_code=404)
        # A study that is recorded anew has other videos under the same names.
        return FileResponse(found, headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})

    return answer
