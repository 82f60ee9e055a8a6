"""A pipeline with random weights is built as the published one is loaded."""

from __future__ import annotations

import diffusers
import pytest
import torch

from dymos_probe.bench import random_pipeline as module
from dymos_probe.bench.architectures import ARCHITECTURES
from dymos_probe.bench.random_pipeline import prompt_embeddings, random_pipeline
from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.families import denoisers, family_of
from dymos_probe.pairs import PRESETS

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_number_has_the_type_it_has_when_the_model_is_loaded(name, narrow, workload, tmp_path):
    known = narrow(name)
    getattr(diffusers, known.transformer_class)(**known.transformer).save_pretrained(tmp_path)
    loaded = getattr(diffusers, known.transformer_class).from_pretrained(tmp_path, torch_dtype=torch.bfloat16)
    built = workload(name, torch.bfloat16).pipe.transformer

    def types(model):
        return {key: (value.dtype, value.shape) for key, value in [*model.named_parameters(), *model.named_buffers()]}

    assert types(built) == types(loaded) and built.dtype == loaded.dtype == torch.bfloat16
    assert not built.training and not any(parameter.requires_grad for parameter in built.parameters())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_is_the_published_pipeline_of_the_image_to_video_arm(name, workload):
    pipe = workload(name).pipe
    family, arm = family_of(pipe)
    assert (family.name, arm) == (PRESETS[name].family, "i2v")
    assert type(pipe).__name__ == ARCHITECTURES[name].pipeline
    assert type(pipe.scheduler).__name__ == PRESETS[name].scheduler
    assert len(denoisers(pipe)) == ARCHITECTURES[name].experts
    assert pipe.text_encoder is None and pipe.vae.decoder is None


def test_both_experts_take_part_at_the_published_boundary(workload):
    pipe = workload("wan2.2-a14b").pipe
    pipe.scheduler.set_timesteps(PRESETS["wan2.2-a14b"].num_inference_steps)
    early = int((pipe.scheduler.timesteps >= pipe.config.boundary_ratio * 1000).sum())
    assert 0 < early < 40


def test_weights_are_random_and_the_same_each_time(narrow):
    known = narrow("cogvideox-5b")
    first, again = (
        random_pipeline(known, scheduler="CogVideoXDDIMScheduler", device=CPU, dtype=torch.float32) for _ in range(2)
    )
    for key, value in first.transformer.state_dict().items():
        assert torch.equal(value, again.transformer.state_dict()[key]) and value.isfinite().all()
    weight = first.transformer.transformer_blocks[0].attn1.to_q.weight
    assert weight.std().item() == pytest.approx(weight.shape[1] ** -0.5, rel=0.1)
    assert (first.transformer.norm_final.weight == 1).all() and (first.transformer.norm_final.bias == 0).all()


def test_fewer_layers_are_built_where_asked_and_impossible_numbers_refused(narrow):
    known = narrow("wan2.1-14b")
    settings = {"scheduler": "UniPCMultistepScheduler", "device": CPU, "dtype": torch.float32}
    assert len(random_pipeline(known, layers=1, **settings).transformer.blocks) == 1
    for layers in (0, 3):
        with pytest.raises(InputError, match=f"layers {layers} is not possible; the published transformer has 2"):
            random_pipeline(known, layers=layers, **settings)


def test_what_does_not_fit_is_refused_before_it_is_drawn(monkeypatch):
    monkeypatch.setattr(module, "free_bytes", lambda device: 20 * 2**30)
    monkeypatch.setattr(module, "fill", lambda *_: pytest.fail("weights were drawn"))
    with pytest.raises(EnvironmentLacksError, match=r"take 6. GiB and 20 GiB are free on cpu.*--layers N"):
        random_pipeline(
            ARCHITECTURES["wan2.1-14b"], scheduler="UniPCMultistepScheduler", device=CPU, dtype=torch.float32
        )


def test_prompts_are_given_in_the_published_shape_with_padding():
    given = prompt_embeddings(ARCHITECTURES["hunyuanvideo-1.5"], device=CPU, dtype=torch.bfloat16)
    assert {key: tuple(value.shape) for key, value in given.items() if not key.startswith("negative_")} == {
        "prompt_embeds": (1, 1000, 3584),
        "prompt_embeds_mask": (1, 1000),
        "prompt_embeds_2": (1, 256, 1472),
        "prompt_embeds_mask_2": (1, 256),
    }
    assert [int(given[f"{sign}prompt_embeds_mask"].sum()) for sign in ("", "negative_")] == [64, 1]
    assert not given["prompt_embeds_mask_2"].any() and not given["negative_prompt_embeds_mask_2"].any()
    padded = prompt_embeddings(ARCHITECTURES["wan2.1-14b"], device=CPU, dtype=torch.float32)["prompt_embeds"]
    assert padded.shape == (1, 512, 4096) and padded[0, :64].any(-1).all() and not padded[0, 64:].any()
