"""Weights folders with real, tiny, random networks in the files that are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dymos_probe.metrics.metric import Clip, Measurement, resources
from dymos_probe.metrics.registry import METRICS

SIDE = 32


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CLIP, LAION's head and DINO as their authors publish them, of random weights and a few kilobytes."""
    import torch
    from transformers import CLIPConfig, CLIPModel, ViTConfig, ViTModel

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    clip = CLIPConfig(
        text_config={**tower, "vocab_size": 64, "max_position_embeddings": 16},
        vision_config={**tower, "image_size": SIDE, "patch_size": 8, "projection_dim": 24},
        projection_dim=24,
    )
    CLIPModel(clip).save_pretrained(folder / "clip-vit-large-patch14")
    torch.save(torch.nn.Linear(24, 1).state_dict(), folder / "sa_0_4_vit_l_14_linear.pth")
    vit = ViTConfig(**tower, image_size=SIDE, patch_size=8)
    ViTModel(vit, add_pooling_layer=False).save_pretrained(folder / "dino-vitb16")
    return folder


@pytest.fixture
def measured(weights: Path) -> Callable[..., Measurement]:
    """Measure one clip by one learned metric."""

    def measure(name: str, clip: Clip, **about: Any) -> Measurement:
        return METRICS[name].prepare(resources(weights, **about)).measure(clip)  # type: ignore[union-attr]

    return measure


@pytest.fixture(scope="session")
def clip() -> Clip:
    """Smooth random pictures of 40 × 56 that change a little from frame to frame, and a reference of their kind."""
    from scipy import ndimage

    rough = np.random.default_rng(4).uniform(size=(6, 40, 56, 3))
    smooth = ndimage.gaussian_filter(rough, (1.0, 3, 3, 0))
    frames = np.clip((smooth - 0.5) * 900 + 128, 0, 255).astype(np.uint8)
    return Clip(frames=frames[:5], fps=8.0, reference=frames[5])


@pytest.fixture(autouse=True)
def no_folder_of_the_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever runs the tests may have weights."""
    monkeypatch.delenv("DYMOS_PROBE_WEIGHTS", raising=False)
    yield
