"""A trial's videos are served without a word about which is which, and no other file is."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dymos_probe.preference import create_survey, join, next_trial
from dymos_probe.preference.trials import shown_at
from dymos_probe.runs.media import write_image
from dymos_probe.serving.preference import IMAGE_ROUTE, VIDEO_ROUTE, trial_image_url, trial_routes, trial_video_url
from dymos_probe.store import video_path
from dymos_probe.testing.synthetic import synthetic_study

THREE = ("i2v", "i2v lam=-1", "i2v lam=1")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    study = synthetic_study(tmp_path_factory.mktemp("recorded") / "demo", samples=2, lams=(-1.0, 1.0))
    for sample in study.samples:
        write_image(study.path / "images" / f"{sample}.png", np.zeros((8, 8, 3), dtype=np.uint8))
        for number, condition in enumerate(study.conditions):
            file = video_path(study.path, sample, condition)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(f"{sample} {condition}".encode() * 50)
            os.utime(file, (1e9 + number * 86400,) * 2)
    return study.path


@pytest.fixture
def folder(recorded, tmp_path):
    shutil.copytree(recorded, tmp_path / "runs" / "demo")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    return tmp_path / "runs"


@pytest.fixture
def survey(folder):
    return create_survey(folder, "demo", conditions=THREE)


@pytest.fixture
def trial(survey):
    return next_trial(survey, join(survey)).id


@pytest.fixture
def client(folder):
    return TestClient(Starlette(routes=trial_routes(folder)))


def test_the_three_videos_and_the_image_are_those_of_the_trial(client, folder, survey, trial):
    for position in "ABC":
        shown = shown_at(survey, trial, position)
        answer = client.get(trial_video_url(survey.id, trial, position))
        assert answer.content == video_path(folder / "demo", shown.sample, shown.condition).read_bytes()
        assert answer.headers["content-type"] == "video/mp4"
    image = client.get(trial_image_url(survey.id, trial))
    assert image.content == (folder / "demo" / shown.image).read_bytes()


def test_a_part_is_served_so_that_a_browser_can_seek(client, survey, trial):
    url = trial_video_url(survey.id, trial, "B")
    whole = client.get(url)
    part = client.get(url, headers={"Range": "bytes=10-29", "If-Range": whole.headers["etag"]})
    assert part.status_code == 206 and part.content == whole.content[10:30]


def test_neither_address_nor_header_tells_the_videos_apart(client, survey, trial):
    answers = [client.get(trial_video_url(survey.id, trial, position)) for position in "ABC"]
    for answer in answers:
        told = f"{answer.request.url} {answer.headers}".lower()
        assert not any(word in told for word in ("i2v", "lam", "alg", "sample-", "demo", "filename"))
    varying = {name for name in answers[0].headers if len({answer.headers[name] for answer in answers}) > 1}
    # Both come of the bytes and of the file, not of a condition; the day of the run is not among them.
    assert varying <= {"content-length", "etag"}


def test_the_same_condition_has_another_address_in_every_trial(survey):
    first, second = join(survey), join(survey)
    urls = {trial_video_url(survey.id, next_trial(survey, each).id, p) for each in (first, second) for p in "ABC"}
    assert len(urls) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"trial": "nobody"},
        {"trial": ""},
        {"position": "D"},
        {"position": "a"},
        {"position": "../../secret"},
        {"position": "A; DROP TABLE vote"},
        {"survey": "0" * 12},
        {"survey": "../../../secret"},
        {"survey": ""},
    ],
)
def test_anything_else_is_refused(client, survey, trial, change):
    asked = {"survey": survey.id, "trial": trial, "position": "A"}
    assert client.get(VIDEO_ROUTE, params=asked).status_code == 200
    assert client.get(VIDEO_ROUTE, params=asked | change).status_code == 404
    if "position" not in change:
        assert client.get(IMAGE_ROUTE, params=asked | change).status_code == 404


def test_a_trial_of_another_preference_study_is_refused(client, folder, survey, trial):
    other = create_survey(folder, "demo", conditions=THREE)
    assert client.get(trial_video_url(other.id, trial, "A")).status_code == 404
    assert client.get(trial_image_url(other.id, trial)).status_code == 404


def test_a_video_that_leads_out_of_the_folder_is_refused(client, folder, survey, trial):
    shown = shown_at(survey, trial, "A")
    video = video_path(folder / "demo", shown.sample, shown.condition)
    video.unlink()
    video.symlink_to(folder.parent / "secret.mp4")
    assert client.get(trial_video_url(survey.id, trial, "A")).status_code == 404


def test_a_study_that_is_gone_is_no_defect(client, folder, survey, trial):
    shutil.rmtree(folder / "demo")
    assert client.get(trial_video_url(survey.id, trial, "A")).status_code == 404
