"""What pairs a job can name, and what each lacks, is told without loading anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dymos_probe import jobs
from dymos_probe.jobs.offered import lacking_model
from dymos_probe.pairs import PRESETS


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """No model of the hub is on this machine."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def offered(folder):
    return {pair.name: pair for pair in jobs.offered_pairs(folder)}


def test_every_preset_is_offered_and_those_without_weights_say_how_to_fetch_them(folder):
    there = offered(folder)
    assert list(there) == list(PRESETS)
    assert {name for name, pair in there.items() if not pair.lacks} == {
        "sprites",
        "sprites-uncurated",
        "tiny-cogvideox",
    }
    lacks = there["wan2.1-14b"].lacks
    assert set(lacks) == {"t2v", "i2v"} and there["wan2.1-14b"].needs_gpu and not there["sprites"].needs_gpu
    assert lacks["i2v"].endswith("hf download Wan-AI/Wan2.1-I2V-14B-480P-Diffusers")


def test_a_model_in_the_cache_is_there(folder, empty_cache):
    snapshot = empty_cache / "models--zai-org--CogVideoX-5b-I2V" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text("{}")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    assert lacking_model("i2v", "zai-org/CogVideoX-5b-I2V", None) == ""
    assert set(offered(folder)["cogvideox-5b"].lacks) == {"t2v"}


def test_pairs_of_ones_own_are_offered_whole_or_with_what_is_missing(folder, own_pair):
    own_pair("mine")
    own_pair("torn")
    (folder / "pairs" / "torn" / "t2v" / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    (folder / "pairs" / "empty").mkdir()
    (folder / "pairs" / "link").symlink_to(folder / "pairs" / "mine" / "..", target_is_directory=True)
    there = offered(folder)
    assert not there["mine"].lacks and there["mine"].preset is None
    assert set(there["torn"].lacks) == {"t2v"} and "vae/*.safetensors is missing" in there["torn"].lacks["t2v"]
    assert set(there["empty"].lacks) == {"t2v", "i2v"} and "model_index.json" in there["empty"].lacks["i2v"]
    assert "leads out of" in there["link"].lacks["t2v"]


def test_asking_loads_no_torch(folder):
    program = (
        "import sys; from dymos_probe.jobs import offered_pairs; offered_pairs(sys.argv[1]); "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    said = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert {"torch", "diffusers", "transformers", "streamlit"}.isdisjoint(said.stdout.split())
