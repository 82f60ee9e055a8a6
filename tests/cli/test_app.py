"""The command line as a whole: light help, frozen options, one-line errors, exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from dymos_probe.cli import info
from dymos_probe.cli.app import app

GENERATION = "steps guidance-scale height width num-frames negative-prompt extra dtype device offload vae-tiling"
BIAS = "lam method step-ratio schedule layers heads query-frames key-frame branches arm"
ALG = (
    "alg-filter alg-resize-factor alg-blur-sigma alg-blur-kernel-size alg-strength alg-interval-start alg-interval-end "
    "alg-linear-start-weight alg-linear-end-weight alg-linear-end-time alg-exp-decay-rate"
)
OPTIONS = {
    "record": f"pair t2v i2v prompt prompts seed out {GENERATION} branches record-mode response "
    "workers scheduler dry-run json",
    "intervene": f"{BIAS} {ALG} image prompt out pair t2v i2v seed {GENERATION} workers scheduler dry-run json",
    "report": "out json",
    "metrics": "",
    "metrics measure": "metric weights device batch json",
    "metrics list": "weights json",
    "metrics export": "out for copy json",
    "metrics import": "prefix units calibrated json",
    "tune": "metric runs tolerance range step step-ratio schedule matched dry-run workers scheduler device offload "
    "vae-tiling json",
    "info": "verify json",
    "pairs": "json",
    "dashboard": "address port token-file",
    "doctor": "json",
    "bench": "",
    "bench analysis": "samples conditions linked rounds out json",
    "bench kernels": "impl shape dtype device threads rounds csv json",
    "bench generate": "pair weights method branches repeats layers steps height width num-frames dtype device csv json",
}


def test_the_commands_and_their_options_stay_as_they_are():
    group = typer.main.get_command(app)
    commands = dict(group.commands)
    for name, command in group.commands.items():
        commands |= {f"{name} {inner}": found for inner, found in getattr(command, "commands", {}).items()}
    found = {
        name: {option for parameter in command.params for option in parameter.opts if option.startswith("-")}
        for name, command in commands.items()
    }
    assert found == {name: {f"--{option}" for option in options.split()} for name, options in OPTIONS.items()}
    assert {option for parameter in group.params for option in parameter.opts} == {"--version", "--debug"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], [], ["record", "--help"], ["bench", "generate", "--help"], ["metrics", "--help"], ["--version"]],
)
def test_help_loads_none_of_the_heavy_libraries(arguments):
    program = (
        "import sys\nfrom dymos_probe.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as left:\n    assert not left.code, left.code\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'xarray', 'numpy', 'zarr', 'dask', 'plotly', 'PIL'}\n"
        "heavy |= {'av', 'cv2'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"
    assert "Usage: probe" in done.stdout or "dymos-probe " in done.stdout


def test_every_command_says_what_it_does(probe):
    for name in OPTIONS:
        answer = probe(*name.split(), "--help")
        assert answer.status == 0 and f"Usage: probe {name}" in answer.out and not answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["recrod"], ["recrod", "probe --help"]),
        (["record", "--promt", "a"], ["--promt", "--prompt", "probe record --help"]),
        (["record", "--steps", "many"], ["--steps", "probe record --help"]),
        (["record", "--workers", "-1"], ["--workers", "0"]),
        (["info"], ["probe info --help"]),
        (["intervene", "x"], ["--lam"]),
        (["info", "a", "b"], ["b"]),
        (["bench", "genrate"], ["genrate", "probe bench --help"]),
        (["metrics", "--metrc", "optical_flow"], ["--metrc", "--metric", "probe metrics --help"]),
        (["metrics", "export", "x"], ["--out", "probe metrics export --help"]),
        (["bench", "generate", "--repeat", "3"], ["--repeat", "--repeats", "probe bench generate --help"]),
    ],
)
def test_a_slip_in_the_command_is_told_in_one_line(refused, arguments, words):
    line = refused(2, *arguments)
    assert all(word in line for word in words)


def test_a_defect_is_one_line_and_debug_shows_where(probe, monkeypatch, recorded):
    def broken(*_, **__):
        raise ZeroDivisionError("in two\nlines")

    monkeypatch.setattr("dymos_probe.analysis.summary.condition_table", broken)
    answer = probe("info", recorded)
    assert answer.status == 1
    assert answer.err == "probe: a defect: ZeroDivisionError: in two lines (--debug shows where)\n"
    for arguments in (["--debug", "info"], ["info", "--debug"]):
        shown = probe(*arguments, recorded)
        assert shown.status == 1 and "Traceback" in shown.err and "in broken" in shown.err


def test_debug_shows_the_traceback_of_a_wrong_request_too(probe, tmp_path):
    answer = probe("info", tmp_path, "--debug")
    assert answer.status == 2 and "Traceback" in answer.err and "StudyError" in answer.err
    assert answer.err.splitlines()[-1].startswith("probe: ")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, typer.Abort])
def test_an_interrupt_is_told_and_leaves_with_130(probe, monkeypatch, kind, recorded):
    def interrupt(*_, **__):
        raise kind

    monkeypatch.setattr("dymos_probe.analysis.summary.condition_table", interrupt)
    answer = probe("info", recorded)
    assert answer.status == 130
    assert answer.err == "probe: interrupted; completed runs are kept, the same command goes on\n"


def test_a_reader_that_leaves_early_is_no_error(recorded):
    command = f"{sys.executable} -c 'from dymos_probe.cli import main; main()' info {recorded} | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["pairs"], ["doctor"], ["info"]])
def test_json_is_one_document_and_nothing_else(probe, arguments, recorded):
    given = [*arguments, recorded] if arguments == ["info"] else arguments
    answer = probe(*given, "--json")
    document = json.loads(answer.out)
    assert answer.status == 0 and not answer.err and document


def test_pairs_lists_every_preset(probe):
    from dymos_probe.pairs import PRESETS

    table, document = probe("pairs").out, json.loads(probe("pairs", "--json").out)
    assert list(document) == list(PRESETS) and all(name in table for name in PRESETS)
    assert document["wan2.2-a14b"]["lam"] == 0.6 and document["wan2.2-a14b"]["step_ratio"] == 0.2


def test_info_shows_what_is_in_a_study(probe, recorded):
    answer = probe("info", recorded)
    assert answer.status == 0 and not answer.err
    assert "sprites" in answer.out and "9 frames of 48×48" in answer.out
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["t2v", "t2v", "0", "1/1"] in [row[:4] for row in rows]
    assert ["i2v", "i2v", "0", "1/1"] in [row[:4] for row in rows]
    document = json.loads(probe("info", recorded, "--json", "--verify").out)
    assert document["sizes"]["sample"] == 1 and document["verified"] is True
    assert {row["condition"]: row["complete"] for row in document["conditions"]} == {"t2v": 1, "i2v": 1}
    assert info.NAME == "info"


def test_info_reads_a_study_that_another_program_made(probe, tmp_path):
    from dymos_probe.testing.synthetic import synthetic_study

    synthetic_study(tmp_path / "study")
    answer = probe("info", tmp_path / "study")
    assert answer.status == 0 and "not made by `probe record`" in answer.out and "i2v lam=0.6" in answer.out
