"""A study made by several processes is the study made by one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import psutil
import pytest
from dask.distributed import default_client

import dymos_probe as dp
from dymos_probe.errors import EnvironmentLacksError, InputError
from dymos_probe.store import completed_runs, open_study, verify_study

PROMPTS = [f"A dog runs, take {i}" for i in range(3)]


def test_workers_and_a_scheduler_exclude_each_other(tmp_path, settings):
    with pytest.raises(InputError, match="give one of the two"):
        dp.record("tiny-cogvideox", PROMPTS, out=tmp_path / "s", workers=2, scheduler="tcp://127.0.0.1:1", **settings)


@pytest.fixture(scope="module")
def alone(tmp_path_factory, settings, own_cache):
    out = tmp_path_factory.mktemp("alone") / "study"
    dp.record("tiny-cogvideox", PROMPTS, out=out, **settings)
    dp.intervene(out, lam=[1, -1])
    return open_study(out).load()


def same(study, truth):
    assert open_study(study).load().drop_attrs().identical(truth.drop_attrs())
    assert verify_study(study) == []
    assert len(list(study.glob("videos/*/*.mp4"))) == truth["complete"].size


@pytest.mark.slow
def test_two_workers_make_the_study_that_one_process_makes(tmp_path, settings, alone):
    out = tmp_path / "study"
    made = []

    class Watcher:
        begin = loading = step = lambda *_: None

        def done(self, run):
            made.append((run.sample.id, run.way.id))

    dp.record("tiny-cogvideox", PROMPTS, out=out, workers=2, progress=Watcher(), **settings)
    dp.intervene(out, lam=[1, -1], workers=2, progress=Watcher())
    same(out, alone)
    assert len(made) == len(set(made)) == 12


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_no_completed_run(tmp_path, settings, alone):
    out = tmp_path / "study"
    killed: list[tuple[int, frozenset]] = []
    over = threading.Event()

    def kill_one_worker() -> None:
        marks = out / "attention.zarr" / "complete" / "c"
        while not list(marks.glob("*/0")) and not over.is_set():
            time.sleep(0.02)
        # LocalCluster's workers are children of this process, beside multiprocessing's resource tracker.
        worker = next(child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline()))
        done = completed_runs(out)
        worker.kill()
        killed.append((worker.pid, done))

    killer = threading.Thread(target=kill_one_worker)
    killer.start()
    try:
        dp.record("tiny-cogvideox", PROMPTS, out=out, workers=2, **settings)
    except EnvironmentLacksError:
        pass  # dask gave up; what was complete is kept, and the command below makes the rest
    finally:
        over.set()
        killer.join()
    assert killed and killed[0][1] <= completed_runs(out)
    dp.record("tiny-cogvideox", PROMPTS, out=out, **settings)
    dp.intervene(out, lam=[1, -1])
    same(out, alone)


@pytest.mark.slow
def test_a_cluster_elsewhere_makes_the_same_study_though_paths_are_relative(tmp_path, settings, alone, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    script = (
        "import sys\nfrom dask.distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "        print(cluster.scheduler_address, flush=True)\n        sys.stdin.read()\n"
    )
    (tmp_path / "cluster.py").write_text(script)
    elsewhere = subprocess.Popen(
        [sys.executable, str(tmp_path / "cluster.py")], cwd=tmp_path / "there",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with elsewhere:
        address = elsewhere.stdout.readline().strip()
        dp.record("tiny-cogvideox", PROMPTS, out="study", scheduler=address, **settings)
        dp.intervene("study", lam=[1, -1], scheduler=address)
        elsewhere.stdin.close()
    same(tmp_path / "here" / "study", alone)
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.slow
def test_an_address_where_nobody_listens_is_what_the_machine_lacks(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("dymos_probe.runs.cluster._CONNECT_SECONDS", 2)
    for address in ("tcp://127.0.0.1:1", "nonsense", "http://127.0.0.1:1"):
        with pytest.raises(EnvironmentLacksError, match=r"no dask cluster answers at .* `dask scheduler`"):
            dp.record("tiny-cogvideox", PROMPTS, out=tmp_path / "study", scheduler=address, **settings)
        with pytest.raises(ValueError, match="No client"):  # what is computed next must not wait for that cluster
            default_client()
    assert not [f for f in (tmp_path / "study").iterdir() if not f.name.startswith(".")]
