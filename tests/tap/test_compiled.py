"""torch.compile: the same answers, and all of them, whichever is first, the compiler or the tap."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from dymos_probe.bias import Bias
from dymos_probe.errors import TapError
from dymos_probe.tap import attach
from dymos_probe.tap.compiled import is_compiled, is_compiler_refusal


def wrapped(pipe, **options):
    pipe.transformer = torch.compile(pipe.transformer, **options)


def in_place(pipe, **options):
    pipe.transformer.compile(**options)


def regional(pipe, **options):
    pipe.transformer.compile_repeated_blocks(**options)


@pytest.fixture(autouse=True)
def no_graph_of_another_test():
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own, about what it cannot trace
        yield
    torch._dynamo.reset()


def assert_tapped_like_eager(case, eager):
    bias = Bias(lam=1.0, step_ratio=0.5)
    for given in (None, bias):
        with attach(eager.pipe, bias=given) as expected:
            video = eager.run()
        with attach(case.pipe, bias=given) as probe:
            compiled = case.run()
        np.testing.assert_allclose(compiled, video, atol=2e-5)
        np.testing.assert_allclose(probe.recording.attention, expected.recording.attention, atol=1e-6)
        assert len(probe.calls) == 1


@pytest.mark.parametrize("warm", [False, True], ids=["tap first", "compiled and run first"])
@pytest.mark.parametrize(
    ("name", "compile_"),
    [
        ("ltx-video", regional),
        pytest.param("wan2.1", wrapped, marks=pytest.mark.slow),
        pytest.param("wan2.1", in_place, marks=pytest.mark.slow),
        pytest.param("wan2.1", regional, marks=pytest.mark.slow),
        pytest.param("cogvideox", wrapped, marks=pytest.mark.slow),
        pytest.param("cogvideox", in_place, marks=pytest.mark.slow),
        pytest.param("hunyuanvideo1.5", wrapped, marks=pytest.mark.slow),
        pytest.param("hunyuanvideo1.5", regional, marks=pytest.mark.slow),
        pytest.param("hunyuanvideo", regional, marks=pytest.mark.slow),
        pytest.param("ltx-video", wrapped, marks=pytest.mark.slow),
    ],
)
def test_a_compiled_transformer_is_recorded_and_biased_like_an_eager_one(fresh_case, case_of, name, compile_, warm):
    case, eager = fresh_case(name, "t2v"), case_of(name, "t2v")
    compile_(case.pipe, backend="eager")
    if warm:
        case.run()
    assert_tapped_like_eager(case, eager)
    np.testing.assert_allclose(case.run(), eager.video(), atol=2e-5)  # and no tap is left in its graphs


def test_no_graph_crosses_the_border_of_a_tap(fresh_case):
    """The compiler does not look for hooks that came or went, so it must start anew on both sides."""
    case, graphs = fresh_case("ltx-video", "t2v"), []

    def counting(graph, _inputs):
        graphs.append(graph)
        return graph.forward

    def traced():
        before = len(graphs)
        case.run()
        return len(graphs) - before

    regional(case.pipe, backend=counting)
    outside = traced()
    assert outside > 0 and traced() == 0
    with attach(case.pipe):
        assert traced() > 0
    assert traced() == outside


@pytest.mark.slow
def test_compiling_under_the_tap_is_recorded_too(fresh_case, case_of):
    case, eager = fresh_case("wan2.1", "t2v"), case_of("wan2.1", "t2v")
    with attach(eager.pipe) as expected:
        eager.run()
    with attach(case.pipe) as probe:
        in_place(case.pipe, backend="eager")
        case.run()
    np.testing.assert_allclose(probe.recording.attention, expected.recording.attention, atol=1e-6)
    np.testing.assert_allclose(case.run(), eager.video(), atol=2e-5)


def test_a_full_graph_is_refused_with_what_to_change(fresh_case):
    case = fresh_case("wan2.1", "t2v")
    in_place(case.pipe, backend="eager", fullgraph=True)
    plain = case.run()
    with pytest.raises(TapError, match="fullgraph=False"), attach(case.pipe):
        case.run()
    np.testing.assert_array_equal(case.run(), plain)


@pytest.mark.slow
def test_inductor_gives_the_same_record(fresh_case, case_of):
    case, eager = fresh_case("wan2.1", "t2v"), case_of("wan2.1", "t2v")
    regional(case.pipe)
    assert_tapped_like_eager(case, eager)


def test_compilation_is_seen_wherever_it_was_asked_for(fresh_case):
    for compile_ in (wrapped, in_place, regional):
        pipe = fresh_case("ltx-video", "t2v").pipe
        transformer = pipe.transformer
        assert not is_compiled(pipe, [transformer])
        compile_(pipe, backend="eager")
        assert is_compiled(pipe, [transformer])


def test_only_the_compilers_own_errors_are_its_refusals():
    assert is_compiler_refusal(torch._dynamo.exc.Unsupported("graph break"))
    assert not is_compiler_refusal(ValueError("other"))
    assert not is_compiler_refusal(None)
