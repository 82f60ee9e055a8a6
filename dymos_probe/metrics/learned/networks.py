"""What the learned metrics share: local weights, devices, pixels as a network wants them, batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.metrics.metric import Frames, Resources

if TYPE_CHECKING:
    import torch

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def device(resources: Resources) -> torch.device:
    """Return the device the networks run on.

    Raises
    ------
    InputError
        When the name is no device.
    EnvironmentLacksError
        When this machine does not have it.
    """
    import torch

    try:
        chosen = torch.device(resources.device)
    except RuntimeError:
        raise InputError(f"device {resources.device!r} is unknown; choose cpu, cuda, cuda:N or mps") from None
    lacking = {
        "cuda": not torch.cuda.is_available() or (chosen.index or 0) >= torch.cuda.device_count(),
        "mps": not torch.backends.mps.is_available(),
    }
    if lacking.get(chosen.type, False):
        raise EnvironmentLacksError(f"device {resources.device} is not on this machine; use cpu")
    return chosen


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def load_transformer(kind: str, folder: Path, resources: Resources, **options: Any) -> Any:
    """Return a model of transformers from a local folder, in float32, on the device, for inference.

    Parameters
    ----------
    kind
        Name of its class.
    folder
        With config.json and model.safetensors.
    resources
        The device.
    options
        Further arguments of the class.

    Raises
    ------
    EnvironmentLacksError
        When the folder holds another model or lacks some of its weights: transformers would draw them at random.
    """
    import torch
    import transformers

    try:
        model, report = getattr(transformers, kind).from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **options,
        )
    except Exception as error:  # a damaged file raises whatever its reader trips over
        raise EnvironmentLacksError(f"{folder} cannot be loaded as {kind}: {' '.join(str(error).split())}") from error
    absent = sorted(map(str, report["missing_keys"]))
    if absent:
        raise EnvironmentLacksError(
            f"{folder} lacks {len(absent)} weights of {kind}, such as {absent[0]}; download it again"
        )
    return model.to(device(resources)).eval()


def load_tensors(file: Path, *, within: str = "") -> dict[str, torch.Tensor]:
    """Return the tensors of a ``.pth`` file, without running anything that is in it.

    Parameters
    ----------
    file
        What ``torch.save`` wrote.
    within
        Key of the file's dictionary that holds them; empty where the dictionary is theirs.

    Raises
    ------
    EnvironmentLacksError
        When it is damaged, or holds something else.
    """
    import torch

    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        tensors = state[within] if within else state
        return {str(name): tensor.float() for name, tensor in tensors.items()}
    except Exception as error:  # unpickling raises whatever it trips over
        raise EnvironmentLacksError(
            f"{file} is no file of weights ({' '.join(str(error).split())[:120]}); download it again"
        ) from error


def as_tensor(frames: Frames, where: torch.device) -> torch.Tensor:
    """Return frames (n, height, width, 3) as float32 (n, 3, height, width) in [0, 255]."""
    import torch

    return torch.from_numpy(frames.copy()).to(where).permute(0, 3, 1, 2).float()


def resized(
    images: torch.Tensor, *, short_side: int, crop: int, antialias: bool, mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """Return images as a vision transformer wants them: bicubic to a short side, centre crop, [0, 1], normalised.

    Parameters
    ----------
    images
        (n, 3, height, width), float32 in [0, 255].
    short_side
        Of the images before the crop, pixels; the long side is cut to whole pixels, as torchvision does.
    crop
        Side of what is kept, pixels.
    antialias
        Whether to smooth before reducing.
    mean, std
        Of the channels.
    """
    import torch

    height, width = images.shape[-2:]
    size = [int(short_side * side / min(height, width)) for side in (height, width)]
    if size != [height, width]:
        images = torch.nn.functional.interpolate(images, size, mode="bicubic", antialias=antialias)
    # Bicubic overshoots; 8-bit pixels cannot.
    images = images.clamp(0.0, 255.0)
    top, left = (round((side - crop) / 2.0) for side in size)
    images = images[..., top : top + crop, left : left + crop] / 255.0
    shape = (1, 3, 1, 1)
    return (images - images.new_tensor(mean).reshape(shape)) / images.new_tensor(std).reshape(shape)


def in_batches(frames: Frames, resources: Resources, through: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Return what ``through`` makes of frames given to it in batches of (n, 3, height, width), joined, on the CPU."""
    import torch

    with torch.inference_mode():
        return torch.cat([through(batch).float().cpu() for batch in _batches(frames, resources)])


def _batches(frames: Frames, resources: Resources) -> Iterator[torch.Tensor]:
    where = device(resources)
    for start in range(0, len(frames), resources.batch):
        yield as_tensor(frames[start : start + resources.batch], where)
