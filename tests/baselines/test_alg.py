"""Settings of ALG: what is refused, what is published, and how the published ones are changed."""

from __future__ import annotations

import pickle

import pytest

import dymos_probe as dp
from dymos_probe.baselines import ALG, changed, published
from dymos_probe.errors import InputError
from dymos_probe.families import FAMILIES
from dymos_probe.pairs import PRESETS

BLUR = {"filter": "gaussian_blur", "blur_sigma": 1.0, "blur_kernel_size": 5}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "filter 'down_up' needs resize_factor; give it, such as resize_factor 0.4"),
        ({"resize_factor": 0.4}, "strength 'interval' needs interval_end; give it, such as interval_end 0.2"),
        ({"resize_factor": 0.0, "interval_end": 1}, r"resize_factor 0.0 is outside \(0, 1\]"),
        ({"resize_factor": 1.5, "interval_end": 1}, "resize_factor 1.5 is outside"),
        ({"resize_factor": float("nan"), "interval_end": 1}, "resize_factor nan is outside"),
        ({"resize_factor": 0.4, "interval_end": 1.2}, r"interval_end 1.2 is outside \[0, 1\]"),
        ({"resize_factor": 0.4, "interval_start": 0.5, "interval_end": 0.2}, "interval_start 0.5 is after .* 0.2"),
        (
            {"resize_factor": 0.4, "interval_end": 1, **BLUR},
            "resize_factor 0.4 does nothing with filter 'gaussian_blur'",
        ),
        ({"resize_factor": 0.4, "interval_end": 1, "exp_decay_rate": 2.0}, "exp_decay_rate 2.0 does nothing"),
        ({**BLUR, "strength": "none", "interval_start": 0.1}, "interval_start 0.1 does nothing"),
        ({**BLUR, "strength": "exponential"}, "strength 'exponential' needs exp_decay_rate"),
        ({**BLUR, "strength": "exponential", "exp_decay_rate": -1.0}, "exp_decay_rate -1.0 must be"),
        ({**BLUR, "strength": "none", "blur_sigma": float("inf")}, "blur_sigma inf must be"),
        ({**BLUR, "strength": "none", "blur_kernel_size": 0}, "blur_kernel_size 0 must be at least 1"),
        ({**BLUR, "strength": "none", "blur_kernel_size": 1.5}, "blur_kernel_size 1.5 is outside"),
        ({**BLUR, "strength": "none", "blur_kernel_size": 1.0}, r"outside \(0, 1\); for latent pixels give an int"),
        ({"filter": "median"}, "filter 'median' is unknown; choose one of down_up, gaussian_blur"),
        ({"resize_factor": 0.4, "strength": "cosine"}, "strength 'cosine' is unknown; choose one of interval, linear"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(settings, words):
    with pytest.raises(InputError, match=words):
        ALG(**settings)


def test_the_published_settings():
    def of(*names):
        found = published(*names)
        return found.filter, found.resize_factor, found.strength, found.interval_start, found.interval_end

    assert of("cogvideox") == ("down_up", 0.25, "interval", 0.0, 0.04)
    assert of("wan") == of("wan", "wan2.1-14b") == ("down_up", 0.4, "interval", 0.0, 0.2)
    assert of("wan", "wan2.2-a14b") == ("down_up", 0.4, "interval", 0.0, 0.1)
    assert of("hunyuanvideo") == of("hunyuanvideo-1.5") == ("down_up", 0.625, "interval", 0.0, 0.04)
    with pytest.raises(InputError, match="ALG is not published for ltx-video; it is for cogvideox, wan, hunyuanvideo"):
        published("ltx-video")


def test_every_pair_has_published_settings_but_those_of_ltx():
    assert {family.name for family in FAMILIES} == {preset.family for preset in PRESETS.values()} | {"hunyuanvideo"}
    for preset in PRESETS.values():
        if preset.family != "ltx-video":
            assert published(preset.family, preset.name).active_steps(preset.num_inference_steps)


def test_changing_a_filter_or_strength_drops_the_settings_of_the_old_one():
    given = published("wan")
    assert changed(given) == given
    assert changed(given, interval_end=0.5) == ALG(resize_factor=0.4, interval_end=0.5)
    assert changed(given, **BLUR) == ALG(**BLUR, interval_end=0.2)
    assert changed(given, strength="exponential", exp_decay_rate=3.0) == ALG(
        resize_factor=0.4, strength="exponential", exp_decay_rate=3.0
    )
    with pytest.raises(InputError, match=r"lam 0\.6 is no setting of ALG; it has filter, resize_factor"):
        changed(given, lam=0.6)
    with pytest.raises(InputError, match=r"blur_sigma 2\.0 does nothing with filter 'down_up'"):
        changed(given, blur_sigma=2.0)


def test_it_is_a_public_value_that_goes_to_workers():
    given = dp.ALG(**BLUR, interval_end=0.2)
    assert pickle.loads(pickle.dumps(given)) == given and hash(given) == hash(ALG(**BLUR, interval_end=0.2))
