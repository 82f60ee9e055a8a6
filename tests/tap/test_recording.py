"""A recording puts every mass at its video, branch, step and layer, or refuses to be made."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dymos_kernels import FrameMass
from dymos_probe.errors import TapError
from dymos_probe.layout import TokenLayout
from dymos_probe.tap.recording import Recorder

LAYERS, STEPS, HEADS, FRAMES = ("a", "b"), 3, 2, 4
LAYOUT = TokenLayout(frames=FRAMES, height=2, width=3)


def mass_of(step, layer, branch, video):
    """A mass that says where it belongs."""
    return 1000 * step + 100 * layer + 10 * ("cond", "uncond").index(branch) + video


def masses(step, branches, videos):
    def one(layer):
        values = [mass_of(step, layer, branch, video) for branch, video in zip(branches, videos, strict=True)]
        rows = torch.tensor(values, dtype=torch.float32)[:, None, None].expand(-1, HEADS, FRAMES)
        return FrameMass(rows[..., None].expand(-1, -1, -1, FRAMES), -rows)

    return [one(layer) for layer in range(len(LAYERS))]


def recorder():
    return Recorder(layers=LAYERS, timestep=np.array([900.0, 500.0, 100.0]), sigma=np.array([0.9, 0.5, 0.1]))


def add(recorder, step, branches=("cond",), videos=None, layout=LAYOUT, expert=0):
    videos = videos or (0,) * len(branches)
    recorder.add_forward(
        step=step, expert=expert, branches=branches, layout=layout, masses=masses(step, branches, videos)
    )


@pytest.mark.parametrize("forwards", ["one a step", "one a branch"])
def test_every_mass_is_at_its_place(forwards):
    record = recorder()
    for step in range(STEPS):
        if forwards == "one a step":
            add(record, step, ("uncond", "uncond", "cond", "cond"), (0, 1, 0, 1), expert=step // 2)
        else:
            add(record, step, ("cond", "cond"), (0, 1), expert=step // 2)
            add(record, step, ("uncond", "uncond"), (0, 1), expert=step // 2)
    done = record.finish()
    assert done.attention.shape == (2, 2, STEPS, len(LAYERS), HEADS, FRAMES, FRAMES)
    assert done.attention.dtype == done.text_mass.dtype == np.float32
    assert (done.branches, done.layers, done.grid) == (("cond", "uncond"), LAYERS, (4, 2, 3))
    for video, branch, step, layer in np.ndindex(2, 2, STEPS, 2):
        expected = mass_of(step, layer, done.branches[branch], video)
        assert (done.attention[video, branch, step, layer] == expected).all()
        assert (done.text_mass[video, branch, step, layer] == -expected).all()
    assert list(done.expert) == [0, 0, 1]


def test_labels_come_along_and_a_single_video_has_no_dim_of_its_own():
    record = recorder()
    for step in range(STEPS):
        add(record, step)
    done = record.finish()
    attention, text = done.to_xarray(), done.to_xarray(text=True)
    assert attention.dims == ("branch", "step", "layer", "head", "query_frame", "key_frame")
    assert text.dims == attention.dims[:-1]
    assert (attention.name, text.name) == ("attention", "text_mass")
    for array in (attention, text):
        assert array.attrs["units"] == "1" and array.attrs["long_name"]
        assert list(array.layer_name.values) == list(LAYERS)
        assert list(array.timestep.values) == [900.0, 500.0, 100.0]
        assert list(array.sigma.values) == [0.9, 0.5, 0.1]


def test_a_missing_forward_is_named():
    record = recorder()
    for step, branches in ((0, ("uncond", "cond")), (1, ("cond",)), (2, ("uncond", "cond"))):
        add(record, step, branches)
    with pytest.raises(TapError, match=r"1 of 6 forwards left no record, the first in step 1, uncond branch"):
        record.finish()


def test_no_forward_at_all_is_no_recording():
    with pytest.raises(TapError, match="left no record; it failed in its first forward"):
        recorder().finish()


def test_a_forward_twice_a_missing_layer_or_another_grid_are_refused():
    record = recorder()
    add(record, 0)
    with pytest.raises(TapError, match="step 0 was recorded twice in the cond branch"):
        add(record, 0)
    with pytest.raises(TapError, match=r"changed during the run from \(4, 2, 3\) to \(4, 3, 2\)"):
        add(record, 1, layout=TokenLayout(frames=4, height=3, width=2))
    with pytest.raises(TapError, match="step 1 recorded 1 layers where the model has 2"):
        record.add_forward(step=1, expert=0, branches=("cond",), layout=LAYOUT, masses=masses(1, ("cond",), (0,))[:1])
    add(record, 1, layout=TokenLayout(frames=4, height=2, width=3, text_after=7))  # text may be longer in a branch
