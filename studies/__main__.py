"""``python -m studies``: runs what the studies of the paper's figures and tables lack, then writes their pages."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dymos_probe.cli.console import counted, print_table, say
from dymos_probe.cli.progress import run_bars
from dymos_probe.cli.status import exit_status

_COMMAND = "python -m studies"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(name="studies")
def run(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Studies. Default: all.")] = None,
    pair: Annotated[str, typer.Option(help="A preset, see `probe pairs`.")] = "sprites",
    prompts: Annotated[
        Path | None, typer.Option(help="Prompt file. Default: held-out captions of the shipped pair.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Only the first so many held-out captions.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Of the noise; several times for several. Default: 0.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pages. Default: studies/, else beside the runs.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs/studies"),
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0 works in this one.")] = 0,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Say what studies there are.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Rerun figures and tables of the paper: make the runs that are missing, measure them, write the pages."""
    from studies.reproduction import run as work
    from studies.reproduction.index import index
    from studies.reproduction.page import FILE
    from studies.reproduction.registry import STUDIES, chosen
    from studies.reproduction.setting import Setting

    wanted = chosen(names or ())
    if listed:
        print_table(("study", "in the paper", "about"), [(one.name, one.paper, one.title) for one in wanted])
        return
    setting = Setting(pair=pair, prompts=prompts, samples=samples, seeds=tuple(seed or (0,)))
    recorded = [study.configuration(setting) for study in wanted if study.records]
    with run_bars(quiet=False) as bars:
        how = work.Work(runs=runs, workers=workers, device=device, watcher=bars)
        for name, sweeps in work.needed(recorded).items():
            started = time.monotonic()
            made = work.fill(setting, name, sweeps, how)
            say(f"{runs / setting.store(name)}: made {_took(len(made), 'run', started)}")
            started = time.monotonic()
            say(f"{runs / setting.store(name)}: measured {_took(work.measure(setting, name, how), 'value', started)}")
        for study in wanted:
            started = time.monotonic()
            folder = work.where(study, setting, out, how)
            work.write(study, setting, how, folder)
            say(f"{os.path.relpath(folder / FILE)}: written in {time.monotonic() - started:.1f} s")
        above = work.where(wanted[0], setting, out, how).parent
        (above / FILE).write_text(index(STUDIES, above), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit status, as ``probe`` does."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    kept = "completed runs are kept, the same command goes on"
    debug = "--debug" in given
    sys.exit(exit_status(app, given, name="studies", kept=kept, help_of=lambda _: f"{_COMMAND} --help", debug=debug))


def _took(number: int, what: str, started: float) -> str:
    seconds = time.monotonic() - started
    each = f", {seconds / number:.2f} s each" if number else ""
    return f"{counted(number, what)} in {seconds:.0f} s{each}"


if __name__ == "__main__":
    main()
