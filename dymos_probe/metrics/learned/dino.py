"""VBench-I2V's i2v_subject: whether DINO sees the subject of the reference image, and sees it steadily."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dymos_probe.metrics.learned.networks import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    in_batches,
    load_transformer,
    resized,
    sha256,
)
from dymos_probe.metrics.metric import Clip, Frames, Measurement, Metric, Prepared, Resources, WeightFile, without

if TYPE_CHECKING:
    import torch

FOLDER: Final = "dino-vitb16"
WEIGHTS: Final = f"{FOLDER}/model.safetensors"
_DOWNLOAD: Final = f"hf download facebook/{FOLDER} --local-dir {FOLDER}"
_SHORT_SIDE, _CROP = 256, 224


def subject_score(reference: torch.Tensor, frames: torch.Tensor) -> float:
    """Return 0.4·max s(I, f) + 0.3·mean s(f−1, f) + 0.3·min s(f−1, f), s the cosine and at least 0.

    Parameters
    ----------
    reference
        Feature of the reference image I, (width,).
    frames
        Features of the frames f, (frames ≥ 2, width).

    References
    ----------
    ``vbench2_beta_i2v/i2v_subject.py`` of https://github.com/Vchitect/VBench
    """
    import torch

    to_image = torch.nn.functional.cosine_similarity(frames, reference[None], dim=-1).clamp(min=0.0)
    to_former = torch.nn.functional.cosine_similarity(frames[1:], frames[:-1], dim=-1).clamp(min=0.0)
    return float(0.4 * to_image.max() + 0.3 * to_former.mean() + 0.3 * to_former.min())


def _load(resources: Resources) -> Prepared:
    model: Any = load_transformer("ViTModel", resources.folder / FOLDER, resources, add_pooling_layer=False)
    side = int(model.config.image_size)
    pixels = partial(
        resized,
        short_side=side * _SHORT_SIDE // _CROP,
        crop=side,
        antialias=True,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )

    def features(frames: Frames) -> torch.Tensor:
        return in_batches(frames, resources, lambda images: model(pixel_values=pixels(images)).last_hidden_state[:, 0])

    def measure(clip: Clip) -> Measurement:
        if clip.reference is None:
            return without("the sample has no reference image")
        if len(clip.frames) < 2:
            return without("a video of one frame does not move")
        return Measurement(subject_score(features(clip.reference[None])[0], features(clip.frames)))

    return Prepared(measure=measure, files={WEIGHTS: sha256(resources.folder / WEIGHTS)})


METRICS: Final = (
    Metric(
        name="dino_i2v_subject",
        long_name="subject of the reference image kept (VBench-I2V), DINO",
        units="1",
        calibrated=True,
        settings="0.4 largest cosine to the reference, 0.3 mean and 0.3 least cosine of neighbouring frames, each at "
        "least 0; bicubic to 256, centre crop of 224",
        weights="DINO ViT-B/16",
        load=_load,
        needs=(
            WeightFile(path=f"{FOLDER}/config.json", source=_DOWNLOAD),
            WeightFile(path=WEIGHTS, source=_DOWNLOAD),
        ),
    ),
)
