"""How a command line ends: its exit status, and one line where something is wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence

import typer
from typer.exceptions import TyperException

from dymos_probe.errors import ProbeError

_WRONG_REQUEST = 2
_INTERRUPTED = 130


def exit_status(
    app: typer.Typer,
    arguments: Sequence[str],
    *,
    name: str,
    kept: str,
    help_of: Callable[[Sequence[str]], str],
    debug: bool,
) -> int:
    """Run ``app`` and return its exit status: 0, 2 a wrong request, 3 what this machine lacks, 130, or 1 a defect.

    Parameters
    ----------
    app
        The command line.
    arguments
        What it was given.
    name
        How lines about errors begin.
    kept
        What is left of the work when it is interrupted, in words.
    help_of
        Returns the command that helps with these arguments.
    debug
        Whether to show where an error was raised.
    """

    def complain(message: str) -> None:
        # Messages of other libraries come in several lines; ours is one.
        typer.echo(f"{name}: {' '.join(message.split())}", err=True)

    try:
        # Not app(): it reports errors in its own ways, and hides an interrupt and a closed pipe.
        command = typer.main.get_command(app)
        with command.make_context(name, list(arguments)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        complain(f"interrupted; {kept}")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`probe info … | head`); keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except TyperException as error:
        complain(f"{error.format_message().rstrip('.')}; see `{help_of(arguments)}`")
        return _WRONG_REQUEST
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, ProbeError):
            complain(str(error))
            return error.exit_status
        complain(f"a defect: {type(error).__name__}: {error}" + ("" if debug else " (--debug shows where)"))
        return 1
    return 0
