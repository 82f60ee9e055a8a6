"""What a family asks of its pipelines: known classes, sizes that fit, arguments they take."""

from __future__ import annotations

import inspect
from dataclasses import replace

import diffusers
import pytest
from torch import nn

from dymos_probe.errors import InputError, TapError
from dymos_probe.families import FAMILIES, denoisers, family_of
from dymos_probe.families.base import one_forward_branches, two_forward_branches
from dymos_probe.testing import settings

# sides are multiples of the first, frame counts one more than a multiple of the second
SIZES = {
    "cogvideox": (16, 8),
    "cogvideox1.5": (16, 8),
    "wan2.1": (16, 4),
    "wan2.2-a14b": (16, 4),
    "wan2.2-ti2v-5b": (32, 4),
    "hunyuanvideo1.5": (16, 4),
    "hunyuanvideo": (16, 4),
    "ltx-video": (32, 8),
}


def test_every_pipeline_class_exists_in_diffusers_and_belongs_to_one_family():
    named = [name for family in FAMILIES for names in family.pipelines.values() for name in names]
    assert len(set(named)) == len(named)
    assert all(hasattr(diffusers, name) for name in named)


def test_the_arm_is_read_off_the_class(arm):
    family, which = family_of(arm.pipe)
    assert which == arm.arm
    assert type(arm.pipe).__name__ in family.pipelines[which]


def test_sites_are_every_self_attention_module_in_the_order_it_runs(arm):
    for transformer in denoisers(arm.pipe):
        sites, ran = arm.family.sites(transformer), []
        handles = [
            site.module.register_forward_pre_hook(lambda *_, name=site.name, ran=ran: ran.append(name))
            for site in sites
        ]
        arm.first_input(arm.arguments(arm.noise()))
        for handle in handles:
            handle.remove()
        names = [site.name for site in sites]
        assert ran[: len(names)] == names and len(ran) % len(names) == 0
        modules = dict(transformer.named_modules())
        assert all(modules[site.name] is site.module and site.heads == 2 for site in sites)
        blocks = [name for name, m in transformer.named_children() if isinstance(m, nn.ModuleList) and "block" in name]
        assert {name.split(".")[0] for name in names} == set(blocks)
        assert len(names) == sum(len(getattr(transformer, name)) for name in blocks)


def test_the_arguments_are_ones_the_pipeline_takes(arm):
    arguments = arm.arguments(arm.noise())
    assert set(arguments) <= set(inspect.signature(type(arm.pipe).__call__).parameters)
    assert ("image" in arguments) is (arm.arm == "i2v")
    assert arguments["negative_prompt"] == "blurry" and arguments["num_inference_steps"] == 2
    if arm.name == "hunyuanvideo1.5":
        assert arm.pipe.guider.guidance_scale == 4.0
        assert ("height" in arguments) is (arm.arm == "t2v")


def test_the_guidance_scale_arrives(arm_of):
    for name in ("cogvideox", "wan2.1", "ltx-video"):
        arm = arm_of(name, "t2v")
        arm.first_input(arm.arguments(arm.noise()))
        assert arm.pipe.guidance_scale == 4.0


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("side", ["height", "width"])
def test_a_side_that_would_be_rounded_is_refused_with_the_nearest(arm_of, name, side):
    arm, (pixels, _) = arm_of(name, "t2v"), SIZES[name]
    for given, nearest in ((3 * pixels + 2, 3 * pixels), (3 * pixels - 1, 3 * pixels), (pixels // 2 - 1, pixels)):
        message = rf"{side} {given} does not fit .* multiple of {pixels}; nearest is {nearest}"
        with pytest.raises(InputError, match=message):
            arm.family.check_size(arm.pipe, replace(arm.generation, **{side: given}))


@pytest.mark.parametrize("name", SIZES)
def test_a_frame_count_that_would_be_rounded_is_refused_with_the_nearest(arm_of, name):
    arm, (_, frames) = arm_of(name, "t2v"), SIZES[name]
    for given, nearest in ((2 * frames, 2 * frames + 1), (2 * frames + 2, 2 * frames + 1), (0, 1)):
        message = rf"num_frames {given} does not fit .* {frames}·k\+1; nearest is {nearest}"
        with pytest.raises(InputError, match=message):
            arm.family.check_size(arm.pipe, replace(arm.generation, num_frames=given))


def test_a_size_that_passes_is_kept(arm):
    """Of nine frame counts in a row, those that pass come out of the pipeline, frame for frame."""
    kept = 0
    for frames in range(arm.generation.num_frames, arm.generation.num_frames + 9):
        asked = replace(arm, asked=replace(arm.generation, num_frames=frames))
        try:
            asked.family.check_size(asked.pipe, asked.generation)
        except InputError:
            continue
        video = asked.pipe(**asked.arguments(asked.noise())).frames[0]
        dropped = settings(arm.name).i2v_dropped_frames if arm.arm == "i2v" else 0
        assert video.shape[:3] == (frames - dropped, asked.generation.height, asked.generation.width)
        kept += 1
    assert kept


def test_hunyuanvideo15_refuses_a_size_that_the_image_would_not_keep(arm_of):
    arm = arm_of("hunyuanvideo1.5", "i2v")
    with pytest.raises(InputError, match=r"height×width 32×128 .* would make 16×64; nearest is 16×64"):
        arm.family.check_size(arm.pipe, replace(arm.generation, height=32, width=128))


def test_learned_positions_fix_the_size(arm_of, monkeypatch):
    arm = arm_of("cogvideox", "i2v")
    arm.family.check_size(arm.pipe, replace(arm.generation, height=64))
    config = type(arm.pipe.transformer.config)(
        {**arm.pipe.transformer.config, "use_learned_positional_embeddings": True}
    )
    monkeypatch.setattr(arm.pipe.transformer, "_internal_dict", config)
    arm.family.check_size(arm.pipe, arm.generation)
    with pytest.raises(InputError, match=r"height 64 .* learned positions fix it; nearest is 32"):
        arm.family.check_size(arm.pipe, replace(arm.generation, height=64))


def test_defaults_are_a_call_that_the_family_accepts(arm):
    defaults = arm.family.defaults(arm.pipe)
    assert set(defaults) >= {"height", "width", "num_frames", "num_inference_steps", "guidance_scale"}
    assert all(value is not None for value in defaults.values())
    arm.family.check_size(arm.pipe, replace(arm.generation, **defaults))


def test_guidance_is_labelled_by_batch_half_or_by_forward():
    assert one_forward_branches(rows=4, guided=True, forward=0) == ("uncond", "uncond", "cond", "cond")
    assert one_forward_branches(rows=3, guided=False, forward=0) == ("cond",) * 3
    assert two_forward_branches(rows=2, forward=0) == ("cond", "cond")
    assert two_forward_branches(rows=2, forward=1) == ("uncond", "uncond")
    with pytest.raises(TapError, match="3 rows, which do not halve"):
        one_forward_branches(rows=3, guided=True, forward=0)
    with pytest.raises(TapError, match="forward 2 within one step"):
        one_forward_branches(rows=2, guided=True, forward=1)
    with pytest.raises(TapError, match="forward 3 within one step"):
        two_forward_branches(rows=1, forward=2)
