"""Steps are counted off the scheduler, and its noise levels are the ones it noises with."""

from __future__ import annotations

from types import SimpleNamespace

import diffusers
import numpy as np
import pytest
import torch

from dymos_probe.errors import TapError
from dymos_probe.tap.clock import Clock, noise_levels

# diffusers' schedulers hand tensors to numpy
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")

VARIANCE_PRESERVING = [
    diffusers.DDIMScheduler(),
    diffusers.DDIMScheduler(rescale_betas_zero_snr=True, timestep_spacing="trailing"),
    diffusers.CogVideoXDDIMScheduler(rescale_betas_zero_snr=True, timestep_spacing="trailing"),
    diffusers.CogVideoXDPMScheduler(),
    diffusers.DDPMScheduler(),
    diffusers.DPMSolverMultistepScheduler(),
    diffusers.UniPCMultistepScheduler(),
    diffusers.UniPCMultistepScheduler(use_karras_sigmas=True),
]
FLOW = [
    diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    diffusers.FlowMatchEulerDiscreteScheduler(shift_terminal=0.1),
    diffusers.UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=5.0),
    diffusers.DPMSolverMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction"),
]


def noised(scheduler):
    """Noise of strength one added by the scheduler to nothing, at each of its steps."""
    add = getattr(scheduler, "scale_noise", None)
    zeros, ones = torch.zeros(1, 4, dtype=torch.float64), torch.ones(1, 4, dtype=torch.float64)
    given = [t.reshape(1) for t in scheduler.timesteps]
    return [float((add(zeros, t, ones) if add else scheduler.add_noise(zeros, ones, t)).mean()) for t in given]


@pytest.mark.parametrize("scheduler", VARIANCE_PRESERVING + FLOW, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("steps", [2, 4, 30])
def test_the_level_is_the_noise_that_the_scheduler_itself_adds(scheduler, steps):
    scheduler.set_timesteps(steps)
    levels = noise_levels(scheduler)
    assert levels.shape == (steps,) and (0 <= levels).all() and (levels <= 1).all()
    np.testing.assert_allclose(levels, noised(scheduler), atol=1e-5)
    assert (np.diff(levels) < 0).all()


@pytest.mark.parametrize("kind", [diffusers.EulerDiscreteScheduler, diffusers.EulerAncestralDiscreteScheduler])
def test_exploding_noise_is_brought_to_the_same_scale(kind):
    scheduler = kind()
    scheduler.set_timesteps(10)
    sigma = np.array(noised(scheduler))
    assert sigma[0] > 10
    np.testing.assert_allclose(noise_levels(scheduler), sigma / np.hypot(1, sigma), rtol=1e-5)


@pytest.fixture
def pipe():
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(3)
    return SimpleNamespace(scheduler=scheduler, _current_timestep=None)


def tick_at(clock, pipe, step):
    pipe._current_timestep = pipe.scheduler.timesteps[step]
    return clock.tick()


def test_forwards_of_a_step_share_its_timestep_and_a_new_call_begins_again(pipe):
    clock, ticks = Clock(pipe), []
    for _call in range(2):
        pipe.scheduler.set_timesteps(3)
        for step in range(3):
            ticks.append(tick_at(clock, pipe, step))
            ticks.append(clock.tick())
    seen = [(tick.step, tick.forward, tick.begins) for tick in ticks]
    one = [(s, f, s == f == 0) for s in range(3) for f in range(2)]
    assert seen == one * 2
    assert {tick.steps for tick in ticks} == {3}
    timesteps, levels = clock.schedule
    np.testing.assert_array_equal(timesteps, pipe.scheduler.timesteps.double())
    np.testing.assert_array_equal(levels, noise_levels(pipe.scheduler))


@pytest.mark.parametrize(
    ("before", "step", "message"),
    [
        ([], 1, "is not step 0 of the scheduler's 3"),
        ([0], 2, "is not step 1 of the scheduler's 3"),
        ([0, 1], 0, "is not step 2 of the scheduler's 3"),
        ([0, 1, 2], 0, "is not step 3 of the scheduler's 3"),
    ],
)
def test_a_step_out_of_order_is_refused(pipe, before, step, message):
    clock = Clock(pipe)
    for earlier in before:
        tick_at(clock, pipe, earlier)
    with pytest.raises(TapError, match=message):
        tick_at(clock, pipe, step)


def test_a_pipeline_that_does_not_say_its_timestep_is_refused(pipe):
    with pytest.raises(TapError, match="run the pipeline itself, not its transformer"):
        Clock(pipe).tick()
