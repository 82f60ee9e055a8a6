"""The Triton kernels compile for an H100 or H200, fit its registers and use its tensor cores. No GPU is needed."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "kernels" / "benchmarks" / "registers.py"
MODES = (
    "plain",
    "bias",
    "bias+mass",
    "row shares",
    "bias+mass, masked text",
    "mass only",
    "bias+mass, 33 frames",
    "bias+mass, sizes 1",
    "row shares, sizes 1",
)
REGISTERS = 65_536
"""32-bit registers of one multiprocessor of compute capability 9.0, and below it its shared memory for one block:
https://docs.nvidia.com/cuda/cuda-c-programming-guide/#compute-capabilities
"""
SHARED_BYTES = 227 * 1024

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed"),
]


@pytest.fixture(scope="module")
def footprints():
    """Every kernel the script compiles, by kernel, dtype, head size and mode."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, check=False, env=environment, timeout=280
    )
    assert done.returncode == 0, done.stderr
    rows = csv.DictReader(done.stdout.splitlines())
    return {(row["kernel"], row["dtype"], int(row["head_size"]), row["mode"]): row for row in rows}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("head_size", [64, 128])
@pytest.mark.parametrize("mode", MODES)
def test_attention_fits_and_multiplies_on_the_tensor_cores(footprints, dtype, head_size, mode):
    row = footprints["attention", dtype, head_size, mode]
    threads = 32 * int(row["blocks"].split(", ")[1].split()[0])
    assert int(row["spilled_bytes"]) == 0
    assert int(row["registers"]) * threads <= REGISTERS
    assert int(row["shared_bytes"]) <= SHARED_BYTES
    assert int(row["wgmma"]) > 0


@pytest.mark.parametrize("mode", [mode for mode in MODES if "mass" in mode])
def test_adding_up_the_tiles_fits(footprints, mode):
    assert int(footprints["sum_tiles", "bfloat16", 64, mode]["spilled_bytes"]) == 0


@pytest.mark.parametrize("head_size", [64, 128])
def test_recording_mass_takes_few_registers_more_than_the_bias(footprints, head_size):
    bias, mass = (int(footprints["attention", "bfloat16", head_size, mode]["registers"]) for mode in MODES[1:3])
    assert mass <= bias + 32


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("head_size", [64, 128])
def test_the_merge_fits_and_reads_sixteen_bytes_at_a_time(footprints, dtype, head_size):
    row = footprints["merge", dtype, head_size, "14 runs"]
    assert int(row["spilled_bytes"]) == 0
    assert int(row["wide_loads"]) > 0
