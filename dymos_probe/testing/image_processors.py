"""Image processors for the tiny image encoders, in the variants that need no torchvision."""

from __future__ import annotations

from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from dymos_probe.testing.encoders import IMAGE_SIZE

_SQUARE = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}


def clip_image_processor() -> CLIPImageProcessorPil:
    """Return a processor that crops an image to the square the tiny CLIP vision models read."""
    return CLIPImageProcessorPil(size={"shortest_edge": IMAGE_SIZE}, crop_size=dict(_SQUARE))


def siglip_image_processor() -> SiglipImageProcessorPil:
    """Return a processor that resizes an image to the square the tiny SigLIP vision model reads."""
    return SiglipImageProcessorPil(size=dict(_SQUARE))
