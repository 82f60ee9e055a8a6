"""The tiny pair, and pipeline calls made by hand to hold its studies against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dymos_probe.baselines import ALG
from dymos_probe.bias import Bias

STEPS = 3
FRAMES = 9


@dataclass(frozen=True)
class ByHand:
    """What one pipeline call gave."""

    attention: Any
    text_mass: Any
    frames: np.ndarray


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tiny pair is built here, not in the cache of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """Settings of `record` that keep a run below half a second."""
    return {"num_frames": FRAMES, "num_inference_steps": STEPS, "device": "cpu"}


@pytest.fixture(scope="session")
def by_hand(own_cache: None) -> Callable[..., ByHand]:
    """A plain diffusers call under `attach`, with noise drawn here: what a run of a study must equal."""
    import torch

    from dymos_probe.pairs import load_pair, load_pipeline
    from dymos_probe.tap import attach

    @cache
    def pipeline(arm: str) -> Any:
        return load_pipeline(load_pair("tiny-cogvideox", device="cpu"), arm)  # type: ignore[arg-type]

    def call(
        arm: str, prompt: str, seed: int, *, image: Path | None = None, bias: Bias | None = None, alg: ALG | None = None
    ) -> ByHand:
        generator = torch.Generator("cpu").manual_seed(seed)
        # 9 frames are 3 latent ones; the VAE has 4 channels and makes 8 × 8 pixels one value.
        noise = torch.randn((1, 3, 4, 32 // 8, 48 // 8), generator=generator)
        own = {} if image is None else {"image": Image.open(image)}
        with attach(pipeline(arm), record=True, bias=bias, alg=alg, branches="cond") as probe:
            frames = pipeline(arm)(
                prompt=prompt,
                negative_prompt="",
                height=32,
                width=48,
                num_frames=FRAMES,
                num_inference_steps=STEPS,
                guidance_scale=4.0,
                max_sequence_length=40,
                latents=noise,
                generator=generator,
                output_type="np",
                **own,
            ).frames[0]
        return ByHand(probe.attention, probe.text_mass, frames)

    return call


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder, by relative name."""

    def read(folder: Path) -> dict[str, bytes]:
        return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}

    return read
