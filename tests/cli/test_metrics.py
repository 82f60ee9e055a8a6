"""`probe metrics`: what it shows, what it leaves in the store, what it refuses."""

from __future__ import annotations

import json

import pytest

from dymos_probe.store import completed_runs, open_study, video_path

WEIGHT_FREE = ("--metric", "optical_flow,frame_difference")


def test_metrics_shows_a_mean_for_each_condition_and_keeps_the_values(probe, study):
    answer = probe("metrics", study, *WEIGHT_FREE)
    assert answer.status == 0 and answer.err == ""
    lines = answer.out.splitlines()
    assert lines[0].startswith("measured 4 values in ") and lines[0].endswith("0 there already")
    table = {tuple(line.split()[:2]): line.split()[2:] for line in lines[3:7]}
    assert set(table) == {(m, c) for m in ("optical_flow", "frame_difference") for c in ("t2v", "i2v")}
    ds = open_study(study)
    for (metric, condition), (mean, count, without) in table.items():
        kept = float(ds[f"metric_{metric}"].sel(condition=condition).mean())
        assert float(mean) == pytest.approx(kept, rel=1e-3) and (count, without) == ("1", "0")
    assert "uncalibrated" in answer.out


def test_metrics_again_measures_nothing(probe, study, contents):
    probe("metrics", study, *WEIGHT_FREE)
    before = contents(study)
    answer = probe("metrics", study, *WEIGHT_FREE)
    assert "measured 0 values" in answer.out and "4 there already" in answer.out
    assert contents(study) == before


def test_a_study_of_sprites_is_tracked_unless_told_otherwise(probe, study):
    document = json.loads(probe("metrics", study, "--json").out)
    assert list(document["metrics"]) == [
        "sprite_displacement",
        "sprite_along",
        "sprite_lost_frames",
        "optical_flow",
        "psnr_to_reference",
    ]


@pytest.mark.parametrize(
    "given",
    [
        ("--metric", "sprite_along,frame_difference"),
        ("--metric", "sprite_along", "--metric", "frame_difference"),
        ("--metric", " sprite_along , frame_difference, sprite_along"),
    ],
)
def test_metrics_may_be_named_together_or_one_by_one(probe, study, given):
    answer = probe("metrics", study, *given, "--json")
    document = json.loads(answer.out)
    assert answer.status == 0 and answer.err == ""
    assert list(document["metrics"]) == ["sprite_along", "frame_difference"]
    assert (document["made"], document["there"]) == (2, 0)
    assert document["metrics"]["frame_difference"]["weights"] == "none"
    along = [row for row in document["rows"] if row["metric"] == "sprite_along"]
    assert [(row["mean"], row["count"], sum(row["without"].values())) for row in along] == [(None, 0, 1)] * 2


def test_the_table_says_why_a_value_is_missing(probe, study):
    answer = probe("metrics", study, "--metric", "sprite_along")
    rows = [line for line in answer.out.splitlines() if line.startswith("sprite_along ")]
    assert len(rows) == 2 and all("—" in row and "1: the prompt does not name one direction" in row for row in rows)


@pytest.mark.parametrize("given", ["speed", "optical_flow,speed", ""])
def test_an_unknown_metric_is_one_line_with_those_there_are(refused, study, given, contents):
    before = contents(study)
    line = refused(2, "metrics", study, "--metric", given)
    wrong = given.split(",")[-1]
    assert f"metric '{wrong}' is unknown; choose from sprite_displacement, sprite_along" in line
    assert contents(study) == before


def test_a_folder_that_is_no_study_is_refused(refused, tmp_path):
    assert "there is no study" in refused(2, "metrics", tmp_path / "nowhere")
    assert "is no study" in refused(2, "metrics", tmp_path)


def test_a_missing_video_is_named(refused, study):
    for sample, condition in completed_runs(study):
        if condition == "i2v":
            gone = video_path(study, sample, condition)
            gone.unlink()
    assert str(gone) in refused(2, "metrics", study)
