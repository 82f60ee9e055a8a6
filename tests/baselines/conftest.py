"""Real tiny I2V pipelines under ALG, watched from outside: every forward, and what their guidance hands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import pytest
import torch
from torch import Tensor

from dymos_probe.families import denoisers, family_of
from dymos_probe.testing import build_pipeline, reference_image, settings

PROMPT, NEGATIVE = "a red fox runs over the snow", "blurry"


@dataclass
class Watched:
    """What went through the transformers of one call."""

    inputs: list[dict[str, Any]] = field(default_factory=list)
    """Of every forward, the extra ones too, by name."""
    experts: list[Any] = field(default_factory=list)
    """The transformer of every forward."""
    steps: list[int] = field(default_factory=list)
    """Step of every forward, counted by the scheduler."""
    guided: list[Tensor] = field(default_factory=list)
    """The prediction that the scheduler was given, a step each."""

    def forwards(self) -> list[int]:
        """Number of forwards in each step."""
        return [self.steps.count(step) for step in range(len(self.guided))]

    def of_step(self, step: int) -> list[tuple[Any, dict[str, Any]]]:
        """Transformer and inputs of the forwards of a step."""
        calls = zip(self.experts, self.inputs, self.steps, strict=True)
        return [(expert, inputs) for expert, inputs, at in calls if at == step]


@dataclass
class Tiny:
    """The I2V arm of a tiny pipeline and its standard call."""

    name: str
    pipe: Any

    @property
    def one_batch(self) -> bool:
        """Guidance is one batch, [uncond, cond]."""
        return self.name.startswith("cogvideox")

    @property
    def frames_first(self) -> bool:
        """Latents are (B, F, C, H, W)."""
        return self.name.startswith("cogvideox")

    def run(self, *, steps: int = 3, scale: float | None = None, seed: int = 3, **changed: Any) -> Tensor:
        """Return the latents of the standard call."""
        tiny, given = settings(self.name), {}
        scale = tiny.guidance_scale if scale is None else scale
        if tiny.guidance_argument is None:
            self.pipe.guider = self.pipe.guider.new(guidance_scale=scale)
        else:
            given[tiny.guidance_argument] = scale
        call = tiny.kwargs("i2v") | given | {"num_inference_steps": steps, "output_type": "latent"}
        call |= {"image": reference_image(tiny.height, tiny.width), "prompt": PROMPT, "negative_prompt": NEGATIVE}
        frames = self.pipe(generator=torch.Generator().manual_seed(seed), **call | changed).frames
        return frames if isinstance(frames, Tensor) else torch.as_tensor(frames)

    @contextmanager
    def watched(self) -> Iterator[Watched]:
        """See every forward from outside; entered under a tap."""
        seen, scheduler = Watched(), self.pipe.scheduler
        step = scheduler.step

        @wraps(step)  # a pipeline asks for the signature
        def watching(prediction: Tensor, *args: Any, **kwargs: Any) -> Any:
            seen.guided.append(prediction.clone())
            return step(prediction, *args, **kwargs)

        def watch(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
            assert not args
            seen.inputs.append({k: v.clone() if isinstance(v, Tensor) else v for k, v in kwargs.items()})
            seen.experts.append(module)
            seen.steps.append(len(seen.guided))

        handles = [t.register_forward_pre_hook(watch, with_kwargs=True) for t in denoisers(self.pipe)]
        scheduler.step = watching
        try:
            yield seen
        finally:
            del scheduler.step
            for handle in handles:
                handle.remove()

    def image_part(self, hidden: Tensor) -> Tensor:
        """Return the image latents among a transformer's input, a view; said here in words of the published models."""
        match self.name:
            case "cogvideox" | "cogvideox1.5" | "cogvideox1.5-even":
                return hidden[:, :, 4:]  # 4 noise, 4 image
            case "wan2.1" | "wan2.2-a14b":
                return hidden[:, 8:]  # 4 noise, 4 mask, 4 image
            case "hunyuanvideo1.5":
                channels = (hidden.shape[1] - 1) // 2  # noise, image, 1 mask
                return hidden[:, channels:-1]
            case "hunyuanvideo":
                return hidden[:, 4:8]  # 4 noise, 4 image, 1 mask
            case "hunyuanvideo-token-replace" | "wan2.2-ti2v-5b":
                return hidden[:, :, :1]  # frame 0 is the image
        raise AssertionError(self.name)


@pytest.fixture(scope="session")
def tiny_of() -> Callable[[str], Tiny]:
    """A tiny pipeline, built once; give it back as it was."""
    built: dict[str, Tiny] = {}

    def tiny(name: str) -> Tiny:
        if name not in built:
            pipe = build_pipeline(name, "i2v")
            if name == "hunyuanvideo1.5":  # published lengths, nearly all padding, cost most of the time
                pipe.tokenizer_max_length, pipe.tokenizer_2_max_length, pipe.vision_num_semantic_tokens = 40, 16, 4
            assert family_of(pipe)[1] == "i2v"
            built[name] = Tiny(name, pipe)
        return built[name]

    return tiny
