"""The running estimate of the finished latents is the scheduler's own, and watching changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dymos_probe.tap import watch_steps
from dymos_probe.tap.estimate import StepEnd
from dymos_probe.testing import PIPELINES, build_pipeline, reference_image, settings


def call_of(name: str, arm: str, **changes):
    own = {"image": reference_image(settings(name).height, settings(name).width)} if arm == "i2v" else {}
    return (
        settings(name).kwargs(arm)
        | own
        | {"prompt": "a red cat", "generator": torch.Generator().manual_seed(3)}
        | changes
    )


@pytest.mark.parametrize("arm", ["t2v", "i2v"])
@pytest.mark.parametrize("name", PIPELINES)
def test_watching_changes_no_bit_and_the_last_estimate_is_the_finished_video(name: str, arm: str) -> None:
    pipe = build_pipeline(name, arm)
    pipe.set_progress_bar_config(disable=True)
    plain = np.asarray(pipe(**call_of(name, arm, output_type="np")).frames[0])
    ends: list[StepEnd] = []
    with watch_steps(pipe, ends.append):
        watched = np.asarray(pipe(**call_of(name, arm, output_type="np")).frames[0])
    np.testing.assert_array_equal(watched, plain)
    assert [(end.step, end.steps) for end in ends] == [(i, len(ends)) for i in range(len(pipe.scheduler.timesteps))]
    assert "step" not in vars(pipe.scheduler), "left as it was"
    assert all(torch.isfinite(end.estimate()).all() for end in ends)


@pytest.mark.parametrize("scheduler", ["CogVideoXDDIMScheduler", "CogVideoXDPMScheduler"])
@pytest.mark.parametrize("kind", ["v_prediction", "epsilon", "sample"])
def test_the_estimate_is_the_one_that_the_scheduler_returns(scheduler: str, kind: str) -> None:
    import diffusers

    chosen = getattr(diffusers, scheduler)(prediction_type=kind, rescale_betas_zero_snr=False)
    chosen.set_timesteps(6)
    x, predicted = torch.randn((2, 1, 3, 4, 5), generator=torch.Generator().manual_seed(0))
    for step, t in enumerate(chosen.timesteps):
        extra = (None, t, None) if "DPM" in scheduler else (t,)
        returned = chosen.step(predicted, *extra, x, return_dict=False)[1]
        mine = StepEnd(step=step, steps=6, prediction=predicted, sample=x, scheduler=chosen).estimate()
        torch.testing.assert_close(mine, returned, atol=1e-4, rtol=1e-4)


def test_of_a_flow_it_is_where_the_straight_line_ends() -> None:
    import diffusers

    chosen = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    chosen.set_timesteps(5)
    clean, noise = torch.randn((2, 1, 3, 4, 5), generator=torch.Generator().manual_seed(0))
    for step, sigma in enumerate(chosen.sigmas[:5]):
        x = (1 - sigma) * clean + sigma * noise
        end = StepEnd(step=step, steps=5, prediction=noise - clean, sample=x, scheduler=chosen)
        torch.testing.assert_close(end.estimate(), clean, atol=1e-5, rtol=1e-5)


def test_what_the_watcher_raises_ends_the_call_and_leaves_the_scheduler_as_it_was() -> None:
    pipe = build_pipeline("cogvideox", "t2v")
    pipe.set_progress_bar_config(disable=True)

    def stop(end: StepEnd) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), watch_steps(pipe, stop):
        pipe(**call_of("cogvideox", "t2v"))
    assert "step" not in vars(pipe.scheduler)
