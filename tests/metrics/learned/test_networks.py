"""Weights come from the folder, whole or not at all; pixels are those torchvision and Pillow would make."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from dymos_probe.errors import EnvironmentLacksError, InputError, MissingFileError
from dymos_probe.metrics.learned.networks import device, in_batches, load_tensors, load_transformer, resized, sha256
from dymos_probe.metrics.metric import WEIGHTS_VARIABLE, resources
from dymos_probe.metrics.registry import METRICS

LEARNED = [name for name, metric in METRICS.items() if getattr(metric, "needs", ())]
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


@pytest.mark.parametrize("name", LEARNED)
def test_an_empty_folder_is_refused_with_everything_that_is_missing_and_where_it_comes_from(name, tmp_path):
    metric = METRICS[name]
    with pytest.raises(EnvironmentLacksError, match=f"metric {name} misses the ") as refused:
        metric.prepare(resources(tmp_path))
    for need in metric.missing(resources(tmp_path)):
        assert need.what in str(refused.value) and need.source in str(refused.value)
    assert str(tmp_path) in str(refused.value) and refused.value.exit_status == 3


def test_the_folder_is_the_one_given_else_the_environments_else_the_users(tmp_path, monkeypatch):
    for name in ("given", "set", "user"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    assert resources().folder == tmp_path / "user" / "dymos-probe" / "weights"
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "set"))
    assert resources().folder == tmp_path / "set"
    assert resources(tmp_path / "given").folder == tmp_path / "given"
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "nowhere"))
    assert METRICS["frame_difference"].prepare(resources())  # what needs no weights does not look for them
    with pytest.raises(EnvironmentLacksError, match=r"misses .*nowhere"):
        METRICS["musiq"].prepare(resources())
    with pytest.raises(MissingFileError, match=r"no folder of weights .*nowhere"):
        resources(tmp_path / "nowhere")
    with pytest.raises(InputError, match="batch 0"):
        resources(tmp_path, batch=0)


def test_a_file_that_lacks_some_weights_is_refused_instead_of_drawing_them(weights, tmp_path):
    folder = shutil.copytree(weights / "dino-vitb16", tmp_path / "dino")
    file = folder / "model.safetensors"
    kept = {
        name: tensor for name, tensor in load_file(file).items() if "layer.1" not in name and "layers.1" not in name
    }
    assert 0 < len(kept) < len(load_file(file))
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(EnvironmentLacksError, match=r"lacks .* weights of ViTModel"):
        load_transformer("ViTModel", folder, resources(weights), add_pooling_layer=False)


def test_a_file_that_is_cut_off_is_refused(weights, tmp_path):
    folder = shutil.copytree(weights / "dino-vitb16", tmp_path / "dino")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EnvironmentLacksError, match="cannot be loaded as ViTModel"):
        load_transformer("ViTModel", folder, resources(weights), add_pooling_layer=False)


class Dangerous:
    """Unpickling it would run code."""

    def __reduce__(self):
        return (print, ("ran",))


def test_a_pth_file_runs_nothing(tmp_path, capsys):
    torch.save({"weight": Dangerous()}, tmp_path / "a.pth")
    with pytest.raises(EnvironmentLacksError, match=r"a\.pth is no file of weights"):
        load_tensors(tmp_path / "a.pth")
    assert "ran" not in capsys.readouterr().out
    (tmp_path / "b.pth").write_bytes(b"no weights")
    with pytest.raises(EnvironmentLacksError, match="no file of weights"):
        load_tensors(tmp_path / "b.pth")


def test_the_hash_is_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()


@pytest.mark.parametrize(("height", "width", "size"), [(80, 120, (40, 60)), (121, 80, (60, 40))])
def test_with_antialiasing_the_pixels_are_pillows(height, width, size):
    smooth = np.random.default_rng(0).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    picture = Image.fromarray(smooth).resize((width, height), Image.Resampling.BICUBIC)
    top, left = (round((side - 32) / 2) for side in size)
    small = np.asarray(picture.resize(size[::-1], Image.Resampling.BICUBIC))[top : top + 32, left : left + 32]
    tensor = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    ours = resized(tensor, short_side=40, crop=32, antialias=True, **PLAIN)[0].permute(1, 2, 0).numpy() * 255
    assert ours.shape == (32, 32, 3) and np.abs(ours - small).max() <= 1.0


def test_without_antialiasing_they_are_others_and_within_the_range():
    tensor = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 64, 64))).float()
    rough = resized(tensor, short_side=32, crop=32, antialias=False, **PLAIN)
    assert rough.min() >= 0.0 and rough.max() <= 1.0
    assert rough.std() > 1.3 * resized(tensor, short_side=32, crop=32, antialias=True, **PLAIN).std()


def test_the_channels_are_normalised():
    grey = torch.full((1, 3, 8, 8), 127.5)
    pixels = resized(grey, short_side=8, crop=8, antialias=True, mean=(0.5, 0.25, 0.0), std=(1.0, 0.5, 0.25))
    assert pixels[0, :, 0, 0].tolist() == pytest.approx([0.0, 0.5, 2.0])


def test_batches_are_joined_in_order(weights):
    frames = np.arange(7, dtype=np.uint8)[:, None, None, None].repeat(3, axis=-1)
    sizes = []

    def through(images):
        sizes.append(len(images))
        return images[:, 0, 0, 0]

    assert in_batches(frames, resources(weights, batch=3), through).tolist() == list(range(7))
    assert sizes == [3, 3, 1]


def test_a_device_that_is_not_there_is_said(weights):
    assert device(resources(weights)) == torch.device("cpu")
    with pytest.raises(InputError, match="device 'gpu' is unknown"):
        device(resources(weights, device="gpu"))
    if not torch.cuda.is_available():
        with pytest.raises(EnvironmentLacksError, match="cuda is not on this machine"):
            device(resources(weights, device="cuda"))
