"""A run the tap did not see whole is an error that says what to change, and leaves the model as it was."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import FasterCacheConfig, FirstBlockCacheConfig, PyramidAttentionBroadcastConfig
from diffusers.guiders import PerturbedAttentionGuidance, SkipLayerGuidance
from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry

from dymos_probe.bias import Bias
from dymos_probe.errors import InputError, TapError
from dymos_probe.tap import attach

ONE_OF_A_FAMILY = ("cogvideox", "wan2.1", "hunyuanvideo", "ltx-video")


class Interruption(Exception):
    """Raised by a caller's own callback."""


def at_step(step, act):
    def callback(pipe, index, _timestep, kwargs):
        if index == step:
            act(pipe)
        return kwargs

    return callback


def raising(error):
    def act(_pipe):
        raise error

    return act


@pytest.fixture
def another_backend():
    """Select an attention back end; diffusers keeps the choice for the whole process."""
    active = _AttentionBackendRegistry._active_backend
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # flex attention says that it is slow without a compiler
        yield lambda pipe, name: pipe.transformer.set_attention_backend(name)
    _AttentionBackendRegistry.set_active_backend(AttentionBackendName(active))


@pytest.mark.parametrize("name", ["wan2.1", "ltx-video"])
def test_a_back_end_that_bypasses_the_seam(fresh_case, another_backend, name):
    case = fresh_case(name, "t2v")
    another_backend(case.pipe, "flex")
    with case.untouched_afterwards():
        with pytest.raises(TapError, match=r"attn1 called .* 0 times.*set_attention_backend\('native'\)"):
            with attach(case.pipe):
                case.run()


def test_a_back_end_that_goes_through_the_seam_is_recorded(fresh_case, capture, another_backend):
    case = fresh_case("wan2.1", "t2v")
    another_backend(case.pipe, "_native_math")
    with attach(case.pipe) as probe, capture(case.pipe) as seen:
        case.run()
    case.assert_records(probe.recording, seen)


@pytest.mark.parametrize("name", ONE_OF_A_FAMILY)
def test_an_attention_function_put_in_front_that_never_calls_the_tap(case_of, name):
    case = case_of(name, "t2v")
    with case.untouched_afterwards():
        with pytest.raises(TapError, match="0 times"), attach(case.pipe):
            F.scaled_dot_product_attention = lambda query, key, value, **kwargs: value.clone()
            case.run()


def first_block_cache(pipe):
    return FirstBlockCacheConfig(threshold=1e3)


def pyramid_broadcast(pipe):
    return PyramidAttentionBroadcastConfig(
        spatial_attention_block_skip_range=2,
        spatial_attention_timestep_skip_range=(-1, 1001),
        current_timestep_callback=lambda: pipe._current_timestep,
        spatial_attention_block_identifiers=["blocks.*attn1", "transformer_blocks"],
    )


def faster_cache(pipe):
    return FasterCacheConfig(
        spatial_attention_block_skip_range=2,
        spatial_attention_timestep_skip_range=(-1, 1001),
        unconditional_batch_skip_range=2,
        unconditional_batch_timestep_skip_range=(-1, 1001),
        current_timestep_callback=lambda: pipe._current_timestep,
        attention_weight_callback=lambda _: 0.3,
        spatial_attention_block_identifiers=["nothing is called this"],
        tensor_format="BFCHW",
    )


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("cogvideox", first_block_cache),
        ("wan2.1", first_block_cache),
        ("ltx-video", first_block_cache),
        ("hunyuanvideo", first_block_cache),
        ("cogvideox", pyramid_broadcast),
        ("wan2.1", pyramid_broadcast),
        ("cogvideox", faster_cache),
    ],
)
@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_a_cache_that_skips_attention(fresh_case, name, cache):
    case = fresh_case(name, "t2v")
    attention = F.scaled_dot_product_attention
    case.pipe.transformer.enable_cache(cache(case.pipe))
    with pytest.raises(TapError, match=r"disable_cache\(\)|disable caching"), attach(case.pipe):
        case.run(num_inference_steps=6)
    assert F.scaled_dot_product_attention is attention
    case.pipe.transformer.disable_cache()
    with attach(case.pipe) as probe:
        case.run()
    assert len(probe.calls) == 1


def test_a_second_tap_while_one_is_open(case_of):
    case, other = case_of("ltx-video", "t2v"), case_of("wan2.1", "t2v")
    with case.untouched_afterwards():
        with attach(case.pipe) as probe:
            with pytest.raises(TapError, match="another tap is open"), attach(other.pipe):
                pass
            with pytest.raises(TapError, match="another tap is open"), attach(case.pipe):
                pass
            case.run()  # the first goes on
        assert len(probe.calls) == 1
        with attach(other.pipe) as later:
            other.run()
        assert len(later.calls) == 1


def test_a_tap_that_was_left_is_not_entered_again(case_of):
    case = case_of("ltx-video", "t2v")
    with case.untouched_afterwards():
        with attach(case.pipe) as probe:
            case.run()
        with pytest.raises(TapError, match="attach again"), probe:
            pass


def test_a_pipeline_run_in_two_threads(case_of):
    case, errors = case_of("ltx-video", "t2v"), []

    def run_elsewhere():
        try:
            case.run()
        except TapError as error:
            errors.append(str(error))

    with case.untouched_afterwards():
        with attach(case.pipe) as probe:
            case.run()
            thread = threading.Thread(target=run_elsewhere)
            thread.start()
            thread.join()
        assert len(probe.calls) == 1
        assert len(errors) == 1 and "two threads" in errors[0]


def test_attention_of_another_thread_passes_by_the_tap(case_of):
    case, outs = case_of("ltx-video", "t2v"), []
    q = torch.randn(1, 1, 5, 8, generator=torch.Generator().manual_seed(0))

    def attend(*_):
        thread = threading.Thread(target=lambda: outs.append(F.scaled_dot_product_attention(q, q, q, is_causal=True)))
        thread.start()
        thread.join()

    handle = case.pipe.transformer.transformer_blocks[0].attn1.to_q.register_forward_hook(attend)
    with attach(case.pipe) as probe:
        case.run()
    handle.remove()
    assert len(probe.calls) == 1 and outs
    expected = F.scaled_dot_product_attention(q, q, q, is_causal=True)
    assert all(torch.equal(out, expected) for out in outs)


@pytest.mark.parametrize("name", ONE_OF_A_FAMILY)
@pytest.mark.parametrize("error", [Interruption("own"), KeyboardInterrupt()], ids=["exception", "ctrl-c"])
def test_an_exception_inside_passes_unchanged(case_of, name, error):
    case = case_of(name, "t2v")
    with case.untouched_afterwards():
        with pytest.raises(type(error)), attach(case.pipe) as probe:
            case.run(callback_on_step_end=at_step(0, raising(error)))
        assert probe.calls == ()


@pytest.mark.parametrize("name", ["wan2.1", "hunyuanvideo1.5"])
def test_an_exception_inside_a_layer_passes_unchanged(case_of, name):
    case = case_of(name, "t2v")
    stack = getattr(case.pipe.transformer, "blocks", None) or case.pipe.transformer.transformer_blocks
    handle = stack[1].register_forward_pre_hook(raising_hook)
    attention = F.scaled_dot_product_attention
    with pytest.raises(Interruption), attach(case.pipe):
        case.run()
    assert F.scaled_dot_product_attention is attention
    handle.remove()
    with case.untouched_afterwards():
        pass


def raising_hook(*_):
    raise Interruption("own")


def test_a_call_that_failed_before_its_first_record_is_refused_if_its_error_was_swallowed(case_of):
    case = case_of("wan2.1", "t2v")
    with case.untouched_afterwards():
        handle = case.pipe.transformer.blocks[0].register_forward_pre_hook(raising_hook)
        with pytest.raises(TapError, match="left no record"), attach(case.pipe):
            with pytest.raises(Interruption):
                case.run()
            handle.remove()


@pytest.mark.parametrize("name", ONE_OF_A_FAMILY)
def test_an_interrupted_pipeline_call_has_no_whole_record(case_of, name):
    case = case_of(name, "t2v")
    stop = at_step(0, lambda pipe: setattr(pipe, "_interrupt", True))
    with case.untouched_afterwards():
        with pytest.raises(TapError, match=r"forwards left no record, the first in step 1, cond branch.*interrupted"):
            with attach(case.pipe) as probe:
                case.run(callback_on_step_end=stop, num_inference_steps=3)
        assert probe.calls == ()


@pytest.mark.parametrize("name", ONE_OF_A_FAMILY)
def test_the_bare_transformer_without_its_pipeline(case_of, capture, name):
    case = case_of(name, "t2v")
    with capture(case.pipe) as seen:
        case.run()
    with case.untouched_afterwards():
        with pytest.raises(TapError, match=r"run the pipeline itself|not the pipeline's own"), attach(case.pipe):
            with torch.no_grad():
                case.pipe.transformer(**seen.inputs[0])


@pytest.mark.parametrize("name", ["wan2.1", "hunyuanvideo"])
def test_a_denoising_loop_that_skips_a_step(case_of, capture, name):
    case = case_of(name, "t2v")
    with capture(case.pipe) as seen:
        case.run()
    pipe = case.pipe
    with case.untouched_afterwards():
        with pytest.raises(TapError, match="is not step 1 of the scheduler's 4; a step was skipped"), attach(pipe):
            pipe.scheduler.set_timesteps(4)
            with torch.no_grad():
                for step in (0, 2):
                    pipe._current_timestep = pipe.scheduler.timesteps[step]
                    pipe.transformer(**seen.inputs[0])
        pipe._current_timestep = None


@pytest.mark.parametrize("name", ["cogvideox", "wan2.1"])
def test_a_denoising_loop_that_makes_another_forward(case_of, capture, name):
    case = case_of(name, "t2v")
    with capture(case.pipe) as seen:
        case.run()
    pipe = case.pipe
    with case.untouched_afterwards():
        with pytest.raises(TapError, match=r"forward [23] within one step"), attach(pipe):
            pipe.scheduler.set_timesteps(4)
            pipe._current_timestep, pipe._guidance_scale = pipe.scheduler.timesteps[0], 4.0
            with torch.no_grad():
                for _ in range(3):
                    pipe.transformer(**seen.inputs[0])
        pipe._current_timestep = None


def test_a_transformer_replaced_after_attaching(fresh_case):
    case, other = fresh_case("wan2.1", "t2v"), fresh_case("wan2.1", "t2v")
    own = case.pipe.transformer
    with case.untouched_afterwards():
        with pytest.raises(TapError, match="replaced after attaching"), attach(case.pipe):
            case.pipe.transformer = other.pipe.transformer
            case.run()
        case.pipe.transformer = own


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        (Bias(lam=1.0, layers=(0, 2)), r"layers 2 does not exist; this model has layers 0 to 1"),
        (Bias(lam=1.0, heads=(7,)), r"heads 7 does not exist; this model has heads 0 to 1"),
        (Bias(lam=1.0, query_frames=(1, 3)), r"query_frames 3 does not exist; this model has query_frames 0 to 2"),
        (Bias(lam=1.0, key_frame=3), r"key_frame 3 does not exist; there are latent frames 0 to 2"),
        (
            Bias(lam=1.0, schedule="matched", matched=((0.0, 1.0, 1.0),) * 3),
            r"for 3 layers and 3 latent frames; here are 2 layers",
        ),
        (
            Bias(lam=1.0, schedule="matched", matched=((0.0, 1.0),) * 2),
            r"for 2 layers and 2 latent frames; here are 2 layers and 3 latent frames",
        ),
    ],
    ids=["layer", "head", "query frame", "key frame", "table's layers", "table's frames"],
)
def test_a_bias_on_what_the_model_does_not_have(case_of, bias, message):
    case = case_of("ltx-video", "i2v")
    with case.untouched_afterwards():
        with pytest.raises(InputError, match=message), attach(case.pipe, bias=bias):
            case.run()


def test_a_bias_on_layers_is_refused_before_anything_runs(case_of):
    with pytest.raises(InputError, match="layers 9"):
        attach(case_of("wan2.2-a14b", "i2v").pipe, bias=Bias(lam=1.0, layers=(9,)))


def test_an_unknown_pipeline_lists_the_known_ones():
    with pytest.raises(InputError, match=r"object is no pipeline .* known are CogVideoXPipeline, .*LTXImage"):
        attach(object())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"record": "everything"}, r"record 'everything' is unknown; choose True, False, 'observe' or 'fused'"),
        ({"branches": "uncond"}, r"branches 'uncond' is unknown; choose 'cond' or 'both'"),
    ],
)
def test_an_unknown_option_names_the_known_ones(case_of, options, message):
    with pytest.raises(InputError, match=message):
        attach(case_of("ltx-video", "t2v").pipe, **options)


def test_an_unknown_implementation_is_named(case_of):
    case = case_of("ltx-video", "t2v")
    with case.untouched_afterwards():
        with pytest.raises(InputError, match="impl 'fastest' is not available here; choose one of auto"):
            attach(case.pipe, impl="fastest")


@pytest.mark.parametrize("guider", [SkipLayerGuidance, PerturbedAttentionGuidance])
def test_another_guider_of_hunyuanvideo15(fresh_case, guider):
    case = fresh_case("hunyuanvideo1.5", "t2v")
    own = case.pipe.guider
    options = (
        {"perturbed_guidance_layers": [0]}
        if guider is PerturbedAttentionGuidance
        else {"skip_layer_guidance_layers": [0]}
    )
    with case.untouched_afterwards():
        case.pipe.guider = guider(**options)
        with pytest.raises(TapError, match=f"guider {guider.__name__} .* use diffusers' ClassifierFreeGuidance"):
            with attach(case.pipe):
                case.pipe(prompt="a", num_frames=9, height=32, width=48, num_inference_steps=2, output_type="latent")
        case.pipe.guider = own


def test_guidance_that_stops_midway_says_how_to_record_it(fresh_case):
    case = fresh_case("hunyuanvideo1.5", "t2v")
    case.pipe.guider = case.pipe.guider.new(stop=0.5)
    with pytest.raises(TapError, match=r"uncond branch.*branches='cond'"), attach(case.pipe):
        case.run(num_inference_steps=4)
    with attach(case.pipe, branches="cond") as probe:
        case.run(num_inference_steps=4)
    assert probe.recording.branches == ("cond",)


def test_nothing_recorded_says_why(case_of):
    case = case_of("ltx-video", "t2v")
    with attach(case.pipe, record=False) as silent:
        case.run()
    assert silent.calls == ()
    with pytest.raises(TapError, match="record=False"):
        _ = silent.attention
    with attach(case.pipe) as idle:
        pass
    with pytest.raises(TapError, match="no pipeline call was completed"):
        _ = idle.text_mass


@pytest.mark.parametrize("given", [{"dropout_p": 0.5}, {"is_causal": True}])
def test_attention_that_is_not_plain(fresh_case, monkeypatch, given):
    case = fresh_case("ltx-video", "t2v")
    with case.untouched_afterwards():
        with pytest.raises(TapError, match=f"{next(iter(given))}=.*plain attention"), attach(case.pipe):
            tapped = F.scaled_dot_product_attention
            F.scaled_dot_product_attention = lambda *a, **k: tapped(*a, **{**k, "attn_mask": None, **given})
            case.run()


@pytest.mark.parametrize("change", ["shorter", "another mask"])
def test_a_sequence_that_is_not_the_familys(case_of, change):
    case = case_of("ltx-video", "t2v")
    with case.untouched_afterwards():
        message = "layout does not fit" if change == "shorter" else "only padding is known"
        with pytest.raises(TapError, match=message), attach(case.pipe):
            tapped = F.scaled_dot_product_attention

            def other(query, key, value, **kwargs):
                if query.shape[2] != case.frames * case.tokens or key.shape != query.shape:  # another attention
                    return tapped(query, key, value, **kwargs)
                if change == "shorter":
                    return tapped(query[:, :, 1:], key, value, **kwargs)
                causal = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril()
                return tapped(query, key, value, attn_mask=causal)

            F.scaled_dot_product_attention = other
            case.run()


def test_a_record_survives_in_arrays_of_its_own(case_of):
    case = case_of("ltx-video", "t2v")
    with attach(case.pipe) as probe:
        case.run()
    before = probe.recording.attention.copy()
    case.run(prompt="another")
    np.testing.assert_array_equal(probe.recording.attention, before)
