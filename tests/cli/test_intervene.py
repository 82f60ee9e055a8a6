"""`probe intervene`, `probe info --verify` and `probe report`: requests, refusals, damaged data."""

from __future__ import annotations

import json
import re
from html import escape

import numpy as np
import pytest

from dymos_probe.store import forget_run, open_study

SMALL = ("--num-frames", "9", "--steps", "2", "--device", "cpu")
PROMPT = "A dog runs across a beach"


def test_strengths_of_every_kind_are_added_and_told_as_one_json_document(probe, study):
    command = ("intervene", study, "--lam=-1,0,0.6,inf,-inf", "--step-ratio", "0.5")
    plan = json.loads(probe(*command, "--dry-run", "--json").out)
    names = ["i2v_lam-1_ratio0.5", "i2v", "i2v_lam0.6_ratio0.5", "i2v_laminf_ratio0.5", "i2v_lam-inf_ratio0.5"]
    assert plan["conditions"] == names and plan["made"] == 0
    assert [condition for _, condition in plan["missing"]] == [name for name in names if name != "i2v"]
    answer = probe(*command, "--json")
    assert answer.err == "" and json.loads(answer.out)["made"] == 4
    ds = open_study(study)
    assert bool(ds["complete"].all())
    np.testing.assert_array_equal(ds["lam"].sel(condition=names), [-1, 0, 0.6, np.inf, -np.inf])
    rows = {row["condition"]: row for row in json.loads(probe("info", study, "--json").out)["conditions"]}
    assert rows["i2v_laminf_ratio0.5"]["lam"] == "inf" and rows["i2v_laminf_ratio0.5"]["dominance"] == 0.0
    again = probe(*command)
    assert "5 conditions × 1 sample, 5 there already" in again.out and "made 0 runs" in again.out and not again.err


def test_every_option_of_a_bias_reaches_its_condition(probe, study):
    options = "--schedule linear --layers 0-1 --heads 1 --query-frames 2 --key-frame 1 --branches both --arm t2v"
    answer = probe("intervene", study, "--lam", "2", "--step-ratio", "1", *options.split())
    assert answer.status == 0
    found = open_study(study).isel(sample=0, condition=-1)
    columns = ("arm", "lam", "step_ratio", "schedule", "bias_layers", "bias_heads", "bias_query_frames",
               "bias_key_frame", "bias_branches")  # fmt: skip
    assert [found[name].item() for name in columns] == ["t2v", 2, 1, "linear", "0-1", "1", "2", 1, "cond+uncond"]
    assert bool(found["complete"])


def test_alg_is_recorded_like_any_other_condition(probe, study, tmp_path, monkeypatch):
    command = ("intervene", study, "--method", "alg", "--json")
    plan = json.loads(probe(*command, "--dry-run").out)
    assert plan["conditions"] == ["i2v_alg_resize0.25_0-0.04"] and len(plan["missing"]) == 1
    answer = probe(*command)
    assert answer.status == 0 and answer.err == "" and json.loads(answer.out)["made"] == 1
    again = probe("intervene", study, "--method", "alg")
    assert "1 condition × 1 sample, 1 there already" in again.out and "made 0 runs" in again.out
    row = json.loads(probe("info", study, "--json").out)["conditions"][-1]
    assert (row["method"], row["arm"], row["lam"], row["step_ratio"]) == ("alg", "i2v", None, None)
    assert row["complete"] == 1 and row["distance"] > 0
    assert re.search(r"i2v_alg_resize0\.25_0-0\.04 +i2v +— +1/1", probe("info", study).out)
    # More λ beside it, and a report of both.
    assert probe("intervene", study, "--lam", "1").status == 0
    monkeypatch.setenv("PATH", "")  # without a browser: drawing PNG takes seconds and is tested with the figures
    assert probe("report", study, "--out", tmp_path / "report").status == 0
    assert "i2v_alg_resize0.25_0-0.04,i2v,,,," in (tmp_path / "report" / "conditions.csv").read_text()


def test_every_option_of_alg_reaches_its_condition(probe, study):
    blur = "--alg-filter gaussian_blur --alg-blur-sigma 1.5 --alg-blur-kernel-size"
    linear = "--alg-strength linear --alg-linear-start-weight 1 --alg-linear-end-weight 0.5 --alg-linear-end-time 0.7"
    asked = {
        "resize0.5_0.1-0.3": "--alg-resize-factor 0.5 --alg-interval-start 0.1 --alg-interval-end 0.3",
        "blur1.5k3_0-0.04": f"{blur} 3",
        "blur1.5k0.3_linear1-0.5-0.7": f"{blur} 0.3 {linear}",
        "resize0.25_exponential7": "--alg-strength exponential --alg-exp-decay-rate 7",
        "resize0.25_always": "--alg-strength none",
    }
    for name, arguments in asked.items():
        plan = json.loads(probe("intervene", study, "--method", "alg", *arguments.split(), "--dry-run", "--json").out)
        # From 0.1 to 0.3 is none of two steps, so that one is the untouched model.
        assert plan["conditions"] == ["i2v" if "0.1-0.3" in name else f"i2v_alg_{name}"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "dynamic", "--lam", "1"], "method 'dynamic' is unknown; choose dymos or alg"),
        (["--method", "alg", "--lam", "1", "--heads", "0"], "--lam, --heads cannot be given with --method alg"),
        (["--method", "alg", "--arm", "t2v"], "arm 't2v' has no reference image for ALG to filter; choose i2v"),
        (["--method", "alg", "--arm", "v2v"], "arm 'v2v' is unknown"),
        (["--method", "alg", "--alg-resize-factor", "0"], "resize_factor 0.0 is outside (0, 1]"),
        (["--method", "alg", "--alg-blur-sigma", "1"], "blur_sigma 1.0 does nothing with filter 'down_up'"),
        (["--method", "alg", "--alg-filter", "gaussian_blur"], "filter 'gaussian_blur' needs blur_sigma"),
        (["--method", "alg", "--alg-filter", "median"], "filter 'median' is unknown; choose one of down_up, gaussian"),
        (["--method", "alg", "--alg-blur-kernel-size", "wide"], "alg-blur-kernel-size 'wide' is neither"),
        (["--method", "alg", "--alg-strength", "linear"], "strength 'linear' needs linear_start_weight"),
        (["--method", "alg", "--alg-interval-end", "1.5"], "interval_end 1.5 is outside [0, 1]"),
        (["--method", "alg", "--steps", "9"], "--steps cannot change within a study"),
        (["--lam", "1", "--alg-strength", "none"], "--alg-strength can only be given with --method alg"),
        ([], "--lam is missing; give one λ or several, such as --lam=-1,0.6,1"),
    ],
)
def test_a_wrong_request_of_a_method_is_one_line_and_changes_nothing(refused, study, contents, arguments, words):
    before = contents(study)
    assert words in refused(2, "intervene", study, *arguments)
    assert contents(study) == before


def test_a_kernel_that_does_not_fit_the_latents_is_one_line_and_leaves_the_study_whole(refused, probe, study):
    command = ("--method", "alg", "--alg-filter", "gaussian_blur", "--alg-blur-sigma", "1")
    line = refused(2, "intervene", study, *command, "--alg-blur-kernel-size", "99")
    assert "blur_kernel_size 99 does not fit latents of" in line
    assert probe("intervene", study, *command, "--alg-blur-kernel-size", "3").status == 0


def test_one_video_comes_from_an_image_without_a_study(probe, refused, recorded, tmp_path):
    image = next(recorded.glob("images/*.png"))
    out = tmp_path / "one.mp4"
    command = ("intervene", "--image", image, "--prompt", PROMPT, "--lam", "0.6", *SMALL, "--out")
    answer = probe(*command, out)
    assert answer.status == 0 and answer.err == "" and re.fullmatch(rf"wrote {out} at λ=0.6 in .* s\n", answer.out)
    before = out.read_bytes()
    assert "exists; give a new file name" in refused(2, *command, out)
    assert out.read_bytes() == before
    document = json.loads(probe(*command, tmp_path / "two.mp4", "--json").out)
    assert document["lam"] == 0.6 and (tmp_path / "two.mp4").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lam", "strong"], "lam 'strong' is not a number"),
        (["--lam", "1,,2"], "is not a number or a comma-separated list"),
        (["--lam", "nan"], "lam is NaN; give a number, inf or -inf"),
        (["--lam", "1", "--step-ratio", "1.01"], "step_ratio 1.01 is outside [0, 1]"),
        (["--lam", "1", "--step-ratio", "nan"], "step_ratio nan is outside"),
        (["--lam", "1", "--layers", "9"], "layers 9 does not exist; this model has layers 0 to 3"),
        (["--lam", "1", "--layers", "1-0"], "layers '1-0' is not a list of indices such as 0-9,12"),
        (["--lam", "1", "--layers", "²"], "is not a list of indices"),
        (["--lam", "1", "--layers", "0-99999999999"], "is not a list of indices"),
        (["--lam", "1", "--heads", "0,7"], "heads 7 does not exist"),
        (["--lam", "1", "--query-frames", "3"], "query_frames 3 does not exist"),
        (["--lam", "1", "--key-frame", "3"], "key_frame 3 does not exist; there are latent frames 0 to 2"),
        (["--lam", "1", "--key-frame", "-1"], "key_frame -1 is negative"),
        (["--lam", "1", "--schedule", "cosine"], "schedule 'cosine' is unknown; choose one of uniform, linear, log"),
        (["--lam", "1", "--branches", "all"], "branches 'all' is unknown"),
        (["--lam", "1", "--arm", "v2v"], "arm 'v2v' is unknown"),
        (["--lam", "1", "--steps", "9", "--dtype", "float16"], "--steps, --dtype cannot change within a study"),
        (["--lam", "1", "--seed", "0", "--out", "x.mp4"], "--out, --seed cannot be given with a study"),
        (["--lam", "1", "--image", "x.png"], "give either the folder of a study, or --image"),
    ],
)
def test_a_wrong_request_is_one_line_and_changes_nothing(refused, study, contents, arguments, words):
    before = contents(study)
    assert words in refused(2, "intervene", study, *arguments)
    assert contents(study) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "it takes --prompt TEXT, --out FILE.mp4 and a single --lam"),
        (["--prompt", "a"], "--out FILE.mp4"),
        (["--prompt", "a", "--out", "a.gif"], "must end in .mp4"),
        (["--prompt", "a", "--out", "a.mp4", "--lam=1,2"], "a single --lam"),
        (["--prompt", "a", "--out", "a.mp4", "--workers", "2"], "--workers cannot be given with --image"),
        (["--prompt", "a", "--out", "a.mp4", "--dry-run"], "--dry-run cannot be given with --image"),
        (["--prompt", "a", "--out", "a.mp4", "--arm", "t2v"], "--arm cannot be given with --image"),
        (["--prompt", "a", "--out", "a.mp4", "--method", "dymos"], "--method cannot be given with --image"),
        (["--prompt", "a", "--out", "a.mp4", "--t2v", "x"], "--t2v and --i2v make a pair together"),
        (["--prompt", "a", "--out", "a.mp4", "--seed", "-5"], "seed -5 must be between"),
        (["--prompt", "a", "--out", "a.mp4", "--layers", "9"], "layers 9 does not exist"),
        (["--prompt", "a", "--out", "a.mp4", "--steps", "0"], "num_inference_steps 0 must be at least 1"),
        (["--prompt", "a", "--out", "a.mp4", "--height", "40"], "height 40 does not fit cogvideox"),
        (["--prompt", "a", "--out", "picture.png/a.mp4"], "cannot be a folder"),
    ],
)
def test_a_wrong_request_for_one_video_is_one_line_and_makes_none(
    refused, recorded, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.png").write_bytes(next(recorded.glob("images/*.png")).read_bytes())
    standard = [part for pair in zip(SMALL[::2], SMALL[1::2], strict=True) if pair[0] not in arguments for part in pair]
    lam = [] if any("--lam" in argument for argument in arguments) else ["--lam", "1"]
    line = refused(2, "intervene", "--image", "picture.png", *arguments, *lam, *standard)
    assert words in line
    assert [f.name for f in tmp_path.iterdir()] == ["picture.png"]


def test_a_missing_study_and_a_folder_that_is_none_are_told_apart(refused, tmp_path):
    for command in (("info",), ("report",), ("intervene", "--lam", "1")):
        assert "there is no study at" in refused(2, *command, tmp_path / "none")
        assert "is no study: it has no study.json" in refused(2, *command, tmp_path)


def damage(shard, how):
    data = bytearray(shard.read_bytes())
    if how == "truncated":
        data = data[: len(data) // 2]
    elif how == "flipped":
        data[len(data) // 3] ^= 0x10
    elif how == "emptied":
        data.clear()
    shard.write_bytes(data) if how != "missing" else shard.unlink()


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied", "missing"])
@pytest.mark.parametrize("variable", ["attention", "attention_mean", "dominance"])
def test_a_damaged_chunk_is_found_and_named_and_never_averaged(probe, refused, study, variable, how):
    shards = sorted(f for f in (study / "attention.zarr" / variable / "c" / "0" / "1").rglob("*") if f.is_file())
    damage(shards[0], how)
    sample = str(open_study(study)["sample"].values[0])
    line = refused(2, "info", study, "--verify")
    assert f"1 of the runs in {study} are damaged: i2v of {sample}" in line and "forget_run" in line
    # Info and report read the means alone, and refuse to go on from damaged ones; info has no use for single heads.
    reading = {"attention_mean": ("info", "report"), "dominance": ("report",)}
    for command in reading.get(variable, ()):
        assert "is damaged on disk" in refused(2, command, study)
    assert variable != "attention" or probe("info", study).status == 0


def test_a_damaged_run_is_made_again_once_it_is_forgotten(probe, study, recorded):
    shards = [f for f in (study / "attention.zarr" / "attention" / "c" / "0" / "1").rglob("*") if f.is_file()]
    damage(shards[0], "flipped")
    forget_run(study, str(open_study(study)["sample"].values[0]), "i2v")
    assert "made 1 run in" in probe("record", "--prompt", PROMPT, *SMALL, "--out", study).out
    assert probe("info", study, "--verify").status == 0
    np.testing.assert_array_equal(open_study(study)["attention"], open_study(recorded)["attention"])


def test_damaged_labels_are_told_in_one_line(refused, study):
    for name in ("sample/c/0", "complete/c/0/0", "prompt/zarr.json"):
        file = study / "attention.zarr" / name
        kept = file.read_bytes()
        file.write_bytes(b"\x01" * 7)
        if name != "prompt/zarr.json":  # the consolidated metadata stands in for that one
            for command in (("info",), ("report",), ("intervene", "--lam", "1")):
                assert "damaged" in refused(2, *command, study)
        file.write_bytes(kept)


def test_a_report_is_one_page_with_a_table_beside_it(probe, study, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # without a browser: drawing PNG takes seconds and is tested with the figures
    answer = probe("report", study, "--out", tmp_path / "report", "--json")
    document = json.loads(answer.out)
    assert answer.status == 0 and answer.err == ""
    names = {path.rsplit("/", 1)[1] for path in document["written"]}
    assert {"index.html", "conditions.csv"} <= names
    assert "difference_map.png" in names or document["left_out"]
    assert (tmp_path / "report" / "conditions.csv").read_text().count("\n") == 3
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    shown = probe("report", study, "--out", tmp_path / "report").out.splitlines()
    assert shown[: len(document["summary"]) + 1] == [*document["summary"], ""] and document["summary"]
    assert all(escape(sentence) in page for sentence in document["summary"])
    assert f"wrote {tmp_path / 'report' / 'index.html'}" in shown
    assert any("probe intervene" in line for line in shown), "what a study at λ = 0 alone lacks, and how to get it"
