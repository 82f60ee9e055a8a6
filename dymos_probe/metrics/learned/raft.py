"""VBench's Dynamic Degree on torchvision's RAFT: its stride, padding, largest 5 %, threshold and count.

The architecture is VBench's, the weights are not: torchvision's ``C_T_V2`` were trained anew on the same data
(Chairs, then Things) as VBench's ``raft-things``. Every value is labelled ``raft=tv_C_T_V2`` for that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.metrics.learned.networks import as_tensor, device, load_tensors, sha256
from dymos_probe.metrics.metric import Clip, Measurement, Metric, Package, Prepared, Resources, WeightFile, without
from dymos_probe.metrics.optical_flow import TOO_SHORT, Motion, frame_stride, top_mean

if TYPE_CHECKING:
    import torch

WEIGHTS: Final = "raft_large_C_T_V2-1bb1363a.pth"
UPDATES: Final = 20
"""Refinements of the flow, as VBench has them."""
LEAST_SIDE: Final = 128
"""Pixels of the padded frame below which RAFT has no pyramid."""

_MULTIPLE: Final = 8
_LABEL: Final = "raft=tv_C_T_V2"

PairFlow = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Two frames (1, 3, height, width) in [−1, 1] → the flow between them, (1, 2, height, width), pixels."""


def padded(images: torch.Tensor) -> torch.Tensor:
    """Return images (n, 3, height, width) with edges repeated on all sides, up to multiples of 8 pixels."""
    import torch

    down, right = (-side % _MULTIPLE for side in images.shape[-2:])
    margins = (right // 2, right - right // 2, down // 2, down - down // 2)
    return torch.nn.functional.pad(images, margins, mode="replicate")


def measure_motion(clip: Clip, flow: PairFlow, where: torch.device | str = "cpu") -> Motion:
    """Return how much a clip moves between the frames that VBench compares.

    Magnitudes are taken on the padded field, the threshold from the frame as given, both as VBench has it.

    Parameters
    ----------
    clip
        The video; its rate decides the stride.
    flow
        Of a pair of padded frames.
    where
        Device the frames are put on.
    """
    import torch

    frames = clip.frames[:: frame_stride(clip.fps)]
    means = []
    with torch.inference_mode():
        for pair in pairwise(frames):
            one, other = (padded(as_tensor(frame[None], torch.device(where)) / 127.5 - 1.0) for frame in pair)
            x, y = flow(one, other)[0].float().cpu().numpy()
            means.append(top_mean(np.hypot(x, y)))
    return Motion(top_means=np.array(means, dtype=np.float64), short_side=min(clip.frames.shape[1:3]))


def load_raft(resources: Resources) -> PairFlow:
    """Return torchvision's ``raft_large`` with the weights of the folder.

    Raises
    ------
    EnvironmentLacksError
        When torchvision cannot be imported, or the file holds other weights.
    """
    try:
        from torchvision.models.optical_flow import raft_large
    except Exception as error:  # a torchvision built for another torch raises RuntimeError, OSError, ImportError …
        raise EnvironmentLacksError(
            f"torchvision cannot be imported ({' '.join(str(error).split())[:120]}); "
            "install the one built for this torch"
        ) from error
    model: Any = raft_large(weights=None, progress=False)
    try:
        model.load_state_dict(load_tensors(resources.folder / WEIGHTS))
    except RuntimeError as error:
        raise EnvironmentLacksError(
            f"{resources.folder / WEIGHTS} holds the weights of another network; download it again"
        ) from error
    model = model.to(device(resources)).eval()
    return lambda one, other: model(one, other, num_flow_updates=UPDATES)[-1]


def _load(resources: Resources, value: Callable[[Motion], float]) -> Prepared:
    motion = _motions(resources)

    def measure(clip: Clip) -> Measurement:
        if min(side + -side % _MULTIPLE for side in clip.frames.shape[1:3]) < LEAST_SIDE:
            return without(f"frames below {LEAST_SIDE} px are too small for RAFT")
        found = motion(clip)
        return Measurement(value(found)) if found.top_means.size else without(TOO_SHORT)

    return Prepared(measure=measure, files={WEIGHTS: sha256(resources.folder / WEIGHTS)})


@lru_cache(maxsize=1)
def _motions(resources: Resources) -> Callable[[Clip], Motion]:
    """Return the motion of a clip; both metrics share the network and the last clip."""
    flow = load_raft(resources)
    return lru_cache(maxsize=1)(lambda clip: measure_motion(clip, flow, device(resources)))


def _dynamic(motion: Motion) -> float:
    return float(motion.dynamic)


def _mean(motion: Motion) -> float:
    return motion.mean


_NEEDS: Final = (
    Package(name="torchvision", source="pip install 'dymos-probe[metrics-raft]'"),
    WeightFile(path=WEIGHTS, source=f"https://download.pytorch.org/models/{WEIGHTS}"),
)
_FRAMES: Final = f"{_LABEL}, {UPDATES} updates, about 8 frames a second, largest 5% on the padded field"

METRICS: Final = (
    Metric(
        name="dynamic_degree_raft",
        long_name=f"dynamic degree [{_LABEL}]",
        units="1",
        calibrated=False,
        settings="1 where it exceeds 6 px per 256 px of the short side in a quarter of the pairs of 16 frames; "
        f"{_FRAMES}; VBench's rule, other weights of the same architecture",
        weights="torchvision raft_large C_T_V2",
        load=lambda resources: _load(resources, _dynamic),
        needs=_NEEDS,
    ),
    Metric(
        name="optical_flow_raft",
        long_name=f"optical flow [{_LABEL}]",
        units="px",
        calibrated=True,
        settings=f"mean over pairs; {_FRAMES}",
        weights="torchvision raft_large C_T_V2",
        load=lambda resources: _load(resources, _mean),
        needs=_NEEDS,
    ),
)
