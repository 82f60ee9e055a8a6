"""The presets carry the numbers the paper publishes."""

from __future__ import annotations

import pickle

import pytest

from dymos_probe import testing
from dymos_probe.bias import Bias
from dymos_probe.errors import InputError
from dymos_probe.families import FAMILIES
from dymos_probe.pairs import PRESETS, Preset, Source, preset

# Table 3 of the paper, Appendix C, column by column: frames, width, height, fps, steps, CFG, scheduler, λ, K/T, φ.
TABLE_3 = {
    "wan2.2-a14b": (81, 832, 480, 16, 40, 3.5, "UniPCMultistepScheduler", 0.6, 0.2, "uniform"),
    "wan2.1-14b": (81, 832, 480, 16, 40, 5.0, "UniPCMultistepScheduler", 1.0, 0.25, "uniform"),
    "hunyuanvideo-1.5": (81, 832, 480, 16, 50, 6.0, "FlowMatchEulerDiscreteScheduler", 1.0, 0.2, "uniform"),
    "cogvideox-5b": (49, 720, 480, 8, 50, 6.0, "CogVideoXDDIMScheduler", 0.8, 0.24, "uniform"),
}


@pytest.mark.parametrize("name", TABLE_3)
def test_a_published_pair_carries_its_column_of_table_3(name: str) -> None:
    p = preset(name)
    assert (
        p.num_frames,
        p.width,
        p.height,
        p.fps,
        p.num_inference_steps,
        p.guidance_scale,
        p.scheduler,
        p.lam,
        p.step_ratio,
        p.schedule,
    ) == TABLE_3[name]


@pytest.mark.parametrize(
    ("name", "steps"), [("wan2.2-a14b", 8), ("wan2.1-14b", 10), ("hunyuanvideo-1.5", 10), ("cogvideox-5b", 12)]
)
def test_the_step_ratio_modulates_the_published_number_of_steps(name: str, steps: int) -> None:
    p = preset(name)
    assert p.step_ratio is not None
    assert p.step_ratio * p.num_inference_steps == pytest.approx(steps)


def test_a_pair_the_paper_does_not_run_has_no_published_strength() -> None:
    assert {name for name, p in PRESETS.items() if p.lam is not None} == set(TABLE_3)
    published = [p for p in PRESETS.values() if p.t2v is not None]
    assert all((p.lam is None) == (p.step_ratio is None) for p in published)


def test_every_preset_is_of_a_family_that_exists_and_a_scheduler_diffusers_has() -> None:
    from diffusers import schedulers

    assert {p.family for p in PRESETS.values()} <= {family.name for family in FAMILIES}
    assert all(hasattr(schedulers, p.scheduler) for p in PRESETS.values())


def test_every_published_lam_makes_a_bias() -> None:
    for p in PRESETS.values():
        if p.lam is not None and p.step_ratio is not None:
            Bias(lam=p.lam, step_ratio=p.step_ratio, schedule=p.schedule)


def test_the_tiny_preset_agrees_with_the_pipeline_it_builds() -> None:
    p = preset("tiny-cogvideox")
    settings = testing.settings(p.built or "")
    assert (p.width, p.height) == (settings.width, settings.height)
    assert dict(p.extra) == dict(settings.extra)


def test_presets_travel_to_other_processes() -> None:
    assert [pickle.loads(pickle.dumps(p)) for p in PRESETS.values()] == list(PRESETS.values())


def test_an_unknown_name_is_answered_with_the_closest_and_all_names() -> None:
    with pytest.raises(InputError, match=r"'cogvideo-5b'; did you mean 'cogvideox-5b'\?") as caught:
        preset("cogvideo-5b")
    assert all(name in str(caught.value) for name in PRESETS)
    with pytest.raises(InputError, match=r"there are sprites, sprites-uncurated, wan2\.2-a14b"):
        preset("zzzz")


def test_a_preset_needs_both_arms() -> None:
    with pytest.raises(InputError, match="both sources"):
        Preset(
            name="half",
            family="wan",
            t2v=Source(hub_id="a/b"),
            width=16,
            height=16,
            num_frames=5,
            fps=8,
            num_inference_steps=2,
            guidance_scale=1.0,
            scheduler="UniPCMultistepScheduler",
            lam=None,
            step_ratio=None,
            published_in="nowhere",
        )
