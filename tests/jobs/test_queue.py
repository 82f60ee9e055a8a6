"""Jobs lie in plain files, in order; they are cancelled, forgotten and judged by whether their worker lives."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from dymos_probe import jobs
from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.jobs.folder import files_of, folder_lock, jobs_root, sweep
from dymos_probe.jobs.liveness import hold, is_alive
from dymos_probe.jobs.queue import MAX_ATTEMPTS, settle_all, take


def running(folder, device: str = "cpu", **changes):
    """Take the next job as a worker would and write that it got somewhere."""
    files = take(folder, device, os.getpid())
    files.write_state(dataclasses.replace(files.read_state(), run=1, runs=2, condition="i2v", steps=10, **changes))
    return files


def test_a_folder_without_jobs_has_none(folder) -> None:
    assert jobs.jobs(folder) == () and not jobs.ensure_worker(folder)
    with pytest.raises(InputError, match="no folder"):
        jobs.submit(folder / "missing", jobs.Request(prompt="a cat", with_t2v=True))


def test_jobs_are_listed_and_taken_in_the_order_of_submission(folder, submit) -> None:
    ids = [submit(f"cat {number}") for number in range(5)]
    assert [(one.id, one.request.prompt, one.ahead) for one in jobs.jobs(folder)] == [
        (id, f"cat {number}", number) for number, id in enumerate(ids)
    ]
    jobs.cancel(folder, ids[1])
    assert [one.ahead for one in jobs.jobs(folder)] == [0, 0, 1, 2, 3]
    assert [take(folder, "cpu", 1).id for _ in range(4)] == [ids[0], *ids[2:]]
    assert take(folder, "cpu", 1) is None


def test_a_job_needs_an_image_or_a_t2v_run(folder, submit) -> None:
    with pytest.raises(InputError, match="no reference image"):
        submit(image=None)
    assert submit(image=None, with_t2v=True)
    with pytest.raises(InputError, match="upload is no image"):
        submit(image=b"<script>")
    assert len(jobs.jobs(folder)) == 1, "what was refused left nothing"


def test_the_image_lies_there_written_anew(folder, submit, picture) -> None:
    files = jobs.job(folder, submit(image=picture + b"trailing")).files
    assert files.reference.read_bytes() == jobs.read_upload(picture)


def test_a_queued_job_is_cancelled_at_once_and_an_ended_one_stays_as_it_is(folder, submit) -> None:
    id = submit()
    assert jobs.cancel(folder, id).status == "cancelled" == jobs.state(folder, id).status
    before = jobs.state(folder, id)
    assert jobs.cancel(folder, id) == before == jobs.state(folder, id)
    assert take(folder, "cpu", 1) is None


def test_a_job_is_forgotten_whole_but_not_while_it_runs(folder, submit) -> None:
    first, second = submit(), submit()
    held = hold(jobs_root(folder), "cpu")
    running(folder)
    with pytest.raises(InputError, match="is running; cancel it first"):
        jobs.forget(folder, first)
    jobs.forget(folder, second)
    assert [one.id for one in jobs.jobs(folder)] == [first]
    with pytest.raises(MissingFileError, match="no job"):
        jobs.state(folder, second)
    os.close(held)
    jobs.forget(folder, first)
    assert not [item for item in jobs_root(folder).iterdir() if item.is_dir()]


def test_a_running_job_whose_worker_died_is_tried_once_more_and_then_failed(folder, submit) -> None:
    id = submit()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        held = hold(jobs_root(folder), "cpu")
        assert hold(jobs_root(folder), "cpu") is None, "one holder at a time"
        running(folder, step=4)
        assert jobs.state(folder, id).status == "running"
        os.close(held)  # as the system does when a process dies
        now = jobs.state(folder, id)
        assert now.attempts == attempt
        if attempt < MAX_ATTEMPTS:
            assert now.status == "queued"
            assert "in run 1 of 2 (i2v), step 5 of 10" in now.message and "tried once more" in now.message
            assert jobs.job(folder, id).state == now, "asking writes nothing and says the same again"
        with folder_lock(folder):
            settle_all(folder, lambda device: is_alive(jobs_root(folder), device))
    assert (now.status, now.kind) == ("failed", "crash")
    assert "ended 2 times" in now.message and "smaller size" in now.remedy
    assert take(folder, "cpu", 1) is None


def test_a_job_cancelled_before_its_worker_died_is_cancelled(folder, submit) -> None:
    id = submit()
    held = hold(jobs_root(folder), "cpu")
    running(folder)
    assert jobs.cancel(folder, id).status == "running"
    os.close(held)
    assert jobs.state(folder, id).status == "cancelled"


def test_a_worker_of_another_device_is_not_taken_for_this_ones(folder, submit) -> None:
    id = submit()
    held = hold(jobs_root(folder), "cuda:1")
    running(folder, device="cpu")
    assert jobs.state(folder, id).status == "queued"
    os.close(held)


def test_a_damaged_job_does_not_hide_the_others(folder, submit) -> None:
    first, second = submit(), submit()
    (files_of(folder, first).path / "state.json").write_text("{")
    assert [one.id for one in jobs.jobs(folder)] == [second]
    assert take(folder, "cpu", 1).id == second


def test_what_a_killed_process_left_is_swept(folder, submit) -> None:
    id = submit()
    for prefix in (".new-", ".gone-"):
        (jobs_root(folder) / f"{prefix}{id}").mkdir()
    (jobs_root(folder) / ".nothing-of-ours").mkdir()
    assert [one.id for one in jobs.jobs(folder)] == [id], "never listed"
    with folder_lock(folder):
        sweep(folder)
    left = sorted(item.name for item in jobs_root(folder).iterdir() if item.is_dir())
    assert left == [".nothing-of-ours", id]


def test_workers_that_never_begin_fail_the_waiting_jobs(folder, submit, monkeypatch) -> None:
    id = submit()
    monkeypatch.setenv("PYTHONPATH", str(folder))  # here is another dymos_probe, which does not import
    (folder / "dymos_probe").mkdir()
    (folder / "dymos_probe" / "__init__.py").write_text("raise ImportError('broken')")
    monkeypatch.chdir(folder)
    started = 0
    while (now := jobs.state(folder, id)).status == "queued":
        started += jobs.ensure_worker(folder, device="cpu")
    assert started == 3
    assert (now.status, now.kind) == ("failed", "environment") and "3 times" in now.message
    assert "broken" in (jobs_root(folder) / "worker-cpu.log").read_text() and "worker-cpu.log" in now.remedy


@pytest.mark.slow
def test_ten_submissions_at_once_from_processes_are_ten_jobs_in_one_order(folder) -> None:
    program = (
        "import sys; from dymos_probe import jobs; sys.stdin.read(1); "
        "print(jobs.submit(sys.argv[1], jobs.Request(prompt=sys.argv[2], with_t2v=True)))"
    )
    several = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder), f"cat {number}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(10)
    ]  # fmt: skip
    for process in several:
        process.stdin.write("x")
        process.stdin.flush()
    said = {process.communicate(timeout=60)[0].strip(): f"cat {number}" for number, process in enumerate(several)}
    assert {one.id: one.request.prompt for one in jobs.jobs(folder)} == said and len(said) == 10
    assert [take(folder, "cpu", 1).id for _ in range(10)] == sorted(said)
    for id in said:
        assert json.loads((files_of(folder, id).path / "state.json").read_text())["status"] == "running"
