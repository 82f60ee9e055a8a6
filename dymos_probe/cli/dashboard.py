"""``probe dashboard``: look at studies, and generate, in a browser."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer

from dymos_probe.cli.console import say
from dymos_probe.errors import InputError, MissingFileError

NAME = "dashboard"

_TOKEN_VARIABLE = "DYMOS_PROBE_TOKEN"


def run(
    folder: Annotated[Path, typer.Argument(help="Folder of studies.")] = Path("runs"),
    address: Annotated[
        str, typer.Option(help="Where to listen. Any but this machine's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8501,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the token a browser has to bring as ?token=. Default: ${_TOKEN_VARIABLE}."),
    ] = None,
) -> None:
    """Show the studies of a folder in a browser, and generate there, until interrupted."""
    from dymos_probe.serving import prepare

    token = _token(token_file)
    serve = prepare(folder, address=address, port=port, token=token)
    host = f"[{address}]" if ":" in address else address
    say(f"{folder}: http://{host}:{port}{'/?token=…, with your token' if token else ''}; Ctrl-C ends it")
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it, as it says
        serve()


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(_TOKEN_VARIABLE) or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise MissingFileError(f"there is no token file {file}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the token file {file} cannot be read ({type(error).__name__}); give a text file") from error
