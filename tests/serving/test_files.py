"""A browser gets videos and images of the folder's studies, and nothing else of the disk."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dymos_probe.serving.files import IMAGE_ROUTE, VIDEO_ROUTE, image_url, routes, study_folder, video_url

VIDEO = bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path):
    study = tmp_path / "runs" / "group" / "demo"
    (study / "videos" / "s-1").mkdir(parents=True)
    (study / "images").mkdir()
    (study / "study.json").write_text("{}")
    (study / "videos" / "s-1" / "i2v lam=1.mp4").write_bytes(VIDEO)
    (study / "images" / "s-1.png").write_bytes(b"png")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (study / "secret.png").write_bytes(b"secret")
    return tmp_path / "runs"


@pytest.fixture
def client(folder):
    return TestClient(Starlette(routes=routes(folder)))


def test_a_video_is_served_whole_and_in_ranges(client):
    url = video_url("group/demo", "s-1", "i2v lam=1")
    whole = client.get(url)
    assert whole.content == VIDEO and whole.headers["content-type"] == "video/mp4"
    part = client.get(url, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == VIDEO[100:200]


def test_an_image_is_served(client):
    assert client.get(image_url("group/demo", "images/s-1.png")).content == b"png"


@pytest.mark.parametrize(
    "asked",
    [
        {"study": "../group/demo", "sample": "s-1", "condition": "../../../../../secret"},
        {"study": "group/demo", "sample": "../../../..", "condition": "secret"},
        {"study": "group/demo", "sample": "..", "condition": "s-1/i2v lam=1"},
        {"study": "group/demo", "sample": "s-1", "condition": "i2v lam=1\0"},
        {"study": "group/demo", "sample": "", "condition": ""},
        {"study": "", "sample": "s-1", "condition": "i2v lam=1"},
        {"study": "/etc", "sample": "s-1", "condition": "i2v lam=1"},
        {"study": "x" * 5000, "sample": "s-1", "condition": "i2v lam=1"},
        {},
    ],
)
def test_no_name_of_a_video_leads_out_of_its_study(client, asked):
    answer = client.get(f"{VIDEO_ROUTE}?{urlencode(asked)}")
    assert answer.status_code == 404 and b"secret" not in answer.content


@pytest.mark.parametrize(
    "image",
    ["../secret.png", "secret.png", "images/../secret.png", "../../../secret.png", "/etc/passwd", "study.json", ""],
)
def test_no_name_of_an_image_leads_out_of_the_images(client, image):
    answer = client.get(f"{IMAGE_ROUTE}?{urlencode({'study': 'group/demo', 'image': image})}")
    assert answer.status_code == 404 and b"secret" not in answer.content


def test_a_link_out_of_the_folder_is_not_followed(client, folder):
    study = folder / "group" / "demo"
    (study / "videos" / "s-1" / "link.mp4").symlink_to(folder.parent / "secret.mp4")
    (study / "images" / "link.png").symlink_to(folder.parent / "secret.png")
    assert client.get(video_url("group/demo", "s-1", "link")).status_code == 404
    assert client.get(image_url("group/demo", "images/link.png")).status_code == 404


def test_only_studies_below_the_folder_are_known(folder):
    assert study_folder(folder, "group/demo") == folder / "group" / "demo"
    for name in ("group", "../runs/group/demo/../../..", "..", "/", "nobody"):
        assert study_folder(folder, name) is None


JOB = "20261125-123005-123456-0a1b2c3d"


@pytest.fixture
def generated(folder):
    """The result of a job, beside what else a job's folder holds, and the same files where no result is."""
    job = folder / ".jobs" / JOB
    for place in (job / "result", job, job / "result" / "inner", folder / ".hidden", folder / ".jobs" / "x" / "result"):
        (place / "videos" / "s-1").mkdir(parents=True)
        (place / "images").mkdir()
        (place / "study.json").write_text("{}")
        (place / "videos" / "s-1" / "i2v.mp4").write_bytes(VIDEO)
        (place / "images" / "s-1.png").write_bytes(b"png")
    (job / "reference.png").write_bytes(b"secret")
    (job / "request.json").write_text("secret")
    return folder


def test_the_result_of_a_job_is_served_like_a_study(generated):
    client = TestClient(Starlette(routes=routes(generated)))
    assert client.get(video_url(f".jobs/{JOB}/result", "s-1", "i2v")).content == VIDEO
    assert client.get(image_url(f".jobs/{JOB}/result", "images/s-1.png")).content == b"png"


@pytest.mark.parametrize(
    "study",
    [
        f".jobs/{JOB}",
        f".jobs/{JOB}/result/inner",
        f".jobs/{JOB}/result/",
        f"./.jobs/{JOB}/result",
        f".jobs//{JOB}/result",
        f"group/../.jobs/{JOB}/result",
        f".jobs/{JOB}/../{JOB}/result",
        ".jobs/x/result",
        f".jobs/{JOB}\n/result",
        ".hidden",
        "group/../.hidden",
    ],
)
def test_nothing_else_that_is_hidden_is(generated, study):
    client = TestClient(Starlette(routes=routes(generated)))
    assert client.get(video_url(study, "s-1", "i2v")).status_code == 404
    assert client.get(image_url(study, "images/s-1.png")).status_code == 404


@pytest.mark.parametrize("image", ["../reference.png", "images/../../reference.png", "../request.json", "/etc/passwd"])
def test_no_name_of_an_image_leads_to_the_rest_of_the_job(generated, image):
    client = TestClient(Starlette(routes=routes(generated)))
    answer = client.get(image_url(f".jobs/{JOB}/result", image))
    assert answer.status_code == 404 and b"secret" not in answer.content


def test_a_result_that_is_a_link_out_of_the_folder_is_not_followed(generated, tmp_path):
    other = "20261125-123005-123456-ffffffff"
    (tmp_path / "outside" / "images").mkdir(parents=True)
    (tmp_path / "outside" / "study.json").write_text("{}")
    (generated / ".jobs" / other).mkdir()
    (generated / ".jobs" / other / "result").symlink_to(tmp_path / "outside", target_is_directory=True)
    assert study_folder(generated, f".jobs/{other}/result") is None
