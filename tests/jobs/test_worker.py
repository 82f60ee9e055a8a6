"""A job becomes a study of one sample, its videos those of the plain pipeline; served here in this process."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

import dymos_probe as dp
from dymos_probe import jobs
from dymos_probe.errors import InputError
from dymos_probe.jobs import worker
from dymos_probe.jobs.folder import files_of
from dymos_probe.jobs.perform import Models
from dymos_probe.jobs.preview import Budget
from dymos_probe.jobs.queue import take
from dymos_probe.pairs import load_pair, load_pipeline
from dymos_probe.runs.images import fit_image, read_image
from dymos_probe.runs.media import to_uint8, write_video
from dymos_probe.store import open_study, verify_study
from tests.jobs.conftest import STEPS

ALWAYS = Budget(least_seconds=0.0, share=float("inf"))


def by_hand(prompt: str, image: Image.Image, *, seed: int = 0, bias: dp.Bias | None = None):
    """Frames of a plain diffusers call, with noise drawn here; hooked only where a bias is asked for."""
    pipe = load_pipeline(load_pair("tiny-cogvideox", device="cpu"), "i2v")
    generator = torch.Generator("cpu").manual_seed(seed)
    noise = torch.randn((1, 3, 4, 32 // 8, 48 // 8), generator=generator)

    def call():
        return pipe(
            prompt=prompt, negative_prompt="", image=fit_image(image, 48, 32), height=32, width=48, num_frames=9,
            num_inference_steps=STEPS, guidance_scale=4.0, max_sequence_length=40, latents=noise,
            generator=generator, output_type="np",
        ).frames[0]  # fmt: skip

    if bias is None:
        return call()
    with dp.attach(pipe, record=False, bias=bias):
        return call()


def serve_with_previews(folder, models: Models | None = None) -> None:
    """Make the waiting jobs with a preview after every step."""
    while (files := take(folder, "cpu", 1)) is not None:
        worker.run_job(files, device="cpu", models=models or Models(), budget=ALWAYS)


def test_both_runs_are_recorded_and_open_as_a_study(folder, submit, make) -> None:
    id = submit(lam=1.0, step_ratio=0.5, layers=(1,))
    ended = make(id)
    assert (ended.status, ended.run, ended.runs, ended.progress, ended.message) == ("done", 2, 2, 1.0, "")
    files = jobs.job(folder, id).files
    ds = dp.open_study(files.result)
    assert ds["condition"].values.tolist() == ["i2v", "i2v_lam1_ratio0.5_L1"]
    assert bool(ds["complete"].all()) and verify_study(files.result) == []
    np.testing.assert_allclose((ds["attention"].sum("key_frame") + ds["text_mass"]).values, 1.0, atol=1e-5)
    weight = ds.probe.dominance(keep=("layer",)).sel(condition=["i2v", "i2v_lam1_ratio0.5_L1"]).values
    assert weight[0, 0] == pytest.approx(weight[1, 0], abs=0.02) and weight[1, 1] < weight[0, 1]
    shown, given = read_image(files.result / str(ds["image"].values[0])), read_image(files.reference)
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(fit_image(given, 48, 32)))
    assert sorted(path.name for path in files.result.glob("videos/*/*")) == ["i2v.mp4", "i2v_lam1_ratio0.5_L1.mp4"]


def test_analyses_that_need_t2v_refuse_clearly_unless_it_was_asked_for(folder, submit, make) -> None:
    without, with_it = submit(lam=1.0), submit(lam=1.0, with_t2v=True)
    make(with_it)
    for analysis in ("difference", "distance"):
        with pytest.raises(InputError, match="T2V"):
            getattr(dp.open_study(jobs.job(folder, without).files.result).probe, analysis)()
    ds = dp.open_study(jobs.job(folder, with_it).files.result)
    assert ds.probe.difference(lam=1.0).shape == (3, 3) and ds.probe.distance().sizes["lam"] == 2


def test_without_an_image_the_first_frame_of_t2v_is_the_reference(folder, submit, make, tmp_path) -> None:
    id = submit(image=None, with_t2v=True)
    assert make(id).runs == 2
    dp.record("tiny-cogvideox", ["a red square"], out=tmp_path / "recorded", num_frames=9, num_inference_steps=STEPS)
    ours, theirs = (open_study(p).load() for p in (jobs.job(folder, id).files.result, tmp_path / "recorded"))
    assert ours.drop_attrs().identical(theirs.drop_attrs()), "the same as `probe record` makes"


def test_with_lambda_zero_there_is_one_run(folder, submit, make) -> None:
    id = submit(lam=0.0)
    assert make(id).runs == 1
    assert dp.open_study(jobs.job(folder, id).files.result)["condition"].values.tolist() == ["i2v"]


def test_videos_are_bit_identical_to_plain_calls_though_every_step_is_previewed(
    folder, submit, picture, tmp_path, monkeypatch
) -> None:
    drawn = []
    plain = worker.perform.__globals__["Reporter"].step_end
    monkeypatch.setattr(
        worker.perform.__globals__["Reporter"],
        "step_end",
        lambda self, pipe, end, decode: (plain(self, pipe, end, decode=decode), drawn.append(self.state.preview)),
    )
    id = submit(lam=1.0, step_ratio=1.0, seed=5)
    serve_with_previews(folder)
    files = jobs.job(folder, id).files
    assert len(set(drawn)) == 2 * STEPS and all("each decoded alone" in text for text in drawn)
    assert read_image(files.preview).size == (3 * 288 + 2 * 4, 192), "three latent frames, six times as large"
    image = read_image(files.reference)
    for condition, bias in (("i2v", None), ("i2v_lam1_ratio1", dp.Bias(lam=1.0))):
        write_video(tmp_path / "v.mp4", to_uint8(by_hand("a red square", image, seed=5, bias=bias)), fps=8)
        [video] = files.result.glob(f"videos/*/{condition}.mp4")
        assert video.read_bytes() == (tmp_path / "v.mp4").read_bytes(), condition


def test_the_model_stays_loaded_for_the_next_job_and_makes_the_same_of_it(
    folder, submit, own_pair, monkeypatch
) -> None:
    loaded = []
    monkeypatch.setitem(
        Models.get.__globals__, "load_pipeline", lambda pair, arm: (loaded.append(arm), load_pipeline(pair, arm))[1]
    )
    first, second = submit(lam=1.0), submit(lam=1.0)
    third = submit("something else", with_t2v=True)
    own_pair("mine")
    fourth = submit(pair="mine", height=32, width=48, guidance_scale=4.0)
    serve_with_previews(folder, Models())
    assert loaded == ["i2v", "t2v", "i2v", "i2v"], "one model at a time, the last one kept, never that of another pair"
    assert jobs.state(folder, fourth).status == "done"
    videos = [
        {path.name: path.read_bytes() for path in jobs.job(folder, id).files.result.glob("videos/*/*")}
        for id in (first, second, third)
    ]
    assert videos[0] == videos[1] and set(videos[2]) == {"t2v.mp4", "i2v.mp4"}


def test_a_cancelled_job_ends_within_one_step_and_the_next_is_as_if_nothing_had_been(
    folder, submit, held, monkeypatch
) -> None:
    id, after, alone = submit(lam=1.0), submit(seed=1), submit(seed=1)
    steps = []
    reporter = worker.perform.__globals__["Reporter"]
    plain = reporter.step

    def step(self, run, step, steps_of):
        steps.append((run.way.id, step))
        if len(steps) == STEPS + 2:  # the second step of the second run
            jobs.cancel(folder, id)
        plain(self, run, step, steps_of)

    monkeypatch.setattr(reporter, "step", step)
    models = Models()
    files = take(folder, "cpu", 1)
    worker.run_job(files, device="cpu", models=models)
    ended = jobs.state(folder, id)
    assert ended.status == "cancelled" and ended.message == "Cancelled in run 2 of 2."
    assert steps[-1] == ("i2v_lam1_ratio0.2", 1) and len(steps) == STEPS + 2, "no step after it"
    kept = dp.open_study(files.result)
    assert kept["complete"].values.tolist() == [[True, False]], "the run that was complete is kept"
    monkeypatch.undo()
    worker.run_job(take(folder, "cpu", 1), device="cpu", models=models)
    worker.run_job(take(folder, "cpu", 1), device="cpu", models=Models())
    [one], [other] = (jobs.job(folder, i).files.result.glob("videos/*/i2v.mp4") for i in (after, alone))
    assert one.read_bytes() == other.read_bytes()


def test_a_job_begun_again_makes_only_what_its_result_lacks(folder, submit, monkeypatch) -> None:
    id = submit(lam=1.0)
    reporter = worker.perform.__globals__["Reporter"]
    made = []
    plain = reporter.done
    monkeypatch.setattr(reporter, "done", lambda self, run: (made.append(run.way.id), plain(self, run)))

    def stop_in_second_run(self, run, step, steps):
        if run.way.bias is not None:
            raise worker.StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(reporter, "step", stop_in_second_run)
        with pytest.raises(worker.StoppedError):
            worker.run_job(take(folder, "cpu", 1), device="cpu", models=Models())
    assert jobs.state(folder, id).status == "queued" and jobs.state(folder, id).attempts == 0
    serve_with_previews(folder)
    assert made == ["i2v", "i2v_lam1_ratio0.2"] and jobs.state(folder, id).status == "done"
    assert jobs.state(folder, id).progress == 1.0


def test_a_second_worker_of_a_folder_and_device_leaves_at_once(folder, submit, held) -> None:
    submit()
    assert worker.work(folder, device="cpu", idle_seconds=0.0) is worker.End.OTHER
    assert jobs.jobs(folder)[0].state.status == "queued"


def test_the_estimate_before_the_first_step_is_that_of_an_earlier_job_like_it(folder, submit, make, monkeypatch):
    first = make(submit(lam=1.0))
    assert first.step_seconds > 0 and first.overhead_seconds > 0
    seen = []
    reporter = worker.perform.__globals__["Reporter"]
    plain = reporter.loading
    monkeypatch.setattr(reporter, "loading", lambda self, arm: (plain(self, arm), seen.append(self.state)))
    make(submit(lam=1.0))
    make(submit(lam=1.0, num_inference_steps=STEPS + 1))
    make(submit(lam=1.0, num_frames=17))
    same, longer, other = seen
    wanted = 2 * STEPS * first.step_seconds + 2 * first.overhead_seconds
    assert same.estimate_from == "earlier jobs" and same.seconds_left == pytest.approx(wanted)
    assert longer.seconds_left is not None, "another number of steps is the same work a step"
    assert other.seconds_left is None, "another size is not"


def test_the_room_to_say_how_a_job_ended_is_given_back(folder, submit, make) -> None:
    id = submit()
    files = files_of(folder, id)
    taken = take(folder, "cpu", 1)
    taken.reserve()
    assert (files.path / "reserve").stat().st_size >= 2**16
    files.write_state(dataclasses.replace(files.read_state(), status="queued"))
    make(id)
    assert not (files.path / "reserve").exists()
