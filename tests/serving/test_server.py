"""Who may look is decided before anything is served."""

from __future__ import annotations

import socket

import pytest

from dymos_probe.errors import EnvironmentLacksError, InputError, MissingFileError
from dymos_probe.serving import prepare
from dymos_probe.serving.pages import app_script

TOKEN = "a-token-of-24-characters"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.4", "::"])
def test_an_address_others_can_reach_needs_a_token(tmp_path, address):
    with pytest.raises(InputError, match="needs a token"):
        prepare(tmp_path, address=address)


@pytest.mark.parametrize("token", ["", "short", "with a space in between", "with;semicolon;inside"])
def test_a_token_that_is_short_or_no_word_is_refused_and_not_said_back(tmp_path, token):
    with pytest.raises(InputError, match="letters, digits") as refused:
        prepare(tmp_path, address="0.0.0.0", token=token)
    assert not token or token not in str(refused.value)


def test_an_address_is_an_ip_address(tmp_path):
    with pytest.raises(InputError, match="no IP address"):
        prepare(tmp_path, address="example.org", token=TOKEN)


def test_a_taken_port_is_said_before_anything_is_served(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EnvironmentLacksError, match=f"port {port} .* is taken"):
            prepare(tmp_path, port=port)


def test_there_must_be_a_folder(tmp_path):
    with pytest.raises(MissingFileError, match="no folder"):
        prepare(tmp_path / "nobody")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        prepare(tmp_path / "file")


def test_the_pages_are_found():
    assert app_script().name == "app.py" and "st.navigation" in app_script().read_text()
