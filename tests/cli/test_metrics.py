"""`probe metrics`: what it shows, what it leaves in the store, what it refuses."""

from __future__ import annotations

import json

import pytest

from dymos_probe.store import completed_runs, open_study, video_path
from dymos_probe.store.group import array, open_group

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


def test_measure_may_be_named_and_options_may_come_first(probe, study):
    first = probe("metrics", "measure", study, *WEIGHT_FREE)
    assert first.status == 0 and "measured 4 values" in first.out
    turned = probe("metrics", *WEIGHT_FREE, study)
    assert turned.status == 0 and "measured 0 values" in turned.out


def test_help_shows_every_command(probe):
    for arguments in (["metrics", "--help"], ["metrics"]):
        answer = probe(*arguments)
        assert answer.status == 0 and all(f" {name} " in answer.out for name in ("measure", "list", "export", "import"))


def test_list_names_every_metric_and_what_it_misses(probe, tmp_path):
    from dymos_probe.metrics.registry import METRICS

    answer = probe("metrics", "list", "--weights", tmp_path)
    lines = [line.split() for line in answer.out.splitlines()]
    assert answer.status == 0 and [line[0] for line in lines[1 : len(METRICS) + 1]] == list(METRICS)
    assert str(tmp_path) in answer.out and "hf download openai/clip-vit-large-patch14" in answer.out
    document = json.loads(probe("metrics", "list", "--weights", tmp_path, "--json").out)
    assert list(document["metrics"]) == list(METRICS)
    for name, about in document["metrics"].items():
        row = next(line for line in lines if line and line[0] == name)
        assert ("misses" in row) == bool(about["misses"]), row
        assert about["misses"] == [] or about["weights"] != "none"


def test_missing_weights_are_one_line_and_exit_3(refused, study, tmp_path, contents):
    before = contents(study)
    line = refused(3, "metrics", study, "--metric", "optical_flow,laion_aesthetic", "--weights", tmp_path)
    assert "metric laion_aesthetic misses the file clip-vit-large-patch14/config.json" in line
    assert "sa_0_4_vit_l_14_linear.pth" in line and str(tmp_path) in line
    assert contents(study) == before
    assert "no folder of weights" in refused(2, "metrics", study, "--weights", tmp_path / "nowhere")


def test_a_learned_metric_is_kept_with_the_hash_of_its_weights_and_others_are_refused(probe, refused, study, tmp_path):
    import torch
    from transformers import ViTConfig, ViTModel

    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = ViTConfig(**tower, image_size=32, patch_size=8)
    for seed in (0, 1):
        torch.manual_seed(seed)
        ViTModel(config, add_pooling_layer=False).save_pretrained(tmp_path / str(seed) / "dino-vitb16")
    given = ("metrics", study, "--metric", "dino_i2v_subject", "--weights")
    document = json.loads(probe(*given, tmp_path / "0", "--batch", "4", "--json").out)
    assert document["made"] == 2 and all(0.5 < row["mean"] <= 1.0001 for row in document["rows"])
    kept = open_study(study)["metric_dino_i2v_subject"].attrs["weights_sha256"]
    assert list(kept) == ["dino-vitb16/model.safetensors"]
    (tmp_path / "empty").mkdir()
    assert json.loads(probe(*given, tmp_path / "empty", "--json").out)["there"] == 2  # nothing to measure: none is read
    array(open_group(study, "r+"), "metric_dino_i2v_subject")[:] = float("nan")
    assert "weights_sha256" in refused(2, *given, tmp_path / "1")


def test_export_says_where_things_are_and_import_takes_them_back(probe, refused, study, tmp_path):
    out = tmp_path / "out"
    answer = probe("metrics", "export", study, "--out", out)
    assert (
        answer.status == 0 and "2 videos of 2 conditions" in answer.out and "links to the study's files" in answer.out
    )
    assert "--custom_input" in answer.out and "videoscore.csv" in answer.out
    videos = json.loads((out / "manifest.json").read_text())["videos"]
    results = [{"video_path": str(out / row["video"]), "video_results": 0.5} for row in videos]
    (tmp_path / "r_eval_results.json").write_text(json.dumps({"motion_smoothness": [0.5, results]}))
    taken = probe("metrics", "import", study, tmp_path / "r_eval_results.json")
    assert taken.status == 0 and "took in 2 values" in taken.out and "motion_smoothness: 2 values" in taken.out
    document = json.loads(probe("metrics", "import", study, tmp_path / "r_eval_results.json", "--json").out)
    assert (document["made"], document["there"]) == (0, 2)
    assert "not empty" in refused(2, "metrics", "export", study, "--out", out)
    assert "--prefix" not in refused(2, "metrics", "import", study, tmp_path / "gone.csv")
    document = json.loads(probe("metrics", "export", study, "--out", tmp_path / "b", "--copy", "--json").out)
    assert document["videos"] == 2 and not (tmp_path / "b" / videos[0]["video"]).is_symlink()
