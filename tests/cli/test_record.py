"""`probe record`: what it says, what it refuses, and that nothing is lost on the way."""

from __future__ import annotations

import json
import os
import re
import resource
import struct
import subprocess
import sys
import threading
import zlib
from contextlib import suppress

import pytest

from dymos_probe.store import completed_runs, open_study, verify_study
from dymos_probe.store.schema import STUDY_FILE

SMALL = ("--num-frames", "9", "--steps", "2", "--device", "cpu")
PROMPT = "A dog runs across a beach"


def test_record_says_what_it_makes_and_that_it_is_there_the_next_time(probe, tmp_path, contents):
    out = tmp_path / "study"
    answer = probe("record", "--prompt", PROMPT, "--seed", "0,5", "--out", out, *SMALL)
    assert answer.status == 0 and answer.err == "", "no progress where standard error is no terminal"
    assert "9 frames of 48×48, 2 steps, guidance 6; recording mode observe" in answer.out
    assert "2 samples, 4 runs, 0 there already" in answer.out and "made 4 runs in" in answer.out
    assert open_study(out)["seed"].values.tolist() == [0, 5]
    before = contents(out)
    again = probe("record", "--prompt", PROMPT, "--seed", "0", "--seed", "5", "--out", out, *SMALL)
    assert "4 there already" in again.out and "made 0 runs" in again.out
    assert contents(out) == before


def test_json_is_one_document_on_stdout_and_dry_run_makes_nothing(probe, tmp_path):
    out = tmp_path / "study"
    command = ("record", "--prompt", PROMPT, "--prompt", "A cat", "--out", out, *SMALL, "--json")
    plan = probe(*command, "--dry-run")
    document = json.loads(plan.out)
    assert (document["made"], document["runs"], len(document["missing"])) == (0, 4, 4)
    assert not out.exists() and plan.err == ""
    assert [condition for _, condition in document["missing"]] == ["t2v", "t2v", "i2v", "i2v"]
    made = probe(*command)
    document = json.loads(made.out)
    assert (document["made"], document["missing"], document["record_mode"]) == (4, [], "observe")
    assert made.err == "" and document["study"] == str(out)
    assert json.loads(probe(*command).out)["made"] == 0


def test_a_response_is_kept_told_and_part_of_what_the_same_command_is(probe, refused, tmp_path):
    out = tmp_path / "study"
    command = ("record", "--prompt", PROMPT, "--out", out, *SMALL)
    answer = probe(*command, "--response=0.6,-inf,-1")
    assert answer.status == 0 and "recording mode observe, response at λ = -inf, -1, 0.6" in answer.out
    again = json.loads(probe(*command, "--response=-1,0.6,-inf", "--json").out)
    assert (again["made"], again["response"]) == (0, ["-inf", -1.0, 0.6])
    line = refused(2, *command, "--response=-1,0.6")
    assert "record.response = ['-inf', -1.0, 0.6], now record.response = [-1.0, 0.6] is asked" in line
    assert "now record.response = None is asked" in refused(2, *command)
    assert probe("intervene", out, "--lam=0.6").status == 0
    shown = probe("info", out, "--verify").out
    assert "response of untouched runs at λ = -inf, -1, 0.6" in shown and "i2v_lam0.6" in shown
    document = json.loads(probe("info", out, "--json").out)
    assert document["sizes"]["lam_response"] == 3 and document["record"]["response"] == ["-inf", -1.0, 0.6]


def test_a_dry_run_names_what_it_would_make(probe, tmp_path):
    answer = probe("record", "--prompt", PROMPT, "--out", tmp_path / "study", *SMALL, "--dry-run")
    lines = [line for line in answer.out.splitlines() if line.startswith("would make a-dog-runs")]
    assert [line.split()[-1] for line in lines] == ["t2v", "i2v"]


def test_on_a_terminal_bars_show_runs_and_steps(tmp_path, probe, monkeypatch):
    leader, follower = os.openpty()
    shown = bytearray()

    def read_on() -> None:
        # A terminal nobody reads blocks its writer once its few kilobytes are full; it ends with an error.
        with suppress(OSError):
            while part := os.read(leader, 1 << 16):
                shown.extend(part)

    reader = threading.Thread(target=read_on)
    reader.start()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        answer = probe("record", "--prompt", PROMPT, "--out", tmp_path / "study", *SMALL)
    reader.join()
    os.close(leader)
    text = shown.decode()
    assert answer.status == 0
    assert "runs" in text and re.search(r"\d/2", text) and "left" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pair", "tiny-cogvidoex", "--prompt", "a"], "no pair is called 'tiny-cogvidoex'; did you mean 'tiny-cog"),
        (["--pair", "no/folder", "--prompt", "a"], "there is no folder no/folder"),
        ([], "either --prompt TEXT"),
        (["--prompt", "a", "--prompts", "file"], "either --prompt TEXT"),
        (["--prompt", " "], "the prompt is blank"),
        (["--prompt", "a", "--t2v", "x"], "--t2v and --i2v make a pair together"),
        (["--prompt", "a", "--t2v", "x", "--i2v", "y", "--pair", "z"], "--t2v and --i2v make a pair together"),
        (["--prompt", "a", "--steps", "0"], "num_inference_steps 0 must be at least 1"),
        (["--prompt", "a", "--guidance-scale", "nan"], "guidance_scale nan must be a number"),
        (["--prompt", "a", "--height", "33"], "height 33 does not fit cogvideox: .* nearest is 36"),
        (["--prompt", "a", "--width", "-16"], "width -16 .* nearest is 12"),
        (["--prompt", "a", "--num-frames", "10"], "num_frames 10 does not fit cogvideox: .* nearest is 9"),
        (["--prompt", "a", "--num-frames", "1"], "num_frames 1 is a picture"),
        (["--prompt", "a", "--seed", "-1"], "seed -1 must be between 0 and"),
        (["--prompt", "a", "--seed", "1.5"], "seed '1.5' is not an integer"),
        (["--prompt", "a", "--seed", str(2**63)], "seed 9223372036854775808 must be between"),
        (["--prompt", "a", "--branches", "uncond"], "branches 'uncond' is unknown; choose cond or both"),
        (["--prompt", "a", "--record-mode", "fast"], "record-mode 'fast' is unknown; choose observe or fused"),
        (["--prompt", "a", "--response", "x"], "response 'x' is not a number .* such as --response=-1,0.6,1"),
        (["--prompt", "a", "--response", ""], "response '' is not a number"),
        (["--prompt", "a", "--response", "1,nan"], "response has a λ that is NaN"),
        (["--prompt", "a", "--response", "1,0.6,1.0"], "response 1, 0.6, 1 has a λ twice"),
        (["--prompt", "a", "--dtype", "int8"], "dtype 'int8' is unknown; choose one of float32"),
        (["--prompt", "a", "--device", "tpu"], "device 'tpu' is unknown"),
        (["--prompt", "a", "--offload", "model"], "offload 'model' moves weights between a GPU and main memory"),
        (["--prompt", "a", "--extra", "{"], "extra '{' is not JSON"),
        (["--prompt", "a", "--extra", "[1]"], "must be a JSON object"),
        (["--prompt", "a", "--extra", '{"max_len": 1}'], "extra 'max_len' is no argument of CogVideoXPipeline"),
        (["--prompt", "a", "--workers", "2", "--scheduler", "tcp://x:1"], "give one of the two"),
    ],
)
def test_a_wrong_request_is_one_line_and_leaves_no_study(refused, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    standard = [part for pair in zip(SMALL[::2], SMALL[1::2], strict=True) if pair[0] not in arguments for part in pair]
    assert re.search(words, refused(2, "record", *arguments, *standard, "--out", "study"))
    assert not list(tmp_path.rglob(STUDY_FILE))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no prompt file"),
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is a binary file"),
        (b"caf\xe9 at night\n", "is not UTF-8: byte 3 is 0xe9"),
        (b'{"prompts": [1]}', "line 1: a prompt is text"),
        (b"missing.png||a dog\n", "names the image 'missing.png'"),
    ],
)
def test_a_prompt_file_that_is_none_is_refused(refused, tmp_path, content, words):
    file = tmp_path / "prompts.txt"
    if content is not None:
        file.write_bytes(content)
    assert words in refused(2, "record", "--prompts", file, "--out", tmp_path / "study", *SMALL)
    assert not (tmp_path / "study").exists()


def png(width, height):
    """The smallest file that claims to be a PNG of this size."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" * 64))]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in [*chunks, (b"IEND", b"")]
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no picture", "is no image"),
        (png(100_000, 100_000), "pixels"),
        (png(9000, 9000), "at most 64 Mi pixels are read"),
        (png(48, 32), "cannot be read"),
    ],
)
def test_an_image_that_is_none_or_a_bomb_is_refused(refused, tmp_path, content, words):
    (tmp_path / "picture.png").write_bytes(content)
    (tmp_path / "prompts.txt").write_text(f"picture.png||{PROMPT}\n")
    out = tmp_path / "study"
    assert words in refused(2, "record", "--prompts", tmp_path / "prompts.txt", "--out", out, *SMALL)
    target = tmp_path / "a.mp4"
    line = refused(
        2, "intervene", "--image", tmp_path / "picture.png", "--prompt", "a", "--lam", "1", "--out", target, *SMALL
    )
    assert words in line and not out.exists() and not target.exists()


def test_what_is_no_study_is_left_as_it_is(refused, tmp_path, contents):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("ten years")
    (tmp_path / "file").write_text("ten years")
    before = contents(tmp_path)
    command = ("record", "--prompt", PROMPT, *SMALL, "--out")
    line = refused(2, *command, tmp_path / "folder")
    assert "is no study and is not empty (it has thesis.tex)" in line
    assert "is a file" in refused(2, *command, tmp_path / "file")
    assert "cannot be a folder (Not a directory)" in refused(2, *command, tmp_path / "file" / "study")
    assert "cannot be a folder (File name too long)" in refused(2, *command, tmp_path / ("a" * 300))
    assert contents(tmp_path) == before


def test_a_study_of_another_schema_or_a_torn_study_json_is_refused(refused, study):
    file = study / STUDY_FILE
    document = json.loads(file.read_text())
    command = ("record", "--prompt", PROMPT, *SMALL, "--out", study)
    file.write_text(json.dumps(document | {"schema": {"name": "dymos-probe-study", "version": 99}}))
    assert "has schema dymos-probe-study 99; this version reads dymos-probe-study 1" in refused(2, *command)
    del document["config"]["environment"]
    file.write_text(json.dumps(document))
    assert "was not made by `probe record`" in refused(2, *command)
    file.write_text('{"schema": {')
    for arguments in (command, ("info", study), ("report", study), ("intervene", study, "--lam", "1")):
        assert "study.json is not the description of a study" in refused(2, *arguments)
    (study / "attention.zarr" / "zarr.json").write_text("{")
    file.write_text(json.dumps(document | {"config": document["config"] | {"environment": {}}}))
    assert "the metadata of the study" in refused(2, *command)


def test_a_gpu_that_is_not_there_is_what_the_machine_lacks(refused, tmp_path):
    import torch

    absent = f"cuda:{torch.cuda.device_count()}" if torch.cuda.is_available() else "cuda"
    line = refused(3, "record", "--prompt", PROMPT, *SMALL[:-1], absent, "--out", tmp_path / "study")
    assert f"device '{absent}' is not there" in line
    assert not (tmp_path / "study").exists()


def test_weights_that_cannot_be_fetched_are_what_the_machine_lacks(refused, tmp_path):
    from huggingface_hub import constants

    for given in (["--t2v", "some/model", "--i2v", "other/model"], ["--pair", "wan2.1-14b"]):
        line = refused(3, "record", *given, "--prompt", PROMPT, *SMALL, "--out", tmp_path / given[1].replace("/", "-"))
        name = "some/model" if given[0] == "--t2v" else "Wan-AI/Wan2.1-T2V-14B-Diffusers"
        assert name in line and str(constants.HF_HUB_CACHE) in line and f"hf download {name}" in line
    assert not list(tmp_path.rglob(STUDY_FILE))


def test_a_full_disk_is_told_and_the_same_command_goes_on_when_there_is_room(refused, probe, small_disk, tmp_path):
    from dymos_probe.runs.record import record

    whole = record("sprites", [PROMPT], out=tmp_path / "whole", seeds=range(4), num_frames=9,
                   num_inference_steps=2, device="cpu")  # fmt: skip
    disk = small_disk("560k")
    command = ("record", "--prompt", PROMPT, "--seed", "0,1,2,3", *SMALL, "--out", disk / "study")
    line = refused(3, *command)
    assert "no space left for the study" in line and "completed runs are kept" in line
    done = completed_runs(disk / "study")
    assert 0 < len(done) < 8 and verify_study(disk / "study") == []
    assert not list(disk.rglob("*.part")) and not list(disk.rglob("*.partial"))
    subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
    assert probe(*command).status == 0
    same_study(disk / "study", whole)


def test_a_limit_on_file_sizes_is_no_room_either(refused, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        line = refused(3, "record", "--prompt", PROMPT, *SMALL, "--out", tmp_path / "study")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "no space left for the study" in line
    assert not list(tmp_path.rglob("*.part")) and not list(tmp_path.rglob("*.mp4"))


def test_a_disk_full_from_the_start_leaves_no_study(refused, small_disk):
    disk = small_disk("12k")
    (disk / "filler").write_bytes(b"\0" * 8192)
    line = refused(3, "record", "--prompt", PROMPT, *SMALL, "--out", disk / "study")
    assert "no space left" in line


def test_a_folder_that_cannot_be_written_is_what_the_machine_lacks(refused, recorded, small_disk, contents, tmp_path):
    import shutil

    disk = small_disk("4m")
    shutil.copytree(recorded, disk / "study")
    before = contents(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    record = ("record", "--prompt", "Another prompt", *SMALL, "--out")
    for arguments in (
        (*record, disk / "new"),
        (*record, disk / "study"),
        ("intervene", disk / "study", "--lam", "1"),
        ("report", disk / "study"),
    ):
        assert "cannot be written (Read-only file system)" in refused(3, *arguments)
    assert contents(disk) == before


def test_a_study_on_a_read_only_disk_can_be_looked_at(probe, recorded, small_disk, tmp_path):
    import shutil

    disk = small_disk("4m")
    shutil.copytree(recorded, disk / "study")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert probe("info", disk / "study", "--verify").status == 0


def test_a_second_command_on_a_study_is_refused_and_the_first_is_unharmed(probe, refused, study):
    from dymos_probe.runs.hold import only_writer

    command = ("--num-frames", "9", "--steps", "2", "--device", "cpu", "--prompt", "Another", "--out", study)
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, fcntl; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); "
         "print('held', flush=True); sys.stdin.read()", str(study / ".lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with holder:
        assert holder.stdout.readline() == b"held\n"
        assert "another command is writing the study" in refused(2, "record", *command)
        assert "another command is writing the study" in refused(2, "intervene", study, "--lam", "1")
        assert probe("info", study).status == 0
        holder.stdin.close()
    assert probe("record", *command).status == 0
    with only_writer(study):
        pass


def same_study(made, whole):
    """Assert that two studies hold the same labels, arrays, videos and images."""
    left, right = open_study(made), open_study(whole)
    order = right["sample"].values.tolist()
    assert left.load().sel(sample=order).drop_attrs().identical(right.load().drop_attrs())
    for folder in ("videos", "images"):
        files = [{str(f.relative_to(s)): f.read_bytes() for f in (s / folder).rglob("*.*")} for s in (made, whole)]
        assert files[0] == files[1]
