"""How alike the frames are to the reference image in CLIP's eyes ("CLIP-I")."""

from __future__ import annotations

from typing import Final

from dymos_probe.metrics.learned.clip_vit import NEEDS, PIXELS, ClipImages
from dymos_probe.metrics.metric import Clip, Measurement, Metric, Prepared, Resources, without


def _load(resources: Resources) -> Prepared:
    clip_images = ClipImages(resources)

    def measure(clip: Clip) -> Measurement:
        if clip.reference is None:
            return without("the sample has no reference image")
        similarities = clip_images.features(clip.frames) @ clip_images.features(clip.reference[None])[0]
        return Measurement(float(similarities.mean()))

    return Prepared(measure=measure, files=clip_images.files)


METRICS: Final = (
    Metric(
        name="clip_image_similarity",
        long_name="CLIP similarity to the reference image",
        units="1",
        calibrated=True,
        settings=f"cosine of image features, mean over frames; {PIXELS}",
        weights="CLIP ViT-L/14",
        load=_load,
        needs=NEEDS,
    ),
)
