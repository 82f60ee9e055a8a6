"""Real workers in processes of their own: seen, killed, doubled, and outliving whoever started them."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys

import pytest

import dymos_probe as dp
from dymos_probe import jobs
from dymos_probe.jobs.folder import folder_lock, jobs_root
from dymos_probe.jobs.liveness import is_alive
from dymos_probe.store import open_study, verify_study
from tests.jobs.conftest import LONG, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def alive(folder, device: str = "cpu") -> bool:
    with folder_lock(folder):
        return is_alive(jobs_root(folder), device)


def until(folder, id: str, status: str) -> jobs.State:
    return wait_for(lambda: s if (s := jobs.state(folder, id)).status == status else None)


def in_steps(folder, id: str) -> jobs.State:
    """The state of a job once it is well within its steps."""
    return wait_for(lambda: s if (s := jobs.state(folder, id)).status == "running" and s.step > 3 else None)


def test_sprites_from_the_submission_to_the_study(folder, picture, environment) -> None:
    """The whole way as the page goes it; submitter, watcher and worker are three processes."""
    program = (
        "import sys; from pathlib import Path; from dymos_probe import jobs; "
        "print(jobs.submit(sys.argv[1], jobs.Request(prompt='a red star moves left quickly on a navy background', "
        "lam=2.0, with_t2v=True), image=Path(sys.argv[2]).read_bytes())); "
        "jobs.ensure_worker(sys.argv[1], device='cpu', idle_seconds=1)"
    )
    (folder / "upload").write_bytes(picture)
    ended = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(folder / "upload")], capture_output=True, text=True, check=True
    )
    id = ended.stdout.strip()
    seen = []
    wait_for(lambda: (seen.append(jobs.state(folder, id)), seen[-1].ended_for_good)[1])
    assert seen[-1].status == "done", seen[-1].message
    running = [s for s in seen if s.status == "running"]
    assert {s.phase for s in running} == {"loading", "denoising", "decoding"}
    assert {s.condition for s in running} >= {"t2v", "i2v", "i2v_lam2_ratio0.25"} and {s.runs for s in running} >= {3}
    progress = [s.progress for s in seen]
    assert progress == sorted(progress) and len(set(progress)) > 5
    assert any(s.seconds_left and s.estimate_from == "this job" for s in running)
    assert any("decoded alone" in s.preview for s in running)
    files = jobs.job(folder, id).files
    assert files.preview.is_file() and verify_study(files.result) == []
    ds = dp.open_study(files.result)
    assert ds.probe.distance().sizes["lam"] == 2 and ds.probe.difference().shape == (7, 7)
    wait_for(lambda: not alive(folder))  # it ended itself


def test_jobs_are_made_in_order_by_one_worker_that_outlives_a_burst_of_starts(folder, submit, environment) -> None:
    ids = [submit(f"cat {number}") for number in range(4)]
    program = (
        "import sys; from dymos_probe import jobs; sys.stdin.read(1); "
        "print(int(jobs.ensure_worker(sys.argv[1], device='cpu', idle_seconds=2)))"
    )
    several = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    started = sum(int(process.communicate("x", timeout=60)[0]) for process in several)
    assert started == 1
    ended = [until(folder, id, "done") for id in ids]
    assert len({s.pid for s in ended}) == 1, "one worker"
    assert not jobs.ensure_worker(folder, device="cpu"), "nothing waits"
    times = [(s.started, s.ended) for s in ended]
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(times))
    wait_for(lambda: not alive(folder))


def test_of_two_workers_at_once_one_leaves(folder, submit, start) -> None:
    submit()
    both = [start(idle_seconds=3.0), start(idle_seconds=3.0)]
    first = wait_for(lambda: next((p for p in both if p.poll() is not None), None))
    assert first.returncode == 0 and "another worker serves" in first.stderr.read()
    until(folder, jobs.jobs(folder)[0].id, "done")
    [other] = [p for p in both if p is not first]
    assert other.wait(timeout=60) == 0


def test_two_devices_share_one_queue(folder, submit, start, environment) -> None:
    ids = [submit(f"cat {number}", num_inference_steps=100) for number in range(6)]
    start(idle_seconds=1.0)
    assert jobs.ensure_worker(folder, device="auto", idle_seconds=1.0)
    ended = [until(folder, id, "done") for id in ids]
    assert {s.device for s in ended} <= {"cpu", "auto"} and all(s.attempts == 1 for s in ended), "none made twice"
    wait_for(lambda: not alive(folder, "auto") and not alive(folder))


def test_a_killed_worker_is_noticed_the_job_goes_on_once_and_then_fails(folder, submit, start) -> None:
    id, after = submit(lam=1.0, **LONG), submit()
    for attempt in (1, 2):
        process = start()
        assert in_steps(folder, id).attempts == attempt
        process.kill()
        process.wait(timeout=30)
        now = jobs.state(folder, id)
        assert now.status == ("queued" if attempt == 1 else "failed"), "noticed as soon as it is dead"
        assert "ran out of memory" in now.message
    assert now.kind == "crash" and now.remedy
    start(idle_seconds=1.0)
    until(folder, after, "done")
    assert jobs.state(folder, id) == now, "it is not tried for ever"


def test_after_a_kill_runs_that_were_complete_are_not_made_again(folder, submit, start) -> None:
    id = submit(lam=1.0, **LONG | {"num_frames": 9})
    process = start()
    wait_for(lambda: (s := jobs.state(folder, id)).run == 2 and s.step > 3)
    process.kill()
    process.wait(timeout=30)
    [video] = jobs.job(folder, id).files.result.glob("videos/*/i2v.mp4")
    before = video.stat().st_mtime_ns
    start(idle_seconds=1.0)
    ended = until(folder, id, "done")
    assert video.stat().st_mtime_ns == before and ended.attempts == 2
    assert bool(open_study(jobs.job(folder, id).files.result)["complete"].all())


def test_a_worker_that_is_asked_to_end_puts_its_job_back(folder, submit, start) -> None:
    id = submit(**LONG)
    process = start()
    in_steps(folder, id)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    now = jobs.state(folder, id)
    assert (now.status, now.attempts, now.message) == ("queued", 0, "")


def test_cancel_reaches_another_process_and_frees_it_for_the_next(folder, submit, start) -> None:
    id, after = submit(**LONG), submit()
    process = start(idle_seconds=1.0)
    step = in_steps(folder, id)
    assert jobs.cancel(folder, id).status == "running"
    ended = until(folder, id, "cancelled")
    assert ended.pid == process.pid and step.steps == 1000 and ended.step < 1000
    assert until(folder, after, "done").pid == process.pid
    assert process.wait(timeout=60) == 0


def test_memory_that_the_system_refuses_is_told_and_the_worker_goes_on(folder, submit, start) -> None:
    # 6 GiB of address space hold the tiny model; 81 frames of 8000×8000 do not fit.
    id, after = submit(height=16 * 500, width=16 * 500, num_frames=81), submit()
    process = start(idle_seconds=1.0, before="ulimit -v 6291456")
    ended = until(folder, id, "failed")
    assert ended.kind == "memory" and "smaller size" in ended.remedy
    assert until(folder, after, "done").pid == process.pid


def test_after_an_unforeseen_error_a_new_process_takes_the_next_job(folder, submit, own_pair, environment) -> None:
    config = own_pair("broken", "cogvideox") / "i2v" / "vae" / "config.json"
    config.write_text(config.read_text().replace('"scaling_factor": ', '"scaling_factor": "abc", "was": '))
    id, after = submit(pair="broken", height=32, width=48, guidance_scale=4.0), submit()
    assert jobs.ensure_worker(folder, device="cpu", idle_seconds=1.0)
    ended = until(folder, id, "failed")
    assert ended.kind == "defect"
    assert until(folder, after, "done").attempts == 1
    wait_for(lambda: not alive(folder))


def test_a_detached_worker_holds_nothing_of_its_starter(folder, submit, environment) -> None:
    submit(**LONG)
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    assert jobs.ensure_worker(folder, device="cpu", idle_seconds=1.0)
    os.close(writer)
    pid = in_steps(folder, jobs.jobs(folder)[0].id).pid
    assert os.read(reader, 1) == b"", "the pipe is closed: the worker has no copy of it"
    os.close(reader)
    assert os.getsid(pid) == pid and os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not alive(folder))
