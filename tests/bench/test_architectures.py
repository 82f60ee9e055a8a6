"""The architectures are those that were published."""

from __future__ import annotations

import inspect

import diffusers
import pytest
import torch

from dymos_probe.bench.architectures import ARCHITECTURES, architecture
from dymos_probe.bench.table5 import AIMS, TABLE_5
from dymos_probe.errors import InputError
from dymos_probe.pairs import PRESETS

# Learnt numbers of one transformer: finetrainers' count of CogVideoX-5B plus 16 more input channels; the tensors of
# Wan2.2-I2V-A14B/high_noise_model; Hugging Face's count of HunyuanVideo-1.5-Diffusers; 32.8 GB of bfloat16.
PUBLISHED = {
    "cogvideox-5b": 5_570_283_072 + 16 * 2 * 2 * 48 * 64,
    "wan2.2-a14b": 14_288_901_184,
    "hunyuanvideo-1.5": 8_326_608_160,
    "wan2.1-14b": 16_394_878_784,
}
# What the published configurations say otherwise than diffusers' classes do by default.
OWN = {
    "cogvideox-5b": {
        "num_attention_heads": 48,
        "num_layers": 42,
        "in_channels": 32,
        "use_rotary_positional_embeddings": True,
        "use_learned_positional_embeddings": True,
    },
    "wan2.2-a14b": {"in_channels": 36},
    "wan2.1-14b": {"in_channels": 36, "image_dim": 1280, "added_kv_proj_dim": 5120},
    "hunyuanvideo-1.5": {},
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_transformer_has_as_many_parameters_as_the_published_one(name: str) -> None:
    known = architecture(name)
    with torch.device("meta"):
        transformer = getattr(diffusers, known.transformer_class)(**known.transformer)
    assert sum(parameter.numel() for parameter in transformer.parameters()) == PUBLISHED[name] == known.parameters


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_configuration_differs_from_the_defaults_of_its_class_where_the_published_one_does(name: str) -> None:
    known = architecture(name)
    accepted = inspect.signature(getattr(diffusers, known.transformer_class).__init__).parameters
    differing = {key: value for key, value in known.transformer.items() if accepted[key].default != value}
    assert differing == OWN[name]
    assert set(known.vae) <= set(inspect.signature(getattr(diffusers, known.vae_class).__init__).parameters)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_given_embeddings_fit_what_the_transformer_reads(name: str) -> None:
    known, config = architecture(name), ARCHITECTURES[name].transformer
    widths = [config[key] for key in ("text_dim", "text_embed_dim", "text_embed_2_dim") if key in config]
    assert [stream.width for stream in known.text] == widths
    assert (known.image.width if known.image else None) == config.get("image_dim", config.get("image_embed_dim"))


def test_every_column_of_table_5_has_an_architecture_and_a_preset() -> None:
    assert list(TABLE_5) == list(ARCHITECTURES) == ["wan2.2-a14b", "wan2.1-14b", "hunyuanvideo-1.5", "cogvideox-5b"]
    assert set(TABLE_5) <= set(PRESETS)
    for known in ARCHITECTURES.values():
        assert all(source.startswith("https://") for source in known.sources)


def test_table_5_is_printed_as_published() -> None:
    assert [column.percent["dymos"] for column in TABLE_5.values()] == [1.2, 1.9, 3.5, 4.3]
    assert [column.percent["alg"] for column in TABLE_5.values()] == [4.7, 10.3, 5.9, 1.3]
    for column in TABLE_5.values():
        for method, seconds in column.seconds.items():
            # The paper rounds seconds first, or last; it does not say which.
            assert column.percent[method] == pytest.approx(100 * (seconds / column.baseline_seconds - 1), abs=0.1)
    assert AIMS == {"dymos": 1.0, "fused": 10.0}


def test_an_architecture_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError, match="not for 'sprites'; use --weights published") as caught:
        architecture("sprites")
    assert all(name in str(caught.value) for name in ARCHITECTURES)
