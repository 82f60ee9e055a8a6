"""A study of full size opens with its labels only, and every analysis of it fits in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dymos_probe.bench import analysis as bench
from dymos_probe.bench.analysis import bench_analysis, measure_apart
from dymos_probe.bench.analysis_measure import ANALYSES, BOUNDED, measure
from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.store import AttentionShape, completed_runs, open_study, verify_study
from dymos_probe.testing.large import CONDITIONS, SAMPLES, LargeStudy, large_study, run_bytes

SMALL = AttentionShape(branches=("cond",), steps=4, layers=("a", "b"), heads=3, frames=4)
MOST = 2e9
"""Bytes any analysis may take, its libraries included."""


@pytest.fixture(scope="module")
def full() -> Iterator[LargeStudy]:
    """All 500 runs, 34 GB of attention; those of 49 samples are hard links to those of the first."""
    with tempfile.TemporaryDirectory() as folder:
        yield large_study(Path(folder) / "study", samples=1, conditions=CONDITIONS, linked=SAMPLES - 1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("analysis", BOUNDED)
def test_an_analysis_of_thirty_four_gigabytes_takes_less_than_two(full: LargeStudy, analysis: str) -> None:
    measured = measure_apart(full.path, analysis, 0)
    assert (measured.samples, measured.conditions) == (50, 10)
    assert measured.peak_bytes < MOST
    if "ΔA" in analysis:
        assert measured.found == pytest.approx(full.excess, abs=1e-6)
    elif analysis == "least d(λ)":
        assert measured.found == pytest.approx(full.closest_lam, abs=0.01)
    elif "d(λ)" in analysis:
        assert measured.found == 1.0 == round(full.closest_lam)


@pytest.mark.slow
def test_the_early_steps_are_all_that_is_read_of_the_attention(full: LargeStudy) -> None:
    step = run_bytes() / 50
    assert measure_apart(full.path, "entropy by head", 0).read_bytes == pytest.approx(2 * 50 * 5 * step, rel=1e-3)
    # A default answers from what was kept for it: of every head one map a run, of all together next to nothing.
    assert measure_apart(full.path, "ΔA by layer, head", 0).read_bytes == pytest.approx(2 * 50 * step, rel=1e-3)
    assert measure_apart(full.path, "ΔA", 0).read_bytes < 4e6


def test_the_memory_of_a_process_is_its_own(tmp_path: Path) -> None:
    study = large_study(tmp_path / "study", samples=1, conditions=2, shape=SMALL)
    ballast = np.ones(2**27)  # a gigabyte, in this process
    assert measure_apart(study.path, "ΔA", 0).peak_bytes < ballast.nbytes


def test_written_and_linked_runs_are_whole_and_labels_are_all_there(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    study = large_study(
        tmp_path / "study", samples=2, conditions=3, linked=3, shape=SMALL, on_run=lambda *done: seen.append(done)
    )
    assert seen == [(done, 6) for done in range(1, 7)]
    ds = open_study(study.path)
    assert (ds.sizes["sample"], ds.sizes["condition"]) == (SAMPLES, CONDITIONS)
    assert completed_runs(study.path) == {(s, c) for s in study.samples for c in study.conditions}
    assert len(study.samples) == 5 and verify_study(study.path) == []
    delta = ds.probe.difference(keep=("layer", "head"))
    np.testing.assert_allclose(delta[..., 1:, 0], study.excess, atol=1e-6)
    assert delta.attrs["samples_used"] == 5
    # Again, nothing is written a second time.
    again = large_study(
        study.path, samples=2, conditions=3, shape=SMALL, on_run=lambda *done: pytest.fail(f"wrote {done}")
    )
    assert again.conditions == study.conditions


def test_a_measure_reads_the_same_chunks_plainly(tmp_path: Path) -> None:
    study = large_study(tmp_path / "study", samples=2, conditions=4, shape=SMALL)
    measured = measure(study.path, "d(λ) by layer, head", 2)
    # One step of four, of four conditions and T2V, which is one of them; marks are read too.
    of_attention = 2 * 4 * run_bytes(SMALL) / 4
    assert of_attention <= measured.read_bytes < of_attention + 4 * SAMPLES * CONDITIONS
    assert len(measured.seconds) == len(measured.plain_seconds) == 2
    assert (measured.samples, measured.conditions) == (2, 4)


@pytest.mark.slow
def test_rows_hold_each_analysis_beside_plain_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "large_study", lambda *a, **k: large_study(*a, **k, shape=SMALL))
    rows = bench_analysis(samples=2, conditions=2, rounds=1, out=tmp_path / "study")
    assert [row.analysis for row in rows] == list(ANALYSES)
    for row in rows:
        factor = 25 * (5 if row.analysis.startswith(("d(λ)", "dominance")) else 1)
        assert row.full_seconds == pytest.approx(row.seconds * factor)
        assert row.mb_per_second == pytest.approx(row.read_mb / row.seconds)
        assert row.ratio == pytest.approx(row.mb_per_second / row.plain_mb_per_second)
        assert row.peak_mb > 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"samples": 51}, "samples 51 is outside 1 to 50"),
        ({"conditions": 1}, "conditions 1 is outside 2 to 10"),
        ({"samples": 3, "linked": 48}, "linked 48 is outside 0 to 47"),
        ({"rounds": 0}, "rounds 0 must be at least 1"),
    ],
)
def test_what_there_are_no_labels_for_is_refused(tmp_path: Path, options: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        bench_analysis(out=tmp_path / "study", **options)


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**9}))
    with pytest.raises(EnvironmentLacksError, match=r"20 runs take 1\.6 GB and .* has 1\.0 GB left"):
        bench_analysis(samples=5, conditions=4, out=tmp_path / "new" / "study")
    assert not (tmp_path / "new").exists()


def test_a_process_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacksError, match=r"measuring ΔA ended with status 1: .*there is no study"):
        measure_apart(tmp_path / "nothing", "ΔA", 0)
