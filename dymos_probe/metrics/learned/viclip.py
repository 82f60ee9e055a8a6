"""VBench's Overall Consistency: how near a video is to its prompt for ViCLIP, from the weights VBench uses.

ViCLIP is CLIP ViT-L/14 whose image tower sees all patches of eight frames at once. It is written out here from the
shapes of its weights, so that nothing that comes with a model is run; its tokenizer is CLIP's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.metrics.learned.clip_vit import FOLDER as CLIP_FOLDER
from dymos_probe.metrics.learned.networks import (
    CLIP_MEAN,
    CLIP_STD,
    as_tensor,
    device,
    load_tensors,
    resized,
    sha256,
)
from dymos_probe.metrics.metric import Clip, Measurement, Metric, Prepared, Resources, WeightFile, without

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]

FILE: Final = "ViClip-InternVid-10M-FLT.pth"
FRAMES: Final = 8
"""Frames it was trained on."""
TOKENS: Final = 32
"""Longest text, with its ends."""
HEAD_WIDTH: Final = 64
"""Channels of an attention head, in both towers."""
_PATCHES: Final = "vision_encoder.conv1.weight"


def middle_frames(count: int, wanted: int = FRAMES) -> npt.NDArray[np.int64]:
    """Return the middle frame of each of ``wanted`` equal parts of ``count`` frames; the last repeats where few are."""
    parts = min(wanted, count)
    edges = np.linspace(0, count, parts + 1).astype(np.int64)
    middles = (edges[:-1] + edges[1:] - 1) // 2
    return np.pad(middles, (0, wanted - parts), mode="edge")


def video_feature(weights: Weights, images: torch.Tensor) -> torch.Tensor:
    """Return the feature of a video, (width,).

    Parameters
    ----------
    weights
        As they are in the published file.
    images
        Its frames as the network wants them, (frames, 3, side, side), as many as there are temporal embeddings.
    """
    import torch

    tower = _within(weights, "vision_encoder.")
    kernel = tower["conv1.weight"][:, :, 0]
    patches = torch.nn.functional.conv2d(images, kernel, stride=kernel.shape[-1]).flatten(2).transpose(1, 2)
    place = tower["positional_embedding"]
    moment = tower["temporal_positional_embedding"][0][:, None]
    tokens = (patches + place[1:] + moment).flatten(0, 1)
    tokens = torch.cat([(tower["class_embedding"] + place[0])[None], tokens])
    out = _transformer(tower, _norm(tower, "ln_pre", tokens), causal=False)
    return _norm(tower, "ln_post", out[0]) @ tower["proj"]


def text_feature(weights: Weights, tokens: torch.Tensor) -> torch.Tensor:
    """Return the feature of a text, (width,), read where the text ends.

    Parameters
    ----------
    weights
        As they are in the published file.
    tokens
        Ids (length,); the end of the text has the largest.
    """
    tower = _within(weights, "text_encoder.")
    embedded = tower["token_embedding.weight"][tokens] + tower["positional_embedding"][: len(tokens)]
    out = _norm(tower, "ln_final", _transformer(tower, embedded, causal=True))
    return out[int(tokens.argmax())] @ tower["text_projection"]


def _transformer(tower: Weights, tokens: torch.Tensor, *, causal: bool) -> torch.Tensor:
    import torch

    blocks = {int(found[1]) for found in map(re.compile(r"transformer\.resblocks\.(\d+)\.").match, tower) if found}
    for number in sorted(blocks):
        block = _within(tower, f"transformer.resblocks.{number}.")
        projected = torch.nn.functional.linear(
            _norm(block, "ln_1", tokens), block["attn.in_proj_weight"], block["attn.in_proj_bias"]
        )
        query, key, value = (
            part.reshape(len(tokens), -1, HEAD_WIDTH).transpose(0, 1) for part in projected.chunk(3, dim=-1)
        )
        mixed = torch.nn.functional.scaled_dot_product_attention(query[None], key[None], value[None], is_causal=causal)[
            0
        ]
        tokens = tokens + _linear(block, "attn.out_proj", mixed.transpose(0, 1).flatten(1))
        hidden = _linear(block, "mlp.c_fc", _norm(block, "ln_2", tokens))
        # CLIP's quick GELU.
        tokens = tokens + _linear(block, "mlp.c_proj", hidden * torch.sigmoid(1.702 * hidden))
    return tokens


def _linear(tower: Weights, name: str, tokens: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.linear(tokens, tower[f"{name}.weight"], tower[f"{name}.bias"])


def _norm(tower: Weights, name: str, tokens: torch.Tensor) -> torch.Tensor:
    import torch

    weight, bias = tower[f"{name}.weight"], tower[f"{name}.bias"]
    return torch.nn.functional.layer_norm(tokens, weight.shape, weight, bias)


def _within(weights: Weights, prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}


def _load(resources: Resources) -> Prepared:
    import torch
    from transformers import CLIPTokenizer

    file = resources.folder / FILE
    where = device(resources)
    weights = {name: tensor.to(where) for name, tensor in load_tensors(file, within="model").items()}
    tokenizer: Any = CLIPTokenizer.from_pretrained(resources.folder / CLIP_FOLDER, local_files_only=True)
    try:
        patch = weights[_PATCHES].shape[-1]
        side = round((len(weights["vision_encoder.positional_embedding"]) - 1) ** 0.5) * patch
        # A feature of nothing: what is missing is missed here, not after an hour.
        video_feature(weights, torch.zeros(FRAMES, 3, side, side, device=where))
        text_feature(weights, torch.zeros(1, dtype=torch.long, device=where))
    except (KeyError, RuntimeError, IndexError) as error:
        raise EnvironmentLacksError(f"{file} holds no weights of ViCLIP ({error}); download it again") from error
    pixels = partial(resized, short_side=side, crop=side, antialias=False, mean=CLIP_MEAN, std=CLIP_STD)

    def measure(clip: Clip) -> Measurement:
        if not clip.prompt.strip():
            return without("the prompt is empty")
        with torch.inference_mode():
            frames = as_tensor(clip.frames[middle_frames(len(clip.frames))], where)
            ids = tokenizer(clip.prompt, truncation=True, max_length=TOKENS)["input_ids"]
            seen = video_feature(weights, pixels(frames))
            said = text_feature(weights, torch.tensor(ids, device=where))
            return Measurement(float(torch.nn.functional.cosine_similarity(seen, said, dim=0)))

    return Prepared(measure=measure, files={FILE: sha256(file)})


_DOWNLOAD: Final = f"hf download openai/{CLIP_FOLDER} --local-dir {CLIP_FOLDER}"

METRICS: Final = (
    Metric(
        name="viclip",
        long_name="consistency with the prompt (VBench), ViCLIP",
        units="1",
        calibrated=True,
        settings=f"cosine of video and text features, {FRAMES} middle frames, at most {TOKENS} tokens; bicubic to 224, "
        "centre crop",
        weights="ViCLIP-L/14 InternVid-10M-FLT",
        load=_load,
        needs=(
            WeightFile(path=FILE, source=f"hf download OpenGVLab/VBench_Used_Models {FILE} --local-dir ."),
            WeightFile(path=f"{CLIP_FOLDER}/vocab.json", source=_DOWNLOAD),
            WeightFile(path=f"{CLIP_FOLDER}/merges.txt", source=_DOWNLOAD),
        ),
    ),
)
