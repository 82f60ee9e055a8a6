"""A study's videos are measured once, whole, and what cannot be measured is counted with its reason."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from dymos_probe.errors import CorruptStoreError, InputError, MissingFileError, StudyError
from dymos_probe.runs.measure import measure_study
from dymos_probe.runs.media import write_video
from dymos_probe.store import (
    Sample,
    completed_runs,
    extend_study,
    forget_run,
    open_study,
    read_config,
    video_path,
    write_metric,
)
from dymos_probe.testing.synthetic import synthetic_study
from studies.sprites.config import VideoConfig
from studies.sprites.data import Clip, render

SIZE = VideoConfig(frames=9)
PACES = {"t2v": 1.0, "i2v": 0.2, "i2v lam=1": 0.6}
SPRITES = ("sprite_along", "sprite_lost_frames")


def drawn(pace, colour="red"):
    clip = Clip(colour=colour, shape="circle", background="navy", direction="right", speed="", radius=6.5,
                start=(14.0, 24.0), pace=pace)  # fmt: skip
    return np.round(render(clip, SIZE).video * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def drawn_videos():
    return {condition: drawn(pace) for condition, pace in PACES.items()}


@pytest.fixture
def study(tmp_path, drawn_videos):
    """Two samples under three conditions, their prompts without a direction, their videos drawn."""
    path = synthetic_study(tmp_path / "study", samples=["a", "b"], lams=[1.0]).path
    for sample, condition in completed_runs(path):
        write_video(video_path(path, sample, condition), drawn_videos[condition], fps=8)
    return path


def rows(measures, metric):
    return {row.condition: row for row in measures.rows if row.metric == metric}


def test_values_are_kept_with_what_they_are_and_means_are_over_samples(study):
    measures = measure_study(study, ["sprite_displacement", "optical_flow"])
    assert (measures.made, measures.there) == (12, 0)
    found = open_study(study)["metric_sprite_displacement"]
    assert found.attrs["units"] == "px" and found.attrs["weights"] == "none" and found.attrs["calibrated"] is True
    assert open_study(study)["metric_optical_flow"].attrs["calibrated"] is False
    for condition, pace in PACES.items():
        row = rows(measures, "sprite_displacement")[condition]
        assert row.mean == pytest.approx(8 * pace, abs=0.3) and (row.count, row.without) == (2, {})
        np.testing.assert_allclose(found.sel(condition=condition), row.mean, rtol=1e-6)
    flow = [rows(measures, "optical_flow")[condition].mean for condition in ("i2v", "i2v lam=1", "t2v")]
    assert flow == sorted(flow) and 0.1 < flow[0] < 0.3 and 0.8 < flow[2] < 1.2


def test_the_same_call_again_measures_nothing_and_reads_no_video(study):
    first = measure_study(study, ["sprite_displacement"])
    for sample, condition in completed_runs(study):
        video_path(study, sample, condition).unlink()
    again = measure_study(study, ["sprite_displacement"])
    assert (again.made, again.there) == (0, 6)
    for one, other in zip(first.rows, again.rows, strict=True):
        assert other.mean == pytest.approx(one.mean, rel=1e-6) and other.count == one.count


def test_a_metric_asked_beside_one_that_is_there_is_the_only_one_measured(study):
    measure_study(study, ["frame_difference"])
    both = measure_study(study, ["frame_difference", "sprite_lost_frames"])
    assert (both.made, both.there) == (6, 6)


def test_an_interrupted_measurement_goes_on_with_what_is_missing(study):
    told = []

    def stop(done, runs):
        told.append((done, runs))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_study(study, ["frame_difference"], on_run=stop)
    assert told == [(k, 6) for k in range(5)]
    assert int(open_study(study)["metric_frame_difference"].notnull().sum()) == 4
    rest = measure_study(study, ["frame_difference"])
    assert (rest.made, rest.there) == (2, 4)


def test_what_has_no_value_is_counted_with_its_reason_and_not_written(study):
    lost = drawn(1.0)
    lost[4] = lost[0, :, -1:]
    write_video(video_path(study, "a", "t2v"), lost, fps=8)
    measures = measure_study(study, ["sprite_displacement", *SPRITES])
    row = rows(measures, "sprite_displacement")["t2v"]
    assert (row.count, row.without) == (1, {"the sprite is lost in some frame": 1})
    assert row.mean == pytest.approx(8.0, abs=0.3)
    assert np.isnan(open_study(study)["metric_sprite_displacement"].sel(sample="a", condition="t2v"))
    assert rows(measures, "sprite_lost_frames")["t2v"].mean == 0.5
    along = rows(measures, "sprite_along")["i2v"]
    assert along.mean is None and along.count == 0
    assert list(along.without.values()) == [2] and "direction" in next(iter(along.without))
    assert "metric_sprite_along" not in open_study(study)


def test_a_prompt_with_a_direction_is_measured_along_it(study):
    from dymos_probe.store import write_run
    from dymos_probe.testing.synthetic import SMALL, as_run

    extend_study(study, samples=[Sample(id="c", prompt="a dot moves left", seed=9, image="images/c.png")])
    maps = np.full((2, 6, 3, 2, 4, 4), 0.2)
    write_run(study, as_run("c", "t2v", maps, np.full(maps.shape[:-1], 0.2), SMALL))
    write_video(video_path(study, "c", "t2v"), drawn(1.0), fps=8)
    row = rows(measure_study(study, ["sprite_along"]), "sprite_along")["t2v"]
    assert row.count == 1 and row.mean == pytest.approx(-8.0, abs=0.3)


def test_runs_that_are_not_complete_are_left_out(study):
    measure_study(study, ["frame_difference"])
    forget_run(study, "b", "i2v")
    for condition in PACES:
        forget_run(study, "a", condition)
    measures = measure_study(study, ["frame_difference"])
    assert measures.made == 0
    assert {row.condition: row.count for row in measures.rows} == {"t2v": 1, "i2v lam=1": 1}


def test_the_metrics_suit_the_pair_unless_they_are_named(study):
    assert read_config(study)["pair"] == "synthetic"
    measures = measure_study(study)
    assert [metric.name for metric in measures.metrics] == ["optical_flow", "frame_difference", "psnr_to_reference"]
    twice = measure_study(study, ["frame_difference", "frame_difference"])
    assert (len(twice.metrics), twice.there) == (1, 6)


def test_a_complete_run_without_its_video_is_named_before_anything_is_measured(study):
    gone = video_path(study, "b", "i2v")
    gone.unlink()
    with pytest.raises(MissingFileError, match=f"run i2v of b has no video {gone}.*forget_run"):
        measure_study(study, ["optical_flow"])
    assert "metric_optical_flow" not in open_study(study)


@pytest.mark.parametrize("kept", [0, 100, 0.6])
def test_a_damaged_video_is_named(study, kept):
    file = video_path(study, "a", "t2v")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
    with pytest.raises(CorruptStoreError, match=f"the video {file} .*make its run again"):
        measure_study(study, ["frame_difference"])


def test_wrong_requests_are_refused(study, tmp_path):
    with pytest.raises(InputError, match="'speed' is unknown"):
        measure_study(study, ["speed"])
    with pytest.raises(InputError, match="no metric is named"):
        measure_study(study, [])
    with pytest.raises(MissingFileError, match="no study"):
        measure_study(tmp_path / "nowhere")
    write_metric(study, "frame_difference", "a", "t2v", 1.0, {"units": "px"})
    with pytest.raises(StudyError, match="give the other one a name of its own"):
        measure_study(study, ["frame_difference"])


def test_measuring_loads_no_torch():
    program = "import sys, dymos_probe.runs.measure; print(sorted({'torch', 'diffusers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_a_forgotten_run_loses_its_metrics_and_the_others_keep_theirs(study):
    measure_study(study, ["frame_difference"])
    before = open_study(study)["metric_frame_difference"].load()
    forget_run(study, "a", "t2v")
    after = open_study(study)["metric_frame_difference"].load()
    assert np.isnan(after.sel(sample="a", condition="t2v"))
    assert int(before.notnull().sum()) - int(after.notnull().sum()) == 1
