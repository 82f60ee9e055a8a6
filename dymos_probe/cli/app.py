"""The ``probe`` command: its subcommands, its exit statuses, its one-line errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from dymos_probe.cli import bench, dashboard, doctor, info, intervene, metrics, pairs, record, report, tune
from dymos_probe.cli.status import exit_status

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
    timing = given[:1] == [bench.NAME]
    kept = "what was not timed to its end is lost" if timing else "completed runs are kept, the same command goes on"
    sys.exit(exit_status(app, given, name="probe", kept=kept, help_of=_help, debug=debug))


def _help(arguments: Sequence[str]) -> str:
    return f"probe {_subcommand(arguments)}--help"


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
