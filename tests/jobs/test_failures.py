"""What goes wrong becomes a sentence and what to do about it; every failure here is a real one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess

import pytest

from dymos_probe import jobs
from dymos_probe.jobs.failures import failure_of
from dymos_probe.jobs.reporter import Reporter
from dymos_probe.jobs.worker import End, work


@pytest.fixture
def fail(submit, make, folder):
    """Submit, serve, and return how it failed; both sentences are such."""

    def one(**changes):
        id = submit(**changes)
        ended = make(id)
        assert ended.status == "failed"
        assert re.fullmatch(r"[A-Z'`/].*[.!?]", ended.message) and (not ended.remedy or ended.remedy[-1] in ".!?")
        assert "Traceback" in jobs.job(folder, id).files.log.read_text()
        assert ended.seconds_left is None and ended.phase is None and ended.ended is not None
        return ended

    return one


def test_an_unknown_pair_lists_those_there_are(fail, own_pair) -> None:
    own_pair("mine")
    ended = fail(pair="sprits")
    assert ended.kind == "input" and "'sprits'" in ended.message
    assert "sprites" in ended.remedy and "mine" in ended.remedy


def test_weights_that_are_not_here_are_named_with_the_command_that_fetches_them(fail) -> None:
    ended = fail(pair="wan2.1-14b")
    assert ended.kind == "environment" and "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers" in ended.message
    assert "hf download Wan-AI/Wan2.1-I2V-14B-480P-Diffusers" in ended.remedy
    both = fail(pair="wan2.1-14b", with_t2v=True)
    assert "t2v" in both.message, "the first one needed is told"


def test_a_pair_of_ones_own_runs_and_without_its_weights_says_which_lack(fail, own_pair, submit, make, folder) -> None:
    pair = own_pair("mine")
    size = {"height": 32, "width": 48, "guidance_scale": 4.0}
    assert make(submit(pair="mine", **size)).status == "done"
    for file in (pair / "i2v" / "transformer").glob("*.safetensors"):
        file.unlink()
    ended = fail(pair="mine", **size)
    assert ended.kind == "input" and "transformer/*.safetensors is missing" in ended.message


def test_a_pair_that_is_a_link_out_of_the_folder_is_not_followed(fail, folder, own_pair, tmp_path) -> None:
    shutil.move(own_pair("mine"), tmp_path / "elsewhere")
    (folder / "pairs" / "mine").symlink_to(tmp_path / "elsewhere")
    assert "leads out of" in fail(pair="mine").message


def test_a_size_the_model_does_not_take_says_which_it_takes(fail) -> None:
    ended = fail(height=50)
    assert ended.kind == "input" and "Height 50 does not fit cogvideox" in ended.message
    assert ended.remedy == "Nearest is 48."


def test_a_layer_the_model_does_not_have_is_told_before_any_step(fail, folder) -> None:
    ended = fail(lam=1.0, layers=(99,))
    assert ended.kind == "input" and "layers 99 does not exist" in ended.message.lower()
    assert ended.step == 0 and not jobs.jobs(folder)[0].files.has_result


def test_no_memory_for_the_size_is_told_as_that_and_the_worker_goes_on(fail, submit, make) -> None:
    ended = fail(height=16 * 400_000, width=16 * 400_000)
    assert ended.kind == "memory" and "smaller size" in ended.remedy
    assert make(submit()).status == "done"


def test_an_unforeseen_error_ends_the_worker_so_that_a_new_process_goes_on(folder, submit, own_pair) -> None:
    pair = own_pair("broken", "cogvideox")
    config = pair / "i2v" / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"scaling_factor": "abc"}))
    id = submit(pair="broken", height=32, width=48, guidance_scale=4.0)
    after = submit()
    assert work(folder, device="cpu", idle_seconds=0.0) is End.BROKEN
    ended = jobs.state(folder, id)
    assert (ended.status, ended.kind) == ("failed", "defect") and "did not foresee" in ended.message
    assert str(jobs.job(folder, id).files.log) in ended.remedy
    assert jobs.state(folder, after).status == "queued"


def test_gpu_memory_is_recognised_by_its_own_error() -> None:
    import torch

    from dymos_probe.errors import EnvironmentLacksError

    told = EnvironmentLacksError("out of memory for 9 frames of 48×32; use --offload model")
    told.__cause__ = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    failed = failure_of(told, "log.txt")
    assert failed.kind == "memory" and failed.message == "Out of memory for 9 frames of 48×32."
    assert "offload to model" in failed.remedy and "--" not in failed.remedy


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="mounts a small disk, which only root may")
def test_a_full_disk_is_told_and_the_job_can_still_say_so(tmp_path, picture, monkeypatch) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        request = jobs.Request(prompt="a cat", pair="tiny-cogvideox", num_frames=49, num_inference_steps=500)
        id = jobs.submit(folder, request, image=picture)
        step = Reporter.step

        def fill_the_disk(self, run, at, steps):
            if at == 5:
                with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
                    while file.write(bytes(4096)):
                        pass
            step(self, run, at, steps)

        monkeypatch.setattr(Reporter, "step", fill_the_disk)
        assert work(folder, device="cpu", idle_seconds=0.0) is End.IDLE, "the worker goes on"
        ended = jobs.state(folder, id)
        assert (ended.status, ended.kind) == ("failed", "disk") and "Forget jobs" in ended.remedy
    finally:
        subprocess.run(["umount", str(folder)], check=True)
