"""Without the token nothing comes through: no page, no file, no socket."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from dymos_probe.serving.token import COOKIE, TokenGate

TOKEN = "a-token-of-24-characters"


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("inside")
    await websocket.close()


@pytest.fixture
def client():
    routes = [Route("/{path:path}", lambda request: PlainTextResponse("inside")), WebSocketRoute("/stream", _socket)]
    app = Starlette(routes=routes, middleware=[Middleware(TokenGate, token=TOKEN)])
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/media/x.mp4", "/study/video?study=a", "/_stcore/health"])
def test_without_a_token_every_path_is_refused(client, path):
    answer = client.get(path)
    assert answer.status_code == 401 and "inside" not in answer.text


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é" * 24])
def test_a_wrong_token_is_refused_and_not_said_back(client, token):
    answer = client.get("/", params={"token": token})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert token == "" or token not in answer.text


def test_the_token_is_given_once_and_then_out_of_the_address(client):
    answer = client.get("/maps", params={"study": "de mo", "token": TOKEN, "lam": ""})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/maps?study=de+mo&lam="
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" not in cookie
    assert client.get("/maps").text == "inside"


def test_over_https_the_cookie_stays_on_https():
    app = Starlette(middleware=[Middleware(TokenGate, token=TOKEN)])
    client = TestClient(app, base_url="https://testserver", follow_redirects=False)
    assert "secure" in client.get("/", params={"token": TOKEN}).headers["set-cookie"].lower()


def test_a_path_with_two_slashes_does_not_lead_elsewhere(client):
    answer = client.get("//evil.example/", params={"token": TOKEN})
    assert not answer.headers["location"].startswith("//")


def test_a_posted_token_is_no_key(client):
    assert client.post("/", params={"token": TOKEN}).status_code in (401, 405)
    assert COOKIE not in client.cookies


def test_a_socket_needs_the_cookie(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/stream"):
        pass
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"/stream?token={TOKEN}"):
        pass
    client.get("/", params={"token": TOKEN})
    with client.websocket_connect("/stream") as socket:
        assert socket.receive_text() == "inside"


def test_a_broken_cookie_is_no_token(client):
    assert client.get("/", headers={"cookie": f'{COOKIE}="unclosed; x=\x01'}).status_code == 401
