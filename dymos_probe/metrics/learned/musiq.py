"""VBench's Imaging Quality: MUSIQ trained on SPAQ, by pyiqa where the user has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dymos_probe.errors import EnvironmentLacksError, ProbeError
from dymos_probe.metrics.learned.networks import as_tensor, device, sha256
from dymos_probe.metrics.metric import Clip, Measurement, Metric, Package, Prepared, Resources, WeightFile

if TYPE_CHECKING:
    import torch

WEIGHTS: Final = "musiq_spaq_ckpt-358bb6af.pth"
_SOURCE: Final = "github.com/chaofengc/IQA-PyTorch/releases/download/v0.1-weights"
LONGEST_SIDE: Final = 512
"""Pixels; larger frames are reduced to it, smaller ones stay as they are."""


def reduced(images: torch.Tensor) -> torch.Tensor:
    """Return images (n, 3, height, width) with a longer side of at most 512 pixels, bilinear, as VBench does it."""
    import torch

    height, width = images.shape[-2:]
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1.0:
        return images
    size = (int(scale * height), int(scale * width))
    return torch.nn.functional.interpolate(images, size, mode="bilinear", antialias=False)


def _load(resources: Resources) -> Prepared:
    import torch

    file = resources.folder / WEIGHTS
    try:
        from pyiqa.archs.musiq_arch import MUSIQ

        model: Any = MUSIQ(pretrained_model_path=str(file)).to(device(resources)).eval()
    except ProbeError:
        raise
    except Exception as error:  # a broken install, or other weights: whatever it trips over
        raise EnvironmentLacksError(
            f"pyiqa's MUSIQ does not load {file} ({' '.join(str(error).split())[:120]}); "
            "install pyiqa for this torch, or download the file again"
        ) from error

    def measure(clip: Clip) -> Measurement:
        with torch.inference_mode():
            # One frame after the other, as VBench: MUSIQ pads what is in one batch to one number of patches.
            scores = [float(model(reduced(as_tensor(frame[None], device(resources))) / 255.0)) for frame in clip.frames]
        return Measurement(sum(scores) / len(scores))

    return Prepared(measure=measure, files={WEIGHTS: sha256(file)})


METRICS: Final = (
    Metric(
        name="musiq",
        long_name="imaging quality (VBench), MUSIQ, 0 to 100",
        units="1",
        calibrated=True,
        settings="mean over frames, longer side reduced to 512 px",
        weights="MUSIQ SPAQ",
        load=_load,
        needs=(
            Package(name="pyiqa", source="pip install pyiqa, in an environment of its own: it brings opencv-python"),
            WeightFile(path=WEIGHTS, source=f"{_SOURCE}/{WEIGHTS}"),
        ),
    ),
)
