"""Image features of CLIP ViT-L/14 from a local folder, which two metrics use."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dymos_probe.metrics.learned.networks import (
    CLIP_MEAN,
    CLIP_STD,
    in_batches,
    load_transformer,
    resized,
    sha256,
)
from dymos_probe.metrics.metric import Frames, Resources, WeightFile

if TYPE_CHECKING:
    import torch

FOLDER: Final = "clip-vit-large-patch14"
_DOWNLOAD: Final = f"hf download openai/{FOLDER} --local-dir {FOLDER}"
WEIGHTS: Final = f"{FOLDER}/model.safetensors"
NEEDS: Final = (
    WeightFile(path=f"{FOLDER}/config.json", source=_DOWNLOAD),
    WeightFile(path=WEIGHTS, source=_DOWNLOAD),
)
"""The folder as transformers keeps it."""
PIXELS: Final = "bicubic to 224, centre crop"


class ClipImages:
    """CLIP's image tower, ready to use."""

    def __init__(self, resources: Resources) -> None:
        """Load it.

        Raises
        ------
        EnvironmentLacksError
            When the folder holds something else.
        """
        self._model: Any = load_transformer("CLIPModel", resources.folder / FOLDER, resources)
        self._resources = resources
        self.files = {WEIGHTS: sha256(resources.folder / WEIGHTS)}
        side = int(self._model.config.vision_config.image_size)
        # Without antialiasing, because VBench's aesthetic quality is measured so.
        self._pixels = partial(resized, short_side=side, crop=side, antialias=False, mean=CLIP_MEAN, std=CLIP_STD)

    @property
    def width(self) -> int:
        """Length of a feature."""
        return int(self._model.config.projection_dim)

    def features(self, frames: Frames) -> torch.Tensor:
        """Return the features of frames (n, height, width, 3), float32 (n, width), each of length 1."""
        features = in_batches(frames, self._resources, self._projected)
        unit: torch.Tensor = features / features.norm(dim=-1, keepdim=True)
        return unit

    def _projected(self, images: torch.Tensor) -> torch.Tensor:
        pooled = self._model.vision_model(pixel_values=self._pixels(images)).pooler_output
        projected: torch.Tensor = self._model.visual_projection(pooled)
        return projected
