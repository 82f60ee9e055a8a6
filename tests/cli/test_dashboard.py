"""``probe dashboard`` listens on this machine, elsewhere only with a token, and says what is wrong before it serves."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

TOKEN = "a-token-of-24-characters"
SERVE = "from dymos_probe.cli import main; main()"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.1.2.3"])
def test_an_address_others_can_reach_is_refused_without_a_token(refused, tmp_path, address):
    assert "--token-file" in refused(2, "dashboard", tmp_path, "--address", address)


def test_a_short_token_is_refused_without_saying_it(refused, tmp_path):
    (tmp_path / "token").write_text("secret\n")
    said = refused(2, "dashboard", tmp_path, "--address", "0.0.0.0", "--token-file", tmp_path / "token")
    assert "6 characters" in said and "secret" not in said


def test_a_token_file_must_be_there_and_text(refused, tmp_path):
    assert "no token file" in refused(2, "dashboard", tmp_path, "--token-file", tmp_path / "nobody")
    (tmp_path / "token").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(2, "dashboard", tmp_path, "--token-file", tmp_path / "token")


def test_a_folder_must_be_there(refused, tmp_path):
    assert "no folder" in refused(2, "dashboard", tmp_path / "nobody")


def test_a_taken_port_is_said(refused, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert "is taken" in refused(3, "dashboard", tmp_path, "--port", str(other.getsockname()[1]))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _get(port: int, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.slow
def test_it_serves_with_the_token_alone_never_says_it_and_ends_when_interrupted(tmp_path):
    port = _free_port()
    (tmp_path / "token").write_text(TOKEN)
    command = [sys.executable, "-c", SERVE, "dashboard", str(tmp_path), "--address", "0.0.0.0", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*command, "--token-file", str(tmp_path / "token")],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            cwd=Path(__file__).parents[2],
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    try:
        for _ in range(300):
            try:
                assert _get(port, "/_stcore/health")[0] == 401
                break
            except ConnectionRefusedError:
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
        mapped = [part.path for part in psutil.Process(server.pid).memory_maps()]
        assert any("/av/" in path for path in mapped), "what pages need is loaded before anybody asks"
        assert _get(port, "/")[0] == 401
        assert _get(port, "/?token=a-token-of-24-characterz")[0] == 401
        status, headers, _ = _get(port, f"/?token={TOKEN}")
        assert status == 303
        cookie = headers["set-cookie"].split(";")[0]
        status, _, page = _get(port, "/", Cookie=cookie)
        assert status == 200 and b"<html" in page
        assert _get(port, "/_stcore/health", Cookie=cookie)[0] == 200
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
    said = log.read_text()
    assert TOKEN not in said
    assert said == f"{tmp_path}: http://0.0.0.0:{port}/?token=…, with your token; Ctrl-C ends it\n"
