"""``auto`` takes the fastest implementation of the nearest measurement, and says so."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
import torch

import dymos_kernels as dk
from dymos_kernels import api
from dymos_kernels.benchmark import CUT
from dymos_kernels.measured import Measurement, Setting, fastest, measurements

LONG = Setting(device_type="cpu", threads=1, dtype="float32", length=4276, tokens=1350, dim=64)
SHORT = replace(LONG, length=128, tokens=16)


def _row(setting, impl, ratio, operation="biased_attention"):
    return Measurement(setting, operation, impl, ratio, "a processor", "2026-01-01")


ROWS = (
    _row(LONG, "lse", 1.05),
    _row(LONG, "chunked", 1.40),
    _row(SHORT, "lse", 2.0),
    _row(SHORT, "chunked", 1.5),
    _row(SHORT, "chunked", 9.0, "frame_mass"),
)


@pytest.mark.parametrize(
    ("setting", "impl"),
    [
        (LONG, "lse"),
        (SHORT, "chunked"),
        (replace(LONG, length=17776, dim=128), "lse"),
        (replace(SHORT, threads=2, tokens=36), "chunked"),
        (replace(SHORT, dtype="bfloat16"), "chunked"),
    ],
)
def test_the_fastest_of_the_nearest_setting_is_taken(setting, impl):
    choice = fastest("biased_attention", setting, ["lse", "chunked"], ROWS)
    assert choice is not None and choice.impl == impl


def test_only_what_is_usable_is_taken_and_another_device_says_nothing():
    choice = fastest("biased_attention", SHORT, ["lse"], ROWS)
    assert choice is not None and choice.impl == "lse"
    assert fastest("biased_attention", replace(SHORT, device_type="cuda"), ["lse", "chunked"], ROWS) is None
    assert fastest("attention_with_mass", SHORT, ["lse", "chunked"], ROWS) is None


def test_a_later_row_of_the_same_setting_counts():
    rows = (*ROWS, _row(LONG, "lse", 3.0))
    choice = fastest("biased_attention", LONG, ["lse", "chunked"], rows)
    assert choice is not None and choice.impl == "chunked" and choice.because.startswith("1.40 of the time")


def test_the_reason_names_what_was_compared_and_where():
    choice = fastest("biased_attention", SHORT, ["lse", "chunked"], ROWS)
    assert choice is not None
    assert choice.because == (
        "1.50 of the time of plain attention, the least of chunked, lse, at N=128 P=16 D=64 float32 on a processor "
        "(2026-01-01)"
    )


@pytest.mark.parametrize("operation", ["biased_attention", "frame_mass", "attention_with_mass"])
@pytest.mark.parametrize("shape", CUT, ids=lambda shape: shape.name)
def test_on_a_cpu_the_table_that_comes_with_the_package_decides(operation, shape):
    q = torch.empty(1, 1, shape.length, shape.dim, device="cpu")
    choice = dk.choose(operation, q, shape.layout)
    at = [
        row
        for row in measurements()
        if row.operation == operation
        and row.impl in dk.implementations("cpu")
        and operation in api.IMPLEMENTATIONS[row.impl].automatic
        and (row.setting.length, row.setting.tokens, row.setting.dim) == (shape.length, shape.tokens, shape.dim)
        and (row.setting.device_type, row.setting.dtype, row.setting.threads) == ("cpu", "float32", 1)
    ]
    latest = {row.impl: row.ratio for row in at}
    assert latest[choice.impl] == min(latest.values())
    assert f"{latest[choice.impl]:.2f} of the time" in choice.because


def test_every_row_is_of_an_implementation_that_exists_or_a_baseline():
    names = {row.impl for row in measurements()}
    assert names <= {*api.IMPLEMENTATIONS, "sdpa", "eager"}


def test_the_choice_is_logged_once(caplog):
    q, layout = torch.empty(1, 1, 77, 24), dk.FrameLayout(frames=7, tokens=11)
    with caplog.at_level(logging.INFO, logger="dymos_kernels"):
        for _ in range(3):
            choice = dk.choose("frame_mass", q, layout)
    assert [choice.because in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(("device", "impl"), [("cuda", "lse"), ("mps", "chunked")])
def test_without_a_measurement_it_says_so(device, impl):
    choice = api._choose("frame_mass", replace(LONG, device_type=device))
    assert choice == (impl, f"nothing was measured on {device} yet")


@pytest.mark.parametrize("setting", [LONG, SHORT, replace(LONG, device_type="cuda")])
def test_float64_is_computed_in_float64(setting):
    assert api._choose("attention_with_mass", replace(setting, dtype="float64")).impl == "reference"
