"""Tiny pipelines, built once, and what the first forward of a call was given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from dymos_probe.families import Family, Generation, family_of
from dymos_probe.testing import PIPELINES, build_pipeline, reference_image, settings


@dataclass(frozen=True)
class Arm:
    """One arm of a tiny pipeline, as its family sees it."""

    name: str
    arm: str
    pipe: Any
    asked: Generation | None = None
    """Settings other than the standard ones."""

    @property
    def family(self) -> Family:
        return family_of(self.pipe)[0]

    @property
    def generation(self) -> Generation:
        if self.asked is not None:
            return self.asked
        tiny = settings(self.name)
        fixed = ("num_frames", "num_inference_steps", "height", "width", tiny.guidance_argument)
        extra = {key: value for key, value in tiny.kwargs(self.arm).items() if key not in fixed}
        return Generation(
            height=tiny.height,
            width=tiny.width,
            num_frames=tiny.num_frames,
            num_inference_steps=2,
            guidance_scale=4.0,
            negative_prompt="blurry",
            extra=extra,
        )

    @property
    def image(self) -> Image.Image | None:
        return reference_image(settings(self.name).height, settings(self.name).width) if self.arm == "i2v" else None

    def noise(self, seed: int = 0) -> Tensor:
        return self.family.draw_noise(self.pipe, self.generation, torch.Generator().manual_seed(seed))

    def arguments(self, noise: Tensor, seed: int = 0) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(seed)
        return self.family.arguments(
            self.pipe,
            self.arm,
            self.generation,
            prompt="a red fox runs",
            noise=noise,
            generator=generator,
            image=self.image,
        )

    def first_input(self, call: dict[str, Any]) -> dict[str, Any]:
        """Run a pipeline call and return the keyword arguments of its first forward."""
        seen: list[dict[str, Any]] = []
        transformer = self.pipe.transformer
        handle = transformer.register_forward_pre_hook(
            lambda _module, _args, kwargs: seen.append(dict(kwargs)), with_kwargs=True
        )
        self.pipe(**call)
        handle.remove()
        return seen[0]


@pytest.fixture(scope="session")
def arm_of() -> Callable[[str, str], Arm]:
    built: dict[tuple[str, str], Arm] = {}

    def arm(name: str, which: str) -> Arm:
        if (name, which) not in built:
            pipe = build_pipeline(name, which)
            if name == "hunyuanvideo1.5":  # published text lengths cost most of the time
                pipe.tokenizer_max_length, pipe.tokenizer_2_max_length, pipe.vision_num_semantic_tokens = 40, 16, 4
            built[name, which] = Arm(name, which, pipe)
        return built[name, which]

    return arm


@pytest.fixture(params=PIPELINES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=("t2v", "i2v"))
def arm(request: pytest.FixtureRequest, name: str, arm_of: Callable[[str, str], Arm]) -> Arm:
    return arm_of(name, request.param)


@pytest.fixture
def pair(name: str, arm_of: Callable[[str, str], Arm]) -> tuple[Arm, Arm]:
    return arm_of(name, "t2v"), arm_of(name, "i2v")
