"""Whatever happens to a command, completed runs stay whole and unchanged, and the same command finishes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import dymos_probe as dp
from dymos_probe.analysis.summary import condition_table
from dymos_probe.errors import CorruptStoreError, StudyError
from dymos_probe.store import completed_runs, open_study, verify_study

pytestmark = pytest.mark.slow

PROMPTS = ("A dog runs across a beach", "A cat leaps over a wall", "A horse gallops")
SMALL = ("--num-frames", "9", "--steps", "2", "--device", "cpu")
LAMS = [-1.0, 0.6, 2.0, float("inf")]
KILLS = 24


class Forks:
    """The fork server as seen from the tests."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *arguments: str | Path, after: float | None = None, study: Path | None = None, videos: int = 0):
        request = {"arguments": [str(a) for a in arguments], "after": after, "study": str(study), "videos": videos}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def new_server(own_cache) -> Iterator[object]:
    """Start fork servers; each runs one command at a time."""
    dp.load_pair("tiny-cogvideox")
    started: list[subprocess.Popen[str]] = []

    def start() -> Forks:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forks.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return Forks(process)

    yield start
    for process in started:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def forks(new_server) -> Forks:
    return new_server()


def record_command(out: Path, prompts=PROMPTS) -> tuple[str | Path, ...]:
    named = [part for prompt in prompts for part in ("--prompt", prompt)]
    return ("record", "--pair", "tiny-cogvideox", *named, *SMALL, "--out", out)


def intervene_command(out: Path) -> tuple[str | Path, ...]:
    return ("intervene", out, f"--lam={','.join(map(str, LAMS))}")


@pytest.fixture(scope="module")
def undisturbed(forks, tmp_path_factory):
    """The study as nobody disturbs it, and how long its two commands take."""
    out = tmp_path_factory.mktemp("undisturbed") / "study"
    recorded = forks.run(*record_command(out))
    shutil.copytree(out, out.with_name("recorded"))
    intervened = forks.run(*intervene_command(out))
    assert recorded["status"] == intervened["status"] == 0
    return out, open_study(out).load(), recorded["seconds"], intervened["seconds"]


def check_completed_runs(study: Path, whole: Path, truth) -> int:
    """Assert that every run marked complete is whole and as undisturbed; return how many there are."""
    if not study.exists():
        return 0
    try:
        # In this order: a study that grows meanwhile shows at least what was complete before it was opened.
        done = completed_runs(study)
        ds = open_study(study)
    except StudyError as error:
        # Not yet, or not yet wholly, created: then nothing may be marked.
        assert not isinstance(error, CorruptStoreError)
        assert not list((study / "attention.zarr").glob("complete/c/*")), "runs in a study that does not open"
        return 0
    assert verify_study(study) == []
    for sample, condition in done:
        for name in ("attention", "text_mass", "attention_mean", "dominance", "timestep", "sigma", "expert"):
            found, wanted = (d[name].sel(sample=sample, condition=condition).values for d in (ds, truth))
            np.testing.assert_array_equal(found, wanted)
        video = f"videos/{sample}/{condition}.mp4"
        assert (study / video).read_bytes() == (whole / video).read_bytes()
        image = f"images/{sample}.png"
        assert (study / image).read_bytes() == (whole / image).read_bytes()
    condition_table(ds)
    for file in [*study.glob("videos/*/*.mp4"), *study.glob("images/*.png")]:
        assert file.read_bytes() == (whole / file.relative_to(study)).read_bytes(), "visible files are whole"
    return len(done)


def check_equal(study: Path, whole: Path, truth) -> None:
    found = open_study(study).load()
    assert found.drop_attrs().identical(truth.drop_attrs())
    runs = [f"videos/{s}/{c}.mp4" for s in truth["sample"].values for c in truth["condition"].values]
    for name in (*runs, *map(str, truth["image"].values)):
        assert (study / name).read_bytes() == (whole / name).read_bytes()
    made = {str(f.relative_to(study)) for f in [*study.rglob("*.mp4"), *study.rglob("*.png"), *study.rglob(".*.part")]}
    assert made == {*runs, *map(str, truth["image"].values)}, "nothing half-written is left"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", ["record", "intervene"])
def test_a_killed_command_loses_nothing_and_the_same_command_finishes(forks, undisturbed, tmp_path, command):
    whole, truth, record_seconds, intervene_seconds = undisturbed
    chance = random.Random(command)
    duration = record_seconds if command == "record" else intervene_seconds
    kills, finished, partly = 0, 0, 0
    while kills < KILLS or not finished:
        study = tmp_path / f"study{finished}"
        if command == "intervene":
            shutil.copytree(whole.with_name("recorded"), study)
        steps = record_command(study) if command == "record" else intervene_command(study)
        before = check_completed_runs(study, whole, truth)
        while True:
            # At any time at all, or anywhere within one of the next runs.
            there = len(list(study.glob("videos/*/*.mp4")))
            if kills >= KILLS:
                ended = forks.run(*steps)
            elif chance.random() < 0.3:
                ended = forks.run(*steps, after=chance.uniform(0, duration))
            else:
                ended = forks.run(
                    *steps, after=chance.uniform(0, duration / 4), study=study, videos=there + chance.randint(0, 2)
                )
            assert ended["status"] in (0, -signal.SIGKILL)
            kills += ended["status"] != 0
            done = check_completed_runs(study, whole, truth)
            assert done >= before, "a completed run was lost"
            partly += before < done < len(PROMPTS) * (2 if command == "record" else 2 + len(LAMS))
            before = done
            if ended["status"] == 0:
                break
        conditions = truth["condition"].values if command == "intervene" else ["t2v", "i2v"]
        check_equal(study, whole, truth.sel(condition=conditions))
        finished += 1
    assert kills >= KILLS and partly >= 3, "most kills hit in the middle of the work"


def test_an_interrupted_record_leaves_with_130_and_keeps_its_runs(undisturbed, tmp_path):
    _, truth, *_ = undisturbed
    study = tmp_path / "study"
    program = "from dymos_probe.cli import main; main()"
    many = tuple(f"{PROMPTS[0]}, take {i}" for i in range(60))
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, record_command(study, (*PROMPTS, *many)))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(study.glob("attention.zarr/complete/c/2/0")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "probe: interrupted; completed runs are kept, the same command goes on\n")
    assert verify_study(study) == []
    done = completed_runs(study)
    assert 3 <= len(done) < 126
    for sample in truth["sample"].values:
        np.testing.assert_array_equal(
            open_study(study)["attention"].sel(sample=sample, condition="t2v"),
            truth["attention"].sel(sample=sample, condition="t2v"),
        )


@pytest.mark.timeout(600)
def test_two_studies_are_written_while_one_of_them_is_read(new_server, forks, undisturbed, tmp_path):
    whole, truth, *_ = undisturbed
    studies = (tmp_path / "a", tmp_path / "b")
    statuses: dict[int, int] = {}

    def write(index: int, server: Forks) -> None:
        for command in (record_command(studies[index]), intervene_command(studies[index])):
            statuses[index] = statuses.get(index, 0) or server.run(*command)["status"]

    writers = [threading.Thread(target=write, args=pair) for pair in enumerate((forks, new_server()))]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        if (studies[0] / "study.json").exists():
            seen.append(check_completed_runs(studies[0], whole, truth))
    for writer in writers:
        writer.join()
    assert statuses == {0: 0, 1: 0}
    assert seen == sorted(seen) and len(set(seen)) > 3, "a reader sees runs appear, never go"
    for study in studies:
        check_equal(study, whole, truth)
