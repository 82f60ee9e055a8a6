"""The benchmark runs what it says, and its rows are complete and true."""

from __future__ import annotations

import csv
from dataclasses import fields, replace

import pytest
import torch

from dymos_kernels.benchmark import CUT, WHOLE, Row, Shape, append, measure, methods_of
from dymos_kernels.benchmark.baselines import eager

SMALL = Shape(name="small", before=3, frames=4, tokens=40, dim=16, heads=2, after=6, masked=4)


@pytest.fixture(scope="module")
def rows():
    return list(measure(SMALL, dtype=torch.float32, device="cpu", rounds=3, impls=["lse", "chunked", "eager"]))


def test_the_baseline_and_every_operation_of_every_implementation_are_timed(rows):
    operations = ("biased_attention", "attention_with_mass", "frame_mass")
    expected = [("attention", "sdpa")] + [(operation, impl) for impl in ("lse", "chunked") for operation in operations]
    assert [(row.operation, row.impl) for row in rows] == [*expected, ("attention_with_mass", "eager")]


def test_errors_are_against_the_specification_under_the_bias_that_was_given(rows):
    for row in rows:
        assert (row.output_error is None) == (row.operation == "frame_mass")
        assert (row.mass_error is None) == (row.operation in ("attention", "biased_attention"))
        assert all(error is None or error < 1e-5 for error in (row.output_error, row.mass_error))


def test_a_ratio_is_the_time_of_the_method_over_that_of_the_baseline_in_the_same_round(monkeypatch):
    clock = iter([2.0, 3.0, 1.0, 4.0, 4.0, 8.0])
    monkeypatch.setattr("dymos_kernels.benchmark.timing.seconds", lambda call, device: next(clock))
    row = next(measure(SMALL, dtype=torch.float32, device="cpu", rounds=3, impls=[]))
    assert (row.lowest, row.ratio, row.highest, row.baseline_seconds) == (1.5, 2.0, 4.0, 2.0)


def test_a_ratio_lies_between_the_lowest_and_the_highest_of_its_rounds(rows):
    assert all(0 < row.lowest <= row.ratio <= row.highest and row.baseline_seconds > 0 for row in rows)


def test_the_matrix_needs_memory_that_the_others_do_not(rows):
    extra = {row.impl: row.extra_tensors for row in rows if row.operation == "attention_with_mass"}
    assert extra["eager"] > 2 * SMALL.length / SMALL.dim > extra["lse"]


def test_the_matrix_is_the_specification():
    q, k, v = SMALL.tensors(torch.float64, "cpu")
    bias = torch.tensor([[[0.0, 0.6, -1.0, 2.0]]], dtype=torch.float64)
    from dymos_kernels import attention_with_mass

    out, mass = eager(q, k, v, SMALL.layout, bias, SMALL.key_mask("cpu"))
    truth, true_mass = attention_with_mass(
        q, k, v, SMALL.layout, bias, key_mask=SMALL.key_mask("cpu"), impl="reference"
    )
    torch.testing.assert_close(out, truth, atol=1e-5, rtol=0)
    torch.testing.assert_close(mass.float(), true_mass.mass, atol=1e-6, rtol=0)


def test_rows_are_appended_under_one_header(rows, tmp_path):
    file = tmp_path / "new" / "rows.csv"
    append(file, rows[:2])
    append(file, rows[2:])
    with file.open(newline="") as handle:
        read = list(csv.DictReader(handle))
    assert list(read[0]) == [each.name for each in fields(Row)]
    assert [(row["operation"], float(row["ratio"])) for row in read] == [(row.operation, row.ratio) for row in rows]


def test_a_file_with_other_columns_is_left_as_it_is(rows, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="other columns"):
        append(file, rows)
    assert file.read_text() == "a,b\n1,2\n"


def test_an_unknown_implementation_is_refused():
    with pytest.raises(ValueError, match="'cublas' is not available on cpu; choose from lse"):
        methods_of("cpu", ["lse", "cublas"])
    assert {"lse", "chunked", "augment", "flex", "eager"} == set(methods_of("cpu"))


@pytest.mark.parametrize("shape", [*CUT, *WHOLE], ids=lambda shape: shape.name)
def test_shapes_hold_their_frames(shape):
    assert shape.layout.stop + shape.after == shape.length
    assert shape.masked <= shape.after
    assert replace(shape, heads=1).length == shape.length


def test_shapes_are_those_of_the_models_at_their_resolution():
    lengths = {shape.name: shape.length for shape in WHOLE}
    assert lengths["cogvideox-5b 480x720"] == 17776
    assert lengths["wan-14b 480x832"] == 32760
    assert lengths["wan-14b 720x1280"] == 75600
