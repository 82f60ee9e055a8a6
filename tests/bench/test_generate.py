"""Whole generations are timed: every method does what it is timed for, and is compared within its round."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dymos_probe.baselines import published
from dymos_probe.bench import generate as module
from dymos_probe.bench.architectures import ARCHITECTURES
from dymos_probe.bench.generate import Measured, bench_generate, default_weights, measure
from dymos_probe.bench.methods import METHODS, Method, bias_of, done, methods
from dymos_probe.bench.rows import COLUMNS
from dymos_probe.bench.stopwatch import Timed
from dymos_probe.errors import EnvironmentLacksError, InputError, ProbeError
from dymos_probe.families import Generation
from dymos_probe.pairs import PRESETS, Pair, load_pair
from dymos_probe.tap import attach, attention

SMALL = {"num_frames": 9, "num_inference_steps": 2, "device": "cpu"}


def chosen(name, names=None, branches="cond"):
    pair = load_pair(name)
    return methods(names, pair, pair.preset.family, branches)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_method_does_what_it_is_timed_for(name, workload):
    found = {one.method.name: one for one in measure(workload(name), chosen(name), repeats=1)}
    assert list(found) == list(METHODS)
    assert all(len(one.seconds) == 1 and one.seconds[0] > 0 and one.peak_bytes is None for one in found.values())
    bias = bias_of(load_pair(name))
    assert found["baseline"].did == "untouched" and found["baseline"].ratios == (1.0,)
    alg = published(load_pair(name).preset.family, name)
    assert found["alg"].did == f"image filtered in {len(alg.active_steps(3))} of 3 steps" and found["alg"].change > 1e-4
    assert found["dymos"].did == f"λ={bias.lam:g} in {bias.modulated_steps(3)} of 3 steps"
    assert found["observe"].did == found["fused"].did == "recorded 3 steps × 2 layers × 2 heads, cond"
    assert found["observe"].change == 0.0  # bit for bit
    assert 0.0 <= found["fused"].change < 1e-4 < found["dymos"].change


def test_the_modulation_that_is_timed_is_the_published_one():
    assert {name: bias_of(load_pair(name)).lam for name in ARCHITECTURES} == {
        "wan2.2-a14b": 0.6,
        "wan2.1-14b": 1.0,
        "hunyuanvideo-1.5": 1.0,
        "cogvideox-5b": 0.8,
    }
    assert [
        bias_of(load_pair(name)).modulated_steps(steps) for name, steps in (("cogvideox-5b", 50), ("wan2.1-14b", 40))
    ] == [
        12,
        10,
    ]
    assert (bias_of(load_pair("sprites")).lam, bias_of(Pair(t2v="a/b", i2v="a/c")).step_ratio) == (1.0, 0.2)


def test_the_baseline_runs_without_a_tap_and_every_other_method_under_its_own(workload, monkeypatch):
    taps = []

    def watched(pipe, **given):
        taps.append(given)
        return attach(pipe, **given)

    monkeypatch.setattr("dymos_probe.bench.methods.attach", watched)
    measure(workload("cogvideox-5b"), chosen("cogvideox-5b"), repeats=2)
    alg = published("cogvideox")
    assert {str(given) for given in taps} == {
        str({"record": False, "bias": bias_of(load_pair("cogvideox-5b"))}),
        str({"record": False, "alg": alg}),
        str({"record": "observe", "branches": "cond"}),
        str({"record": "fused", "branches": "cond"}),
    }
    assert len(taps) == 3 * 4  # a warm-up and two rounds


@pytest.mark.parametrize(("name", "forwards"), [("cogvideox-5b", 1), ("wan2.1-14b", 2), ("hunyuanvideo-1.5", 2)])
def test_alg_runs_one_forward_more_in_each_of_its_steps_and_the_modulation_none(name, forwards, workload):
    pipe = workload(name).pipe
    counted = []
    handle = pipe.transformer.register_forward_hook(lambda *_: counted.append(1))
    seen = {}
    for method in chosen(name, ["dymos", "alg"]):
        counted.clear()
        measure(workload(name), (replace(method, changes=False),), repeats=1)  # compared with itself
        seen[method.name] = len(counted)
    handle.remove()
    alg = published(load_pair(name).preset.family, name)
    untouched = (2 + 3) * forwards  # two steps of warm-up and three that are timed
    assert seen["baseline"] == seen["dymos"] == untouched
    assert seen["alg"] == untouched + len(alg.active_steps(2)) + len(alg.active_steps(3)) > untouched


def test_the_modulation_runs_in_its_steps_and_layers_alone(workload, monkeypatch):
    called = []
    real = attention.dymos_kernels.biased_attention
    monkeypatch.setattr(
        attention.dymos_kernels, "biased_attention", lambda *given, **named: called.append(1) or real(*given, **named)
    )
    measure(workload("cogvideox-5b"), chosen("cogvideox-5b", ["dymos"]), repeats=1)
    bias = bias_of(load_pair("cogvideox-5b"))
    assert len(called) == 2 * (bias.modulated_steps(2) + bias.modulated_steps(3)) == 4  # of two layers


def test_both_branches_are_recorded_where_asked(workload):
    _, fused = measure(workload("wan2.1-14b"), chosen("wan2.1-14b", ["fused"], "both"), repeats=1)
    assert fused.did.endswith("cond and uncond")


def fake_runs(monkeypatch, seconds):
    """Let every run of a method take what ``seconds(method, lap)`` says; return what ran, in order."""
    ran = []

    def run(workload, method, steps):
        lap = sum(name == method.name for name, _ in ran)
        ran.append((method.name, steps))
        took = seconds(method.name, lap)
        return Timed((torch.arange(4.0) + (method.changes and 1.0), "done"), took, 2**30 * (lap + 1))

    monkeypatch.setattr(module, "_run", run)
    monkeypatch.setattr(module, "_tidy", lambda workload, failed: None)
    return ran


FAKE = SimpleNamespace(
    generation=Generation(height=8, width=8, num_frames=9, num_inference_steps=7, guidance_scale=2.0)
)


def test_ratios_are_formed_within_a_round_and_the_warm_up_is_not_counted(monkeypatch):
    base, share = [1e9, 1.0, 100.0, 10.0], [1.0, 1.2, 1.5, 1.1]
    ran = fake_runs(monkeypatch, lambda name, lap: base[lap] * (share[lap] if name == "dymos" else 1.0))
    baseline, dymos = measure(FAKE, chosen("cogvideox-5b", ["dymos"]), repeats=3)
    assert dymos.ratios == pytest.approx((1.2, 1.5, 1.1)) and baseline.seconds == (1.0, 100.0, 10.0)
    assert [steps for _, steps in ran] == [2, 2, 7, 7, 7, 7, 7, 7]
    assert dymos.peak_bytes == 4 * 2**30
    # The median of the ratios, 1.2, is not the ratio of the medians, 1.1.
    row = module._row(load_pair("sprites"), "published", real_workload(), dymos)
    assert (row.ratio, row.ratio_lowest, row.ratio_highest) == pytest.approx((1.2, 1.1, 1.5))
    assert (row.seconds, row.seconds_lowest, row.seconds_highest, row.repeats) == (11.0, 1.2, 150.0, 3)
    assert row.peak_gib == 4.0


def real_workload():
    return module._workload(load_pair("sprites", device="cpu"), "published", None, {})


def test_no_method_is_always_first(monkeypatch):
    ran = fake_runs(monkeypatch, lambda name, lap: 1.0)
    measure(FAKE, chosen("cogvideox-5b"), repeats=5)
    rounds = [[name for name, _ in ran[at : at + 5]] for at in range(0, len(ran), 5)]
    assert all(sorted(names) == sorted(METHODS) for names in rounds)
    assert {names[0] for names in rounds[1:]} == set(METHODS)


def test_a_method_that_runs_out_of_memory_is_left_out_and_says_so(monkeypatch):
    def seconds(name, lap):
        if name == "observe":
            raise torch.OutOfMemoryError
        return 1.0

    ran = fake_runs(monkeypatch, seconds)
    found = {one.method.name: one for one in measure(FAKE, chosen("sprites"), repeats=2)}
    assert (found["observe"].seconds, found["observe"].note) == ((), "out of memory")
    assert all(len(found[name].seconds) == 2 and not found[name].note for name in ("baseline", "dymos", "alg", "fused"))
    assert [name for name, _ in ran].count("observe") == 1
    row = module._row(load_pair("sprites"), "published", real_workload(), found["observe"])
    assert row.seconds is row.ratio is row.change is None and row.note == "out of memory"


def test_a_baseline_that_runs_out_of_memory_ends_it(monkeypatch, workload):
    def run(*_):
        raise MemoryError

    monkeypatch.setattr(module, "_run", run)
    with pytest.raises(EnvironmentLacksError, match=r"9 frames of 48×32 on cpu.*--layers N"):
        measure(workload("cogvideox-5b"), chosen("cogvideox-5b"), repeats=1)


def test_a_modulation_that_changes_nothing_is_no_measurement(workload):
    idle = Method(
        name="dymos",
        attached={"record": False, "bias": replace(bias_of(load_pair("sprites")), step_ratio=0.0)},
        changes=True,
    )
    with pytest.raises(ProbeError, match="dymos left the video as the baseline made it"):
        measure(workload("cogvideox-5b"), (Method(name="baseline"), idle), repeats=1)


@pytest.mark.parametrize("spoil", ["steps", "numbers"])
def test_a_record_that_is_not_whole_is_no_measurement(spoil):
    attention = np.zeros((1, 1, 2 if spoil == "steps" else 3, 1, 1, 2, 2), np.float32)
    attention[0, 0, 0, 0, 0, 0, 0] = np.nan if spoil == "numbers" else 0.0
    tap = SimpleNamespace(recording=SimpleNamespace(attention=attention, branches=("cond",)))
    with pytest.raises(ProbeError, match=r"fused recorded . of 3 steps"):
        done(Method(name="fused", attached={"record": "fused"}), tap, 3)


def test_latents_that_are_not_finite_are_no_measurement(workload, monkeypatch):
    small = workload("cogvideox-5b")
    monkeypatch.setattr(type(small.pipe), "__call__", lambda self, **_: SimpleNamespace(frames=torch.tensor([np.inf])))
    with pytest.raises(ProbeError, match="the latents of baseline are not finite"):
        measure(small, (Method(name="baseline"),), repeats=1)


def test_the_shipped_pair_is_timed_with_its_own_weights(tmp_path):
    rows = bench_generate("sprites", repeats=2, csv=tmp_path / "a" / "rows.csv", **SMALL)
    assert [row.method for row in rows] == list(METHODS)
    for row in rows:
        empty = {name for name in COLUMNS if getattr(row, name) in (None, "")}
        assert empty == {"peak_gib", "note"}, row
        assert row.weights == "published" and row.repeats == 2 and not row.full_size and row.layers == 4
        assert row.seconds_lowest <= row.seconds <= row.seconds_highest
        assert row.ratio_lowest <= row.ratio <= row.ratio_highest
    assert {row.method: row.ratio for row in rows}["baseline"] == 1.0
    assert len((tmp_path / "a" / "rows.csv").read_text().splitlines()) == 6


def test_sizes_and_layers_of_the_preset_are_the_full_size(narrow, monkeypatch, workload):
    small = workload("cogvideox-5b", torch.bfloat16)
    one = Measured(method=Method(name="baseline"), seconds=(1.0,), baseline=(1.0,))
    pair = load_pair("cogvideox-5b")
    sizes = {name: getattr(pair.preset, name) for name in module._SIZES}

    def full(layers, **changed):
        monkeypatch.setattr(module, "architecture", lambda name: SimpleNamespace(transformer={"num_layers": layers}))
        generation = Generation(**{**sizes, **changed})
        return module._row(pair, "random", replace(small, generation=generation), one).full_size

    assert full(2)
    assert not full(42) and not full(2, num_inference_steps=49) and not full(2, width=360)
    small = workload("cogvideox-5b", torch.float32)
    assert not full(2)


def test_weights_are_random_by_default_where_the_architecture_is_known():
    assert {name: default_weights(load_pair(name)) for name in PRESETS if name != "tiny-cogvideox"} == {
        **dict.fromkeys(set(PRESETS) - {"tiny-cogvideox"}, "published"),
        **dict.fromkeys(ARCHITECTURES, "random"),
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"repeats": 0}, "repeats 0 must be at least 1"),
        ({"method": ["dymos", "dymoss"]}, "method 'dymoss' is unknown; choose from baseline, dymos"),
        ({"branches": "uncond"}, "branches 'uncond' is unknown"),
        ({"weights": "trained"}, "weights 'trained' is unknown"),
        ({"weights": "random"}, "random weights are made for wan2.2-a14b, .*, not for 'sprites'"),
        ({"layers": 1}, "layers 1 leaves layers of a trained model out"),
        ({"num_frames": 10}, "num_frames 10 does not fit cogvideox"),
        ({"num_inference_steps": 0}, "num_inference_steps 0"),
        ({"pair": "cogvideox-5", "weights": "random"}, "did you mean 'cogvideox-5b'"),
    ],
)
def test_what_cannot_be_timed_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        bench_generate(given.pop("pair", "sprites"), device="cpu", **given)


def test_alg_is_left_out_where_it_is_not_published_and_refused_where_asked_for():
    pair = load_pair("ltx-video")
    assert [method.name for method in methods(None, pair, "ltx-video", "cond")] == [
        "baseline",
        "dymos",
        "observe",
        "fused",
    ]
    with pytest.raises(InputError, match="ALG is not published for ltx-video"):
        methods(["alg"], pair, "ltx-video", "cond")
    assert [method.name for method in methods(["fused"], pair, "ltx-video", "cond")] == ["baseline", "fused"]


def test_a_folder_has_no_random_weights(tiny_pair):
    t2v, i2v = tiny_pair("cogvideox")
    with pytest.raises(InputError, match="random weights are made for presets by name"):
        bench_generate(Pair(t2v=t2v, i2v=i2v), weights="random", device="cpu")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["wan2.2-a14b", "wan2.1-14b", "hunyuanvideo-1.5", "cogvideox-5b"])
def test_one_layer_of_the_published_width_is_timed(name, monkeypatch):
    # Learned positions and size buckets fix two of them to their own size, which a CPU is too slow for.
    known = ARCHITECTURES[name]
    small = {"cogvideox-5b": {"sample_height": 4, "sample_width": 6}, "hunyuanvideo-1.5": {"target_size": 40}}
    known = replace(known, transformer={**known.transformer, **small.get(name, {})})
    monkeypatch.setattr(module, "architecture", lambda pair: known)
    rows = bench_generate(name, layers=1, repeats=1, method=["dymos", "fused"], height=32, width=48, **SMALL)
    assert [row.method for row in rows] == ["baseline", "dymos", "fused"]
    assert {(row.layers, row.layers_published, row.full_size) for row in rows} == {
        (1, known.transformer["num_layers"], False)
    }
    assert rows[1].change > 0 and rows[2].change < 1e-3
    assert f"recorded 2 steps × 1 layers × {known.transformer['num_attention_heads']} heads" in rows[2].did
