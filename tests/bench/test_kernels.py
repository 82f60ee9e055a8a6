"""``bench_kernels`` and ``probe bench kernels``: what is timed, kept and refused."""

from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from dymos_probe.bench.kernels import Row, bench_kernels
from dymos_probe.cli.app import app
from dymos_probe.errors import EnvironmentLacksError, InputError

SMALL = {"shapes": ["sprites"], "impls": ["lse", "chunked"], "rounds": 1, "device": "cpu"}


def test_rows_are_returned_shown_and_kept(tmp_path):
    shown: list[Row] = []
    rows = bench_kernels(**SMALL, csv=tmp_path / "rows.csv", on_row=shown.append)
    assert rows == shown and {row.impl for row in rows} == {"sdpa", "lse", "chunked"}
    assert all(row.shape == "sprites" and row.threads == 1 and row.device_type == "cpu" for row in rows)
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 1 + len(rows)


def test_the_number_of_threads_is_left_as_it_was():
    before = torch.get_num_threads()
    rows = bench_kernels(**{**SMALL, "impls": ["lse"]}, threads=before + 1)
    assert {row.threads for row in rows} == {before + 1}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dtype": "float64"}, "dtype 'float64' is unknown; choose one of float32, bfloat16, float16"),
        ({"device": "tpu"}, "device 'tpu' is unknown; choose auto, cpu or cuda"),
        ({"shapes": ["llama"]}, "no shape has 'llama' in its name; there are cogvideox-5b"),
        ({"impls": ["cublas"]}, "'cublas' is not available on cpu; choose from lse"),
    ],
)
def test_what_cannot_be_timed_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        bench_kernels(**{**SMALL, **changes})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(EnvironmentLacksError, match="device 'cuda' is not there"):
        bench_kernels(**{**SMALL, "device": "cuda"})


def test_a_file_of_other_columns_is_refused_before_anything_is_timed(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="other columns"):
        bench_kernels(**SMALL, csv=file, on_row=lambda row: pytest.fail("something was timed"))
    assert file.read_text() == "a,b\n1,2\n"


def test_a_file_that_cannot_be_written_is_said_before_anything_is_timed(tmp_path):
    with pytest.raises(EnvironmentLacksError, match="cannot be written: Is a directory; name another file"):
        bench_kernels(**SMALL, csv=tmp_path, on_row=lambda row: pytest.fail("something was timed"))


def test_the_command_prints_a_line_a_method_and_what_its_columns_are():
    done = CliRunner().invoke(
        app, ["bench", "kernels", "--shape", "sprites", "--impl", "lse", "--rounds", "1", "--device", "cpu"]
    )
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("  ") and "ratio" not in line] == [
        ["attention", "sdpa"],
        ["biased_attention", "lse"],
        ["attention_with_mass", "lse"],
        ["frame_mass", "lse"],
    ]
    assert "1 thread, torch" in done.output and "largest error against float64" in done.output


def test_the_command_gives_one_json_document():
    done = CliRunner().invoke(
        app, ["bench", "kernels", "--shape", "sprites", "--impl", "lse", "--rounds", "1", "--device", "cpu", "--json"]
    )
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)
    assert [row["operation"] for row in rows] == ["attention", "biased_attention", "attention_with_mass", "frame_mass"]
