"""A page says what was run as far as the study's maker said, and no folder of the machine it ran on."""

from datetime import date

import pytest

from dymos_probe.figures.about import about_study
from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import synthetic_study

CONFIG = {
    "pair": {
        "preset": None,
        "t2v": {"folder": "/home/someone/models/mine-t2v", "sha256": "0123456789abcdef" * 4},
        "i2v": {"hub_id": "org/mine-i2v", "revision": "f" * 40},
        "scheduler": "DDIM",
        "note": "A <pair>.",
    },
    "dtype": "bfloat16",
    "generation": {"height": 480, "width": 720, "num_frames": 49, "num_inference_steps": 50, "guidance_scale": 6.0},
    "record": {"mode": "fused"},
    "noise": "shared",
    "versions": {"torch": "2.13"},
}


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    return open_study(synthetic_study(tmp_path_factory.mktemp("about") / "study", samples=1, lams=()).path)


def test_pair_settings_noise_versions_and_date_are_said(ds):
    facts = dict(about_study(CONFIG, ds, date(2026, 3, 1)))
    assert facts["pair"] == "mine-t2v and org/mine-i2v"
    assert facts["T2V model"] == "mine-t2v, 0123456789ab" and facts["I2V model"] == "org/mine-i2v, ffffffffffff"
    assert facts["settings"] == "49 frames of 720×480, 50 steps, guidance 6, DDIM, bfloat16"
    assert facts["recorded"].startswith("1 sample, 2 conditions, 2 runs; ") and facts["recorded"].endswith("mode fused")
    assert (facts["noise"], facts["versions"], facts["date of this report"]) == ("shared", "torch 2.13", "2026-03-01")
    assert "someone" not in str(facts)


def test_what_is_not_known_is_left_out(ds):
    facts = dict(about_study({"pair": "synthetic", "generation": {"num_inference_steps": 6}}, ds, date(2026, 3, 1)))
    assert set(facts) == {"pair", "settings", "recorded", "date of this report"}
    assert facts["settings"] == "6 steps"
    assert set(dict(about_study({}, ds, date(2026, 3, 1)))) == {"recorded", "date of this report"}
