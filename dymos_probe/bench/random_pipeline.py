"""A published image-to-video pipeline with random weights: the real code at the real size, and nothing to download.

How long a step takes does not depend on what the weights are, only on how many there are, of which type. They are
drawn so that activations stay of order one, which no type overflows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
from accelerate import init_empty_weights
from torch import nn

from dymos_probe.bench.architectures import Architecture, ImageTokens
from dymos_probe.bench.machine import free_bytes
from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.pairs.quiet import quiet_libraries

_GIB = 2**30


class GivenImageTokens(nn.Module):
    """An image encoder that returns the same tokens for every image."""

    def __init__(self, tokens: torch.Tensor) -> None:
        super().__init__()
        self.tokens = nn.Parameter(tokens, requires_grad=False)

    @property
    def device(self) -> torch.device:
        """Where it is, which pipelines ask of every model."""
        return self.tokens.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of its numbers, likewise."""
        return self.tokens.dtype

    def forward(self, pixel_values: torch.Tensor, output_hidden_states: bool = False) -> SimpleNamespace:
        """Return the tokens under the names that the pipelines read."""
        return SimpleNamespace(last_hidden_state=self.tokens, hidden_states=(self.tokens, self.tokens))


def random_pipeline(
    architecture: Architecture,
    *,
    scheduler: str,
    device: torch.device,
    dtype: torch.dtype,
    vae_dtype: torch.dtype | None = None,
    layers: int | None = None,
) -> Any:
    """Return the diffusers pipeline of an architecture, with random weights, on its device, in eval mode.

    It has no text encoder: a call takes `prompt_embeddings`. Its VAE can only encode. Weights are drawn from a
    fixed seed, in place, so that no second copy is ever held.

    Parameters
    ----------
    scheduler
        diffusers class of the scheduler.
    dtype, vae_dtype
        Types of the transformer's and the VAE's weights, None for the same; parts that the published model keeps
        in float32 are kept so here.
    layers
        Transformer layers, None for all.

    Raises
    ------
    InputError
        When ``layers`` is none of 1 to the published number.
    EnvironmentLacksError
        When the weights do not fit into the memory that is left.
    """
    import diffusers

    config = dict(architecture.transformer)
    if layers is not None:
        if not 1 <= layers <= config["num_layers"]:
            raise InputError(f"layers {layers} is not possible; the published transformer has {config['num_layers']}")
        config["num_layers"] = layers
    names = ("transformer", "transformer_2")[: architecture.experts]
    with quiet_libraries(), _filling(device):
        empty = {name: _empty(architecture.transformer_class, config, dtype) for name in names}
        vae = _empty(architecture.vae_class, architecture.vae, vae_dtype or dtype)
        vae.decoder = None
        _check_memory([(model, dtype) for model in empty.values()] + [(vae, vae_dtype or dtype)], device)
        components: dict[str, Any] = {name: fill(model, device, dtype) for name, model in empty.items()}
        components["vae"] = fill(vae, device, vae_dtype or dtype)
        components["scheduler"] = getattr(diffusers, scheduler)(**architecture.scheduler)
        components |= dict.fromkeys(architecture.absent)
        if architecture.image is not None:
            components |= _image_encoder(architecture.image, device, dtype)
        if architecture.guider is not None:
            components["guider"] = getattr(diffusers, architecture.guider)()
        pipe = getattr(diffusers, architecture.pipeline)(**components, **architecture.config)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def prompt_embeddings(architecture: Architecture, *, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Return the call arguments that stand for a prompt and an empty negative prompt, random but for their padding."""
    generator = torch.Generator("cpu").manual_seed(0)
    given: dict[str, Any] = {}
    for prefix, share in (("", 1.0), ("negative_", 0.0)):
        for stream in architecture.text:
            # An empty prompt is one end-of-text token.
            valid = max(min(stream.valid, 1), int(stream.valid * share))
            mask = (torch.arange(stream.tokens) < valid).to(dtype)[None]
            values = torch.randn((1, stream.tokens, stream.width), generator=generator)
            given[f"{prefix}{stream.argument}"] = (values.to(dtype) * mask[..., None]).to(device)
            if stream.mask is not None:
                given[f"{prefix}{stream.mask}"] = mask.to(device)
    return given


@torch.no_grad()
def fill(model: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Give a model without weights random ones on ``device``, and return it in eval mode.

    Matrices are normal with variance 1 over their inputs, gains of norms are 1, biases are 0.
    """
    generator = torch.Generator(device).manual_seed(0)
    keep = tuple(getattr(model, "_keep_in_fp32_modules", None) or ())
    for name, empty in list(model.named_parameters()):
        path, _, leaf = name.rpartition(".")
        kept = any(part in keep for part in name.split("."))
        values = torch.empty(empty.shape, device=device, dtype=torch.float32 if kept else dtype)
        if leaf == "gamma" or (leaf == "weight" and empty.ndim == 1):
            values.fill_(1.0)
        elif empty.ndim == 1:
            values.zero_()
        else:
            values.normal_(0.0, 1.0 / math.sqrt(math.prod(empty.shape[1:])), generator=generator)
        setattr(model.get_submodule(path), leaf, nn.Parameter(values, requires_grad=False))
    saved = model.state_dict()
    for name, buffer in list(model.named_buffers()):
        path, _, leaf = name.rpartition(".")
        # A checkpoint's own buffers are loaded in the type of its weights, the others stay as they were computed.
        typed = buffer.to(device, dtype) if name in saved and buffer.is_floating_point() else buffer.to(device)
        setattr(model.get_submodule(path), leaf, typed)
    return model.eval()


def _empty(name: str, config: Any, dtype: torch.dtype) -> Any:
    """Return a diffusers model whose parameters take no memory; its buffers are computed."""
    import diffusers

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # as `from_pretrained` does
    try:
        with init_empty_weights(include_buffers=False):
            return getattr(diffusers, name)(**config)
    finally:
        torch.set_default_dtype(before)


def _image_encoder(image: ImageTokens, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    generator = torch.Generator("cpu").manual_seed(0)
    tokens = torch.randn((1, image.tokens, image.width), generator=generator).to(device, dtype)
    processor = SiglipImageProcessorPil if image.processor == "feature_extractor" else CLIPImageProcessorPil
    return {"image_encoder": GivenImageTokens(tokens), image.processor: processor()}


def _check_memory(models: list[tuple[Any, torch.dtype]], device: torch.device) -> None:
    needed = sum(parameter.numel() * dtype.itemsize for model, dtype in models for parameter in model.parameters())
    free = free_bytes(device)
    if free is not None and needed > free:
        raise EnvironmentLacksError(
            f"the weights take {needed / _GIB:.0f} GiB and {free / _GIB:.0f} GiB are free on {device}; "
            "use a GPU with more memory, or fewer layers with --layers N"
        )


@contextmanager
def _filling(device: torch.device) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise EnvironmentLacksError(
            f"out of memory on {device} while random weights were drawn; use fewer layers with --layers N"
        ) from error
