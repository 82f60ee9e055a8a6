"""The dashboard over a folder of studies, on this machine unless told otherwise."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from dymos_probe.errors import EnvironmentLacksError, InputError, MissingFileError
from dymos_probe.serving.pages import app_script, load_libraries
from dymos_probe.serving.token import LEAST_LENGTH

FOLDER_VARIABLE = "DYMOS_PROBE_FOLDER"
"""Tells the pages, which Streamlit runs as scripts, which folder they show."""

_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def prepare(
    folder: str | Path, *, address: str = "127.0.0.1", port: int = 8501, token: str | None = None
) -> Callable[[], None]:
    """Check what is asked, and return what serves the dashboard over ``folder`` until the process is interrupted.

    Parameters
    ----------
    folder
        Studies, at any depth.
    address
        Where to listen. Any but this machine's own loopback needs a token.
    port
        TCP port.
    token
        What a browser has to bring, once, as ``?token=``; never printed or logged.

    Raises
    ------
    InputError
        When the address is none, is not loopback and there is no token, the token is short, or ``folder`` is a file.
    MissingFileError
        When there is no folder.
    EnvironmentLacksError
        When the port is taken or not allowed.
    """
    folder = Path(folder)
    if not folder.exists():
        raise MissingFileError(f"there is no folder {folder}; `probe record --out {folder}/NAME` makes one")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder of studies")
    _check_token(address, token)
    _check_port(address, port)

    # Not before what is asked is known to be right: it takes a second.
    import streamlit as st
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from dymos_probe.serving.files import routes
    from dymos_probe.serving.preference import trial_routes
    from dymos_probe.serving.token import TokenGate

    middleware = []
    if is_loopback(address):
        # Another site's name may be made to resolve to this machine; a browser still says whose page it is.
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(_LOCAL_HOSTS)))
    if token is not None:
        middleware.append(Middleware(TokenGate, token=token))
    os.environ[FOLDER_VARIABLE] = str(folder.resolve())
    top = folder.resolve()
    app = st.App(app_script(), routes=[*routes(top), *trial_routes(top)], middleware=middleware, lifespan=_ready)
    config = {
        "server.address": address,
        "server.port": port,
        # A default in the address and a value set by a click go together here.
        "global.disableWidgetStateDuplicationWarning": True,
        "logger.hideWelcomeMessage": True,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 32,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
    }
    return lambda: app.run(config=config)


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach ``address``.

    Raises
    ------
    InputError
        When it is no IP address and not ``localhost``.
    """
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise InputError(f"address {address!r} is no IP address, such as 127.0.0.1 or 0.0.0.0") from None


@asynccontextmanager
async def _ready(_: object) -> AsyncIterator[None]:
    # Streamlit is up by now, which what keeps values between two looks asks for, and nobody is answered yet.
    load_libraries()
    yield


def _check_token(address: str, token: str | None) -> None:
    local = is_loopback(address)
    if token is None:
        if not local:
            raise InputError(
                f"address {address} can be reached from other machines, so the dashboard needs a token there: put one "
                f"of {LEAST_LENGTH} characters or more into a file and give --token-file FILE, or stay on 127.0.0.1"
            )
        return
    # Not the value itself: errors end in logs.
    if len(token) < LEAST_LENGTH or not token.isascii() or not token.replace("-", "").replace("_", "").isalnum():
        raise InputError(
            f"the token has {len(token)} characters; it needs {LEAST_LENGTH} or more, of letters, digits, - and _"
        )


def _check_port(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            reason = {errno.EADDRINUSE: "is taken", errno.EACCES: "is not allowed to you"}.get(
                error.errno or 0, f"cannot be used ({error.strerror})"
            )
            raise EnvironmentLacksError(f"port {port} of {address} {reason}; give another with --port") from error
