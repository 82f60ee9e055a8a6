"""VBench's rule around RAFT; the network itself where torchvision can be imported."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import torch

from dymos_probe.metrics.learned.raft import measure_motion, padded
from dymos_probe.metrics.metric import Clip
from dymos_probe.metrics.optical_flow import Motion


def still(frames: int, height: int = 130, width: int = 140) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("size", "before", "after"),
    [((128, 136), (0, 0), (0, 0)), ((130, 140), (3, 2), (3, 2)), ((127, 129), (0, 3), (1, 4))],
)
def test_frames_are_padded_on_all_sides_by_repeating_the_edge(size, before, after):
    image = torch.arange(3 * size[0] * size[1], dtype=torch.float32).reshape(1, 3, *size)
    expected = np.pad(image[0].numpy(), ((0, 0), *zip(before, after, strict=True)), mode="edge")
    found = padded(image)[0].numpy()
    np.testing.assert_array_equal(found, expected)
    assert all(side % 8 == 0 for side in found.shape[1:])


def test_the_flow_is_asked_for_frames_a_stride_apart_as_raft_wants_them():
    seen = []

    def flow(one, other):
        seen.append((one, other))
        return torch.zeros(1, 2, *one.shape[-2:])

    video = still(6)
    measure_motion(Clip(frames=video, fps=16.0), flow)
    assert len(seen) == 2
    for (one, other), first in zip(seen, (0, 2), strict=True):
        for tensor, frame in ((one, video[first]), (other, video[first + 2])):
            assert tensor.shape == (1, 3, 136, 144)
            inner = tensor[0, :, 3:-3, 2:-2].permute(1, 2, 0).numpy()
            np.testing.assert_allclose(inner, frame / 127.5 - 1, atol=1e-6)


def test_the_largest_twentieth_of_the_padded_field_stands_for_a_pair():
    """Of 136 × 144 magnitudes 979 are taken: as many as here are 5, then two fifths as many."""
    field = torch.zeros(1, 2, 136, 144)
    count = int(0.05 * 136 * 144)
    field.view(1, 2, -1)[0, 0, :count] = 3.0
    field.view(1, 2, -1)[0, 1, :count] = -4.0
    clip = Clip(frames=still(3), fps=8.0)
    motion = measure_motion(clip, lambda one, other: field)
    np.testing.assert_allclose(motion.top_means, 5.0)
    assert motion.threshold == 6 * 130 / 256
    field.view(1, 2, -1)[0, :, count * 2 // 5 :] = 0.0
    assert measure_motion(clip, lambda one, other: field).mean == pytest.approx(2.0, rel=0.01)


def test_a_video_is_dynamic_as_vbench_counts():
    moving = np.array([11.26] * 10 + [0.0] * 30)
    assert Motion(top_means=moving, short_side=480).dynamic
    moving[0] = 11.25
    assert not Motion(top_means=moving, short_side=480).dynamic


PROGRAM = """
import sys, torch
from pathlib import Path
if sys.argv[2] == "declare":
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import numpy as np
from torchvision.models.optical_flow import raft_large
from dymos_probe.metrics.learned import raft
from dymos_probe.metrics.metric import Clip, resources
from dymos_probe.metrics.registry import METRICS
torch.manual_seed(0)
folder = Path(sys.argv[1])
model = raft_large(weights=None, progress=False).eval()
torch.save(model.state_dict(), folder / raft.WEIGHTS)
frames = np.random.default_rng(0).integers(0, 256, (2, 128, 132, 3), dtype=np.uint8)
clip = Clip(frames=frames, fps=8.0)
edged = np.pad(frames, ((0, 0), (0, 0), (2, 2), (0, 0)), mode="edge")
pair = [torch.from_numpy(frame).permute(2, 0, 1)[None] for frame in edged]
with torch.no_grad():
    flow = model(*[p / 127.5 - 1 for p in pair], num_flow_updates=20)[-1][0]
magnitudes = flow.square().sum(0).sqrt().flatten().sort(descending=True).values
expected = float(magnitudes[: int(0.05 * magnitudes.numel())].mean())
found = METRICS["optical_flow_raft"].prepare(resources(folder)).measure(clip).value
assert abs(found - expected) < 1e-3 * expected, (found, expected)
dynamic = METRICS["dynamic_degree_raft"].prepare(resources(folder)).measure(clip).value
assert dynamic == float(expected > 3.0), (dynamic, expected)
small = METRICS["dynamic_degree_raft"].prepare(resources(folder)).measure(Clip(frames=frames[:, :100], fps=8.0))
assert "too small" in small.why
torch.save({"a": torch.zeros(1)}, folder / raft.WEIGHTS)
raft._motions.cache_clear()
try:
    METRICS["optical_flow_raft"].prepare(resources(folder))
except Exception as error:
    assert "another network" in str(error), error
else:
    raise AssertionError("wrong weights were taken")
print("measured", expected)
"""


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")
def test_the_metric_is_what_raft_gives_on_padded_frames(tmp_path):
    """In a process of its own: a torchvision built for a GPU imports on a CPU's torch once two of its operators,
    which RAFT does not use, are declared."""
    plain = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, timeout=120, check=False)
    declare = "no" if plain.returncode == 0 else "declare"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), declare],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0 and "measured" in done.stdout, done.stderr


def test_importing_the_metric_loads_neither_torch_nor_torchvision():
    program = (
        "import sys, dymos_probe.metrics.learned.raft as r, dymos_probe.metrics.registry; "
        "print(sorted({'torch', 'torchvision', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[]\n", done.stderr
