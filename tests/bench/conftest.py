"""Narrow copies of the published architectures: the same classes, components and calls, small enough for a CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from dymos_probe.bench.architectures import ARCHITECTURES, Architecture
from dymos_probe.bench.generate import Workload
from dymos_probe.bench.random_pipeline import prompt_embeddings, random_pipeline
from dymos_probe.families import Generation
from dymos_probe.pairs import PRESETS

CPU = torch.device("cpu")
SIZES = {"height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 3, "guidance_scale": 4.0}
WIDTH = 16

_WAN = {"num_attention_heads": 2, "attention_head_dim": 16, "ffn_dim": 32, "text_dim": WIDTH, "freq_dim": 16}
_WAN_VAE = {"base_dim": 4, "num_res_blocks": 1, "dim_mult": [1, 1, 1, 1]}
NARROW: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "wan2.2-a14b": (_WAN, _WAN_VAE),
    "wan2.1-14b": ({**_WAN, "image_dim": WIDTH, "added_kv_proj_dim": 32}, _WAN_VAE),
    "hunyuanvideo-1.5": (
        {
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "mlp_ratio": 2.0,
            "text_embed_dim": WIDTH,
            "text_embed_2_dim": WIDTH,
            "image_embed_dim": WIDTH,
            "rope_axes_dim": (4, 6, 6),
            "target_size": 40,  # its size buckets are around 40 × 40 pixels then, 32 × 48 among them
        },
        {"block_out_channels": (8, 8, 16, 32, 64), "layers_per_block": 1},
    ),
    "cogvideox-5b": (
        {
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "text_embed_dim": WIDTH,
            "time_embed_dim": 16,
            "sample_height": 4,
            "sample_width": 6,
        },
        {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 2},
    ),
}


def short(name: str) -> dict[str, int]:
    """Fewer text and image tokens where they are part of the self-attention; Wan's layers count on 512 and 257."""
    return {"tokens": 70} if name == "hunyuanvideo-1.5" else {}


@pytest.fixture(scope="session")
def narrow() -> Callable[[str], Architecture]:
    """An architecture of two thin layers."""

    def make(name: str) -> Architecture:
        whole, (transformer, vae) = ARCHITECTURES[name], NARROW[name]
        return replace(
            whole,
            transformer={**whole.transformer, **transformer, "num_layers": 2},
            vae={**whole.vae, **vae},
            text=tuple(replace(stream, width=WIDTH, **short(name)) for stream in whole.text),
            image=replace(whole.image, width=WIDTH, **short(name)) if whole.image else None,
        )

    return make


@pytest.fixture(scope="session")
def workload(narrow: Callable[[str], Architecture]) -> Callable[..., Workload]:
    """A narrow pipeline and its call, built once for each name and type."""
    built: dict[tuple[str, torch.dtype], Workload] = {}

    def make(name: str, dtype: torch.dtype = torch.float32) -> Workload:
        if (name, dtype) not in built:
            preset, architecture = PRESETS[name], narrow(name)
            vae = getattr(torch, preset.vae_dtype) if preset.vae_dtype else None
            pipe = random_pipeline(architecture, scheduler=preset.scheduler, device=CPU, dtype=dtype, vae_dtype=vae)
            built[name, dtype] = Workload(
                pipe=pipe,
                generation=Generation(**SIZES),
                embeddings=prompt_embeddings(architecture, device=CPU, dtype=dtype),
            )
        return built[name, dtype]

    return make
