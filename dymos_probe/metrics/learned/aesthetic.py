"""VBench's Aesthetic Quality: LAION's linear predictor on CLIP's image features, over 10."""

from __future__ import annotations

from typing import Final

from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.metrics.learned.clip_vit import NEEDS, PIXELS, ClipImages
from dymos_probe.metrics.learned.networks import load_tensors, sha256
from dymos_probe.metrics.metric import Clip, Measurement, Metric, Prepared, Resources, WeightFile

HEAD: Final = "sa_0_4_vit_l_14_linear.pth"


def _load(resources: Resources) -> Prepared:
    clip_images = ClipImages(resources)
    file = resources.folder / HEAD
    head = load_tensors(file)
    shapes = {name: tuple(tensor.shape) for name, tensor in head.items()}
    wanted = {"weight": (1, clip_images.width), "bias": (1,)}
    if shapes != wanted:
        raise EnvironmentLacksError(f"{file} holds {shapes}; the predictor has {wanted}; download it again")

    def measure(clip: Clip) -> Measurement:
        scores = clip_images.features(clip.frames) @ head["weight"][0] + head["bias"]
        return Measurement(float(scores.mean()) / 10.0)

    return Prepared(measure=measure, files={**clip_images.files, HEAD: sha256(file)})


METRICS: Final = (
    Metric(
        name="laion_aesthetic",
        long_name="aesthetic quality (VBench), LAION predictor",
        units="1",
        calibrated=True,
        settings=f"linear predictor on CLIP image features of length 1, over 10, mean over frames; {PIXELS}",
        weights="CLIP ViT-L/14 and LAION sa_0_4_vit_l_14_linear",
        load=_load,
        needs=(*NEEDS, WeightFile(path=HEAD, source="github.com/LAION-AI/aesthetic-predictor")),
    ),
)
