"""The ``probe`` command: its subcommands, its exit statuses, its one-line errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click
import typer

from dymos_probe.cli import doctor, info, intervene, pairs, record, report
from dymos_probe.errors import ProbeError

_INTERRUPTED = 130

app = typer.Typer(
    name="probe",
    help="Record, change and understand frame-to-frame attention in image-to-video diffusion transformers.",
    epilog="Exit status: 0 done, 2 the input or the request is wrong, 3 this machine lacks something, "
    "130 interrupted, 1 a defect. --debug, anywhere, shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (record, intervene, report, info, pairs, doctor):
    app.command(name=command.NAME)(command.run)


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"dymos-probe {installed('dymos-probe')}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # So that `probe record … --debug` works as well as `probe --debug record …`.
    given = [argument for argument in given if argument != "--debug"]
    sys.exit(_status(given, debug=debug))


def _status(arguments: list[str], *, debug: bool) -> int:
    try:
        result = app(arguments, prog_name="probe", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        _complain("interrupted; completed runs are kept, the same command goes on")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`probe info … | head`); keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except click.exceptions.ClickException as error:
        _complain(error.format_message())
        return 2
    except ProbeError as error:
        if debug:
            raise
        _complain(str(error))
        return error.exit_status
    except Exception as error:
        if debug:
            raise
        _complain(f"a defect: {type(error).__name__}: {' '.join(str(error).split())} (--debug shows where)")
        return 1
    return result if isinstance(result, int) else 0


def _complain(message: str) -> None:
    typer.echo(f"probe: {message}", err=True)
