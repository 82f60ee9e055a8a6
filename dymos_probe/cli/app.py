"""The ``probe`` command: its subcommands, its exit statuses, its one-line errors."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from dymos_probe.cli import bench, dashboard, doctor, info, intervene, metrics, pairs, record, report, tune
from dymos_probe.errors import ProbeError

_WRONG_REQUEST = 2
_INTERRUPTED = 130

app = typer.Typer(
    name="probe",
    help="Record, change and understand frame-to-frame attention in image-to-video diffusion transformers.",
    epilog="Exit status: 0 done, 2 the input or the request is wrong, 3 this machine lacks something, "
    "130 interrupted, 1 a defect. --debug, anywhere, shows the traceback of an error.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (record, intervene, report, tune, info, pairs, dashboard, doctor):
    app.command(name=command.NAME)(command.run)
app.add_typer(metrics.metrics, name=metrics.NAME)
app.add_typer(bench.bench, name=bench.NAME)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"dymos-probe {installed('dymos-probe')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # So that `probe record … --debug` works as well as `probe --debug record …`.
    given = [argument for argument in given if argument != "--debug"]
    sys.exit(_status(given, debug=debug))


def _status(arguments: list[str], *, debug: bool) -> int:
    try:
        # Not app(): it reports errors in its own ways, and hides an interrupt and a closed pipe.
        command = typer.main.get_command(app)
        with command.make_context("probe", arguments) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        benchmark = arguments[:1] == [bench.NAME]
        kept = (
            "what was not timed to its end is lost"
            if benchmark
            else "completed runs are kept, the same command goes on"
        )
        _complain(f"interrupted; {kept}")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`probe info … | head`); keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except TyperException as error:
        _complain(f"{error.format_message().rstrip('.')}; see `probe {_subcommand(arguments)}--help`")
        return _WRONG_REQUEST
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, ProbeError):
            _complain(str(error))
            return error.exit_status
        _complain(f"a defect: {type(error).__name__}: {error}" + ("" if debug else " (--debug shows where)"))
        return 1
    return 0


def _subcommand(arguments: Sequence[str]) -> str:
    """Return the command, or group and command, that ``arguments`` begin with, as far as it is known."""
    known: typer.Typer = app
    words = ""
    for argument in arguments:
        groups = {group.name: group.typer_instance for group in known.registered_groups}
        if argument not in {command.name for command in known.registered_commands} | set(groups):
            break
        words += f"{argument} "
        if (inner := groups.get(argument)) is None:
            break
        known = inner
    return words


def _complain(message: str) -> None:
    # Messages of other libraries come in several lines; ours is one.
    typer.echo(f"probe: {' '.join(message.split())}", err=True)
