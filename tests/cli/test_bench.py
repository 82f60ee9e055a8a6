"""``probe bench generate`` at a terminal."""

from __future__ import annotations

import csv
import json

import pytest

QUICK = ("bench", "generate", "--num-frames", "9", "--steps", "2", "--repeats", "1", "--device", "cpu")


def test_it_prints_this_pair_and_every_backbone_of_table_5_and_appends_rows(probe, tmp_path):
    path = tmp_path / "rows.csv"
    answer = probe(*QUICK, "--method", "dymos,fused", "--csv", path)
    assert answer.status == 0 and not answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith("sprites, published weights, float32: 9 frames of 48×48, 2 steps")
    by_name = {line.split()[0]: line for line in lines if line}
    assert "recorded 2 steps × 4 layers × 4 heads, cond" in by_name["fused"] and "%" in by_name["dymos"]
    assert "not measured" in by_name["observe"]
    for pair in ("wan2.2-a14b", "wan2.1-14b", "hunyuanvideo-1.5", "cogvideox-5b"):
        assert by_name[pair].count("not measured") == 4
    with path.open() as file:
        assert [row["method"] for row in csv.DictReader(file)] == ["baseline", "dymos", "fused"]


def test_json_is_one_document_of_rows(probe):
    answer = probe(*QUICK, "--method", "dymos", "--json")
    rows = json.loads(answer.out)
    assert answer.status == 0 and not answer.err and [row["method"] for row in rows] == ["baseline", "dymos"]
    assert rows[0]["ratio"] == 1.0 and rows[1]["did"] == "λ=1 in 1 of 2 steps" and rows[1]["peak_gib"] is None


def test_random_weights_of_few_layers_say_so(probe, monkeypatch, narrow_cogvideox):
    monkeypatch.setattr("dymos_probe.bench.architectures.ARCHITECTURES", {"cogvideox-5b": narrow_cogvideox})
    sizes = ("--height", "32", "--width", "48", "--layers", "1")
    answer = probe(*QUICK, *sizes, "--pair", "cogvideox-5b", "--weights", "random", "--method", "fused")
    assert answer.status == 0 and not answer.err
    assert "1 of 2 layers" in answer.out and "This is not the published size" in answer.out
    by_name = {line.split()[0]: line for line in answer.out.splitlines() if line}
    assert by_name["cogvideox-5b"].count("not measured") == 4
    assert "242 s, +4.3 %" in by_name["dymos"] and "below +1 %" in by_name["dymos"]


@pytest.fixture
def narrow_cogvideox():
    from dataclasses import replace

    from dymos_probe.bench.architectures import ARCHITECTURES

    whole = ARCHITECTURES["cogvideox-5b"]
    thin = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2, "sample_height": 4, "sample_width": 6}
    return replace(
        whole,
        transformer={**whole.transformer, **thin, "text_embed_dim": 16},
        vae={"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 2},
        text=(replace(whole.text[0], width=16),),
    )


@pytest.mark.parametrize(
    ("status", "arguments", "words"),
    [
        (2, ["--method", "dimos"], ["dimos", "baseline, dymos, alg, observe, fused"]),
        (2, ["--weights", "trained"], ["trained", "random or published"]),
        (2, ["--weights", "random"], ["sprites", "--weights published"]),
        (2, ["--repeats", "0"], ["--repeats", "probe bench generate --help"]),
        (2, ["--pair", "cogvideox-5b", "--height", "96", "--layers", "1"], ["height 96", "480"]),
        (2, ["--pair", "cogvideox-5b", "--layers", "43"], ["layers 43", "42"]),
        (3, ["--device", "cuda:9"], ["cuda:9", "--device"]),
        (3, ["--csv", "/proc/none/rows.csv"], ["/proc/none/rows.csv", "cannot be written"]),
    ],
)
def test_what_cannot_be_timed_is_told_in_one_line(refused, status, arguments, words):
    line = refused(status, "bench", "generate", *arguments)
    assert all(word in line for word in words)


def test_an_interrupted_benchmark_promises_nothing(probe, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("dymos_probe.bench.generate.load_pair", interrupt)
    answer = probe(*QUICK)
    assert (answer.status, answer.err) == (130, "probe: interrupted; what was not timed to its end is lost\n")


def test_an_unknown_benchmark_is_told_in_one_line(refused):
    assert "probe bench --help" in refused(2, "bench", "generat")


@pytest.mark.slow
def test_analyses_are_printed_beside_plain_reading(probe, monkeypatch, tmp_path):
    from dymos_probe.bench import analysis
    from dymos_probe.store import AttentionShape
    from dymos_probe.testing.large import large_study

    small = AttentionShape(branches=("cond",), steps=4, layers=("a", "b"), heads=3, frames=4)
    monkeypatch.setattr(analysis, "large_study", lambda *a, **k: large_study(*a, **k, shape=small))
    study = tmp_path / "study"
    answer = probe("bench", "analysis", "--samples", "1", "--conditions", "2", "--rounds", "1", "--out", study)
    assert answer.status == 0 and not answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith("50 samples × 10 conditions, 34 GB of attention: opened in")
    assert lines[1].startswith("Runs there: 1 × 2") and "1 round." in lines[1]
    assert lines[3].split("  ")[0] == "analysis" and len(lines) == 10
    assert study.is_dir()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--samples", "60"], ["samples 60", "1 to 50"]),
        (["--rounds", "0"], ["--rounds", "probe bench analysis --help"]),
    ],
)
def test_an_analysis_benchmark_that_cannot_be_is_told_in_one_line(refused, arguments, words):
    line = refused(2, "bench", "analysis", *arguments)
    assert all(word in line for word in words)
