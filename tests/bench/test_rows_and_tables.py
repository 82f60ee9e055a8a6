"""Rows go into one CSV file, and come out beside the paper's numbers."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from dymos_probe.bench.methods import METHODS
from dymos_probe.bench.rows import COLUMNS, Row, append_rows, as_text, check_csv, read_rows
from dymos_probe.bench.tables import NOT_MEASURED, heading, pair_table, paper_table
from dymos_probe.errors import EnvironmentLacksError, InputError

BASE = Row(
    date="2030-01-02",
    device="NVIDIA H100",
    versions="python 3.12.1",
    pair="cogvideox-5b",
    weights="random",
    dtype="bfloat16",
    method="baseline",
    did="untouched",
    full_size=True,
    layers=42,
    layers_published=42,
    steps=50,
    height=480,
    width=720,
    num_frames=49,
    guidance_scale=6.0,
    repeats=3,
    seconds=100.0,
    seconds_lowest=99.0,
    seconds_highest=101.0,
    ratio=1.0,
    ratio_lowest=1.0,
    ratio_highest=1.0,
    change=0.0,
    peak_gib=31.25,
)
DYMOS = replace(BASE, method="dymos", did="λ=0.8", seconds=100.7, ratio=1.007, ratio_lowest=1.006, ratio_highest=1.01)
OUT = replace(BASE, method="observe", did="", seconds=None, ratio=None, peak_gib=None, note="out of memory")


def cells(table, key):
    columns, lines = table
    return dict(zip(columns, next(line for line in lines if line[0] == key), strict=True))


def test_rows_are_appended_under_one_header_and_read_back(tmp_path):
    path = tmp_path / "new" / "rows.csv"
    append_rows(path, [BASE, DYMOS])
    append_rows(path, [OUT])
    assert path.read_text().splitlines()[0].split(",") == list(COLUMNS)
    assert read_rows(path) == [as_text(row) for row in (BASE, DYMOS, OUT)]
    assert read_rows(tmp_path / "none.csv") == []


def test_a_file_of_other_columns_is_left_as_it_is(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="holds other columns"):
        append_rows(path, [BASE])
    assert path.read_text() == "a,b\n1,2\n"


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentLacksError, match="cannot be written"):
        check_csv(tmp_path / "file" / "rows.csv")
    with pytest.raises(EnvironmentLacksError, match=os.strerror(21)):
        check_csv(tmp_path)


def test_what_was_measured_stands_beside_the_paper_and_what_was_not_says_so():
    table = pair_table([BASE, DYMOS, OUT], METHODS)
    assert cells(table, "baseline")["paper (A100 80GB)"] == "232 s"
    dymos = cells(table, "dymos")
    assert dymos["over the baseline"] == "+0.7 % (+0.6 % to +1.0 %)" and dymos["GPU memory"] == "31.2 GiB"
    assert dymos["paper (A100 80GB)"] == "242 s, +4.3 %" and dymos["aim"] == "below +1 %"
    assert cells(table, "observe")["seconds"] == NOT_MEASURED and cells(table, "observe")["each run"] == "out of memory"
    assert cells(table, "fused")["seconds"] == NOT_MEASURED and cells(table, "fused")["aim"] == "below +10 %"
    assert [line[0] for line in table[1]] == list(METHODS)


def test_a_pair_the_paper_does_not_time_has_no_empty_columns():
    columns, lines = pair_table([replace(row, pair="sprites", peak_gib=None) for row in (BASE, DYMOS)], METHODS)
    assert columns == ("method", "seconds", "over the baseline", "each run")
    assert all(len(line) == len(columns) for line in lines)


def test_table_5_takes_the_last_row_of_this_device_at_full_size_and_nothing_else():
    nothing = paper_table([], "NVIDIA H100")
    assert [line[0] for line in nothing[1]] == ["wan2.2-a14b", "wan2.1-14b", "hunyuanvideo-1.5", "cogvideox-5b"]
    assert all(set(line[2::2]) | set(line[5:]) == {NOT_MEASURED} for line in nothing[1])
    others = [
        replace(DYMOS, ratio=1.8),
        DYMOS,
        OUT,
        replace(DYMOS, device="NVIDIA A100", ratio=1.5),
        replace(DYMOS, full_size=False, ratio=1.6),
        replace(DYMOS, pair="sprites", ratio=1.7),
    ]
    row = cells(paper_table(map(as_text, others), "NVIDIA H100"), "cogvideox-5b")
    assert (row["DyMoS, paper"], row["DyMoS, here"]) == ("+4.3 %", "+0.7 %")
    assert (row["ALG, paper"], row["ALG, here"], row["observe, here"]) == ("+1.3 %", NOT_MEASURED, NOT_MEASURED)
    assert cells(paper_table(map(as_text, others), "NVIDIA H100"), "wan2.1-14b")["DyMoS, here"] == NOT_MEASURED


def test_a_reduced_size_is_said_to_be_no_comparison():
    assert not any("not the published size" in line for line in heading([BASE]))
    lines = heading([replace(BASE, full_size=False, layers=1)])
    assert "1 of 42 layers" in lines[0] and "not the published size" in lines[-1]
    assert not any(
        "not the published size" in line for line in heading([replace(BASE, full_size=False, pair="sprites")])
    )
