"""What the tap is measured against: attention calls seen by other means, and Eqs. 6 and 8 in float64."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dymos_probe.testing import PIPELINES, build_pipeline, reference_image, settings

SELF_ATTENTION = re.compile(r"(blocks|transformer_blocks|single_transformer_blocks)\.\d+\.(attn|attn1)")
ONE_FORWARD = ("cogvideox", "ltx")  # guidance as one batch, [uncond, cond]; the others make a forward a branch
PROMPT, NEGATIVE = "a red fox runs over the snow", "blurry"


@dataclass
class Attended:
    """One self-attention call: what the layer gave and what it got back."""

    forward: int
    """Index of the transformer forward within the capture."""
    layer: int
    q: Tensor
    k: Tensor
    v: Tensor
    mask: Tensor | None
    scale: float
    out: Tensor


class Truth(NamedTuple):
    out: Tensor
    """(B, H, N, D) float64."""
    mass: Tensor
    """(B, H, F, F) float64, Eq. 8."""
    text: Tensor
    """(B, H, F) float64."""


class Capture:
    """Sees every self-attention call of a pipeline from outside; entered under a tap, in front of the tap."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.calls: list[Attended] = []
        self.experts: list[int] = []
        """Index of the transformer of each forward."""
        self.inputs: list[dict[str, Any]] = []
        """Keyword arguments of each forward."""

    def __enter__(self) -> Capture:
        self._inside: int | None = None
        self._handles = []
        experts = [t for t in (self.pipe.transformer, getattr(self.pipe, "transformer_2", None)) if t is not None]
        for expert, transformer in enumerate(experts):
            self._handles.append(transformer.register_forward_pre_hook(self._counting(expert), with_kwargs=True))
            sites = [m for name, m in transformer.named_modules() if SELF_ATTENTION.fullmatch(name)]
            self.layers = len(sites)
            for layer, module in enumerate(sites):
                self._handles.append(module.register_forward_pre_hook(self._entering(layer)))
                self._handles.append(module.register_forward_hook(self._entering(None), always_call=True))
        self._attention = F.scaled_dot_product_attention
        F.scaled_dot_product_attention = self._attend
        return self

    def __exit__(self, *_: object) -> None:
        F.scaled_dot_product_attention = self._attention
        for handle in self._handles:
            handle.remove()

    def _counting(self, expert: int) -> Callable[..., None]:
        def count(_module: nn.Module, _args: Any, kwargs: dict[str, Any]) -> None:
            self.experts.append(expert)
            self.inputs.append(dict(kwargs))

        return count

    def _entering(self, layer: int | None) -> Callable[..., None]:
        def enter(*_: Any) -> None:
            self._inside = layer

        return enter

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        out = self._attention(query, key, value, *args, **kwargs)
        if self._inside is not None:
            assert not args
            scale = kwargs.get("scale")
            self.calls.append(
                Attended(
                    forward=len(self.experts) - 1,
                    layer=self._inside,
                    q=query.clone(),
                    k=key.clone(),
                    v=value.clone(),
                    mask=kwargs.get("attn_mask"),
                    scale=query.shape[-1] ** -0.5 if scale is None else scale,
                    out=out.clone(),
                )
            )
        return out


@dataclass
class Case:
    """One arm of one tiny pipeline, with the standard call, its video and its layout said independently."""

    name: str
    arm: str
    pipe: Any
    _videos: dict[str, Any] = field(default_factory=dict)

    @property
    def tiny(self) -> Any:
        return settings(self.name)

    @property
    def frames(self) -> int:
        return self.tiny.frames

    @property
    def tokens(self) -> int:
        return self.tiny.token_height * self.tiny.token_width

    @property
    def start(self) -> int:
        return self.tiny.extra["max_sequence_length"] if self.name.startswith("cogvideox") else 0

    @property
    def one_forward(self) -> bool:
        return self.name.startswith(ONE_FORWARD)

    def frame_of_token(self, length: int) -> Tensor:
        frame = torch.full((length,), -1)
        for f in range(self.frames):
            frame[self.start + f * self.tokens : self.start + (f + 1) * self.tokens] = f
        return frame

    def branches(self, call: Attended) -> list[str]:
        """The branch of each batch row; test_attach_labels proves it from the prompts."""
        rows = call.q.shape[0]
        if self.one_forward:
            return ["uncond"] * (rows // 2) + ["cond"] * (rows // 2)
        return [("cond", "uncond")[call.forward % 2]] * rows

    def step(self, call: Attended) -> int:
        return call.forward if self.one_forward else call.forward // 2

    def run(self, *, prompt: Any = PROMPT, negative: Any = NEGATIVE, scale: float | None = None, **changed: Any) -> Any:
        """Run the standard call, in two steps unless told; return its latents, which the VAE would only decode."""
        tiny, given = self.tiny, {}
        scale = tiny.guidance_scale if scale is None else scale
        if tiny.guidance_argument is None:
            self.pipe.guider = self.pipe.guider.new(guidance_scale=scale)
        else:
            given[tiny.guidance_argument] = scale
        if self.arm == "i2v":
            given["image"] = reference_image(tiny.height, tiny.width)
        call = tiny.kwargs(self.arm) | given | {"num_inference_steps": 2, "output_type": "latent"}
        generator = torch.Generator().manual_seed(0)
        frames = self.pipe(prompt=prompt, negative_prompt=negative, generator=generator, **call | changed).frames
        return frames.float().numpy() if isinstance(frames, Tensor) else np.asarray(frames)

    def video(self, **changed: Any) -> Any:
        """The unhooked video of the standard call, made once."""
        key = repr(changed)
        if key not in self._videos:
            self._videos[key] = self.run(**changed)
        return self._videos[key]

    @contextmanager
    def untouched_afterwards(self) -> Iterator[None]:
        """Whatever happens inside, attention function, hooks and video are what they were."""
        expected, attention, hooks = self.video(), F.scaled_dot_product_attention, self._hooks()
        yield
        assert F.scaled_dot_product_attention is attention
        assert self._hooks() == hooks
        np.testing.assert_array_equal(self.run(), expected)

    def _hooks(self) -> int:
        parts = [part for part in self.pipe.components.values() if isinstance(part, nn.Module)]
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for part in parts for m in part.modules())

    def truth(self, call: Attended, shift: Tensor | None = None, key_frame: int = 0) -> Truth:
        """Attention in float64 with ``shift`` (B, H, F) subtracted from the key frame's logits, by query frame."""
        q, k, v = call.q.double(), call.k.double(), call.v.double()
        batch, heads, length, _ = q.shape
        logits = q @ k.mT * call.scale
        frame = self.frame_of_token(length)
        if call.mask is not None and call.mask.dtype == torch.bool:
            logits = logits.masked_fill(~call.mask, -torch.inf)
        elif call.mask is not None:
            logits = logits + call.mask.double()
        for f in range(self.frames) if shift is not None else ():
            rows, keys = frame == f, frame == key_frame
            for b, h in np.ndindex(batch, heads):
                lam = float(shift[b, h, f])
                if lam == -math.inf:
                    logits[b, h][rows[:, None] & ~keys] = -torch.inf
                else:
                    logits[b, h][rows[:, None] & keys] -= lam
        weights = torch.softmax(logits, -1).nan_to_num(0.0)  # a query with no key gives zero
        one_hot = torch.stack([frame == f for f in range(self.frames)]).double()
        mass = one_hot @ weights @ one_hot.mT / self.tokens
        text = (one_hot @ weights)[..., frame < 0].sum(-1) / self.tokens
        return Truth(weights @ v, mass, text)

    def assert_records(self, recording: Any, seen: Capture, *, atol: float = 1e-6, shifts: Any = None) -> None:
        """``recording`` holds Eq. 8 of every call in ``seen``, at its step, branch, layer and head."""
        count = 0
        for call in seen.calls:
            shift = shifts(call) if shifts else None
            truth = self.truth(call, *(() if shift is None else shift))
            labels = self.branches(call)
            for branch in dict.fromkeys(labels):
                rows = [row for row, label in enumerate(labels) if label == branch]
                at = (slice(None), recording.branches.index(branch), self.step(call), call.layer)
                np.testing.assert_allclose(recording.attention[at], truth.mass[rows], atol=atol, rtol=0)
                np.testing.assert_allclose(recording.text_mass[at], truth.text[rows], atol=atol, rtol=0)
                count += len(rows) * self.frames * call.q.shape[1]
        assert count == recording.text_mass.size
        np.testing.assert_allclose(recording.attention.sum(-1) + recording.text_mass, 1.0, atol=1e-6)


def _build(name: str, arm: str) -> Case:
    pipe = build_pipeline(name, arm)
    if name == "hunyuanvideo1.5":  # published lengths, nearly all padding, cost most of the time
        pipe.tokenizer_max_length, pipe.tokenizer_2_max_length, pipe.vision_num_semantic_tokens = 40, 16, 4
    return Case(name, arm, pipe)


ALL = [(name, arm) for name in PIPELINES for arm in ("t2v", "i2v")]


@pytest.fixture(scope="session")
def case_of() -> Callable[[str, str], Case]:
    """A case whose pipeline is shared by the session; give it back as it was."""
    built: dict[tuple[str, str], Case] = {}

    def case(name: str, arm: str) -> Case:
        if (name, arm) not in built:
            built[name, arm] = _build(name, arm)
        return built[name, arm]

    return case


@pytest.fixture(scope="session")
def fresh_case() -> Callable[[str, str], Case]:
    """A case with a pipeline of its own, to be changed at will."""
    return _build


@pytest.fixture(scope="session")
def capture() -> type[Capture]:
    return Capture


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``case``: every pipeline and arm; ``i2v_case``: every I2V arm."""
    for fixture, arms in (("case", ALL), ("i2v_case", [pair for pair in ALL if pair[1] == "i2v"])):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, arms, indirect=True, ids="-".join, scope="session")


@pytest.fixture(scope="session")
def case(request: pytest.FixtureRequest, case_of: Callable[[str, str], Case]) -> Case:
    return case_of(*request.param)


@pytest.fixture(scope="session")
def i2v_case(request: pytest.FixtureRequest, case_of: Callable[[str, str], Case]) -> Case:
    return case_of(*request.param)
