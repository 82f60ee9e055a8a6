"""Loading an arm: the same model as saved, where and as asked, or one line that says why not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from dymos_probe import testing
from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.pairs import Pair, load_pair, load_pipeline
from dymos_probe.pairs.load import placement


def _video(pipe: object, arm: testing.Arm) -> np.ndarray:
    settings = testing.settings("cogvideox")
    image = {"image": testing.reference_image(settings.width, settings.height)} if arm == "i2v" else {}
    call = settings.kwargs(arm) | {"num_inference_steps": 2}
    generator = torch.Generator().manual_seed(0)
    return pipe(prompt="a dog runs", generator=generator, output_type="np", **image, **call).frames[0]  # type: ignore[operator]


@pytest.mark.parametrize("arm", ["t2v", "i2v"])
def test_a_loaded_arm_generates_what_the_saved_one_generates(saved_pair: Pair, arm: testing.Arm) -> None:
    loaded = load_pipeline(saved_pair, arm)
    np.testing.assert_array_equal(_video(loaded, arm), _video(testing.build_pipeline("cogvideox", arm), arm))
    assert not loaded.transformer.training


def test_the_dtype_asked_for_is_that_of_every_model(saved_pair: Pair) -> None:
    pipe = load_pipeline(load_pair(saved_pair, dtype="bfloat16"), "t2v")
    assert {pipe.transformer.dtype, pipe.vae.dtype, pipe.text_encoder.dtype} == {torch.bfloat16}


def test_a_cpu_computes_in_float32_unless_told_otherwise(saved_pair: Pair) -> None:
    assert placement(saved_pair) == (torch.device("cpu"), torch.float32)


def test_the_scheduler_of_table_3_takes_over_the_checkpoints_configuration(copied_pair: Callable[[], Pair]) -> None:
    pair = copied_pair()
    own = load_pipeline(pair, "t2v").scheduler
    replaced = load_pipeline(Pair(t2v=pair.t2v, i2v=pair.i2v, scheduler="CogVideoXDPMScheduler"), "t2v").scheduler
    assert type(replaced).__name__ == "CogVideoXDPMScheduler"
    kept = ("beta_start", "prediction_type", "timestep_spacing", "rescale_betas_zero_snr", "snr_shift_scale")
    assert {key: replaced.config[key] for key in kept} == {key: own.config[key] for key in kept}


def test_unipc_solves_the_flow_of_a_model_saved_with_euler(tmp_path: Path) -> None:
    t2v, i2v = testing.save_pair("wan2.2-ti2v-5b", tmp_path)
    own = load_pipeline(Pair(t2v=t2v, i2v=i2v), "t2v").scheduler
    if not type(own).__name__.startswith("FlowMatch"):
        from diffusers import FlowMatchEulerDiscreteScheduler

        FlowMatchEulerDiscreteScheduler(shift=3.0).save_pretrained(t2v / "scheduler")
        index = t2v / "model_index.json"
        index.write_text(index.read_text().replace(type(own).__name__, "FlowMatchEulerDiscreteScheduler"))
    scheduler = load_pipeline(Pair(t2v=t2v, i2v=i2v, scheduler="UniPCMultistepScheduler"), "t2v").scheduler
    assert scheduler.config.prediction_type == "flow_prediction"
    scheduler.set_timesteps(4)
    # The flow's own relation between time and noise level, shifted: σ = s·u / (1 + (s - 1)·u) and t = 1000·σ.
    np.testing.assert_allclose(scheduler.timesteps, 1000 * scheduler.sigmas[:-1], atol=1.0)
    assert scheduler.config.flow_shift == 3.0


def test_a_scheduler_of_another_kind_of_noise_is_refused(saved_pair: Pair) -> None:
    pair = Pair(t2v=saved_pair.t2v, i2v=saved_pair.i2v, scheduler="FlowMatchEulerDiscreteScheduler")
    with pytest.raises(InputError, match="define noise differently"):
        load_pipeline(pair, "t2v")
    with pytest.raises(InputError, match="no scheduler 'Magic'"):
        load_pipeline(Pair(t2v=saved_pair.t2v, i2v=saved_pair.i2v, scheduler="Magic"), "t2v")


def test_vae_tiling_reaches_the_vae(saved_pair: Pair) -> None:
    assert load_pipeline(load_pair(saved_pair, vae_tiling=True), "t2v").vae.use_tiling
    assert not load_pipeline(saved_pair, "t2v").vae.use_tiling


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what a machine without a GPU answers")
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_gpu_that_is_not_there_ends_with_status_3(saved_pair: Pair, device: str) -> None:
    with pytest.raises(EnvironmentLacksError, match=r"sees no GPU.*--device cpu") as caught:
        load_pipeline(load_pair(saved_pair, device=device), "t2v")
    assert caught.value.exit_status == 3


def test_offloading_from_a_cpu_is_refused(saved_pair: Pair) -> None:
    with pytest.raises(InputError, match="on a CPU use 'none'"):
        load_pipeline(load_pair(saved_pair, offload="model"), "t2v")


def test_weights_out_of_reach_name_the_model_the_cache_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    pair = Pair(t2v="zai-org/CogVideoX-5b", i2v="zai-org/CogVideoX-5b-I2V", revision_t2v="8d6ea3f", device="cpu")
    with pytest.raises(EnvironmentLacksError) as caught:
        load_pipeline(pair, "t2v")
    message = str(caught.value)
    assert str(tmp_path) in message
    assert message.endswith("hf download zai-org/CogVideoX-5b --revision 8d6ea3f")
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


def test_a_hub_model_in_the_cache_loads_offline_and_silently(
    saved_pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    commit = "1f6b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b"
    repository = tmp_path / "models--owner--t2v"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    snapshot = repository / "snapshots" / commit
    shutil.copytree(saved_pair.t2v, snapshot)
    pair = Pair(t2v="owner/t2v", i2v=saved_pair.i2v, device="cpu")
    loaded = load_pipeline(pair, "t2v")
    np.testing.assert_array_equal(_video(loaded, "t2v"), _video(load_pipeline(saved_pair, "t2v"), "t2v"))
    assert capfd.readouterr() == ("", "")
    # A download that was interrupted is as good as none.
    shutil.rmtree(snapshot / "vae")
    with pytest.raises(EnvironmentLacksError, match=r"vae/ is missing there.*hf download owner/t2v"):
        load_pipeline(pair, "t2v")


def test_truncated_weights_are_one_line_naming_the_folder(copied_pair: Callable[[], Pair]) -> None:
    pair = copied_pair()
    weights = Path(pair.t2v) / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="does not load") as caught:
        load_pipeline(pair, "t2v")
    assert str(pair.t2v) in str(caught.value)
    assert "\n" not in str(caught.value)
