"""`record` makes the study the design describes, and every run in it is what the pipeline gives by hand."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import dymos_probe as dp
from dymos_probe.errors import InputError, StudyError
from dymos_probe.runs.record import plan_record
from dymos_probe.store import verify_study

PROMPTS = ["A dog runs across a beach", "A cat leaps over a wall"]
SEEDS = [0, 3]


@pytest.fixture(scope="module")
def study(tmp_path_factory, settings):
    return dp.record("tiny-cogvideox", PROMPTS, out=tmp_path_factory.mktemp("made") / "study", seeds=SEEDS, **settings)


def one(study, prompt, seed):
    ds = dp.open_study(study)
    sample = next(
        str(s)
        for s, p, n in zip(ds["sample"].values, ds["prompt"].values, ds["seed"].values, strict=True)
        if (p, n) == (prompt, seed)
    )
    return ds.sel(sample=sample), sample


def test_a_study_holds_both_arms_of_every_prompt_and_seed_labelled(study):
    ds = dp.open_study(study)
    assert list(ds["attention"].dims) == [
        "sample", "condition", "branch", "step", "layer", "head", "query_frame", "key_frame",
    ]  # fmt: skip
    assert dict(ds.sizes) == {
        "sample": 4, "condition": 2, "branch": 1, "step": 3, "layer": 2, "head": 2, "query_frame": 3, "key_frame": 3,
    }  # fmt: skip
    assert [(str(p), int(s)) for p, s in zip(ds["prompt"].values, ds["seed"].values, strict=True)] == [
        (prompt, seed) for prompt in PROMPTS for seed in SEEDS
    ]
    assert ds["condition"].values.tolist() == ["t2v", "i2v"]
    assert ds["arm"].values.tolist() == ["t2v", "i2v"]
    assert ds["lam"].values.tolist() == [0.0, 0.0] and ds["method"].values.tolist() == ["none", "none"]
    assert ds["branch"].values.tolist() == ["cond"]
    assert bool(ds["complete"].all())
    np.testing.assert_allclose(ds["attention"].sum("key_frame") + ds["text_mass"], 1.0, atol=1e-5)
    assert verify_study(study) == []


@pytest.mark.parametrize(("prompt", "seed"), [(PROMPTS[0], 3), (PROMPTS[1], 0)])
def test_what_is_recorded_is_what_attach_records_around_the_pipeline_in_both_arms_from_one_noise(
    study, by_hand, prompt, seed
):
    ds, sample = one(study, prompt, seed)
    image = study / "images" / f"{sample}.png"
    t2v, i2v = by_hand("t2v", prompt, seed), by_hand("i2v", prompt, seed, image=image)
    for arm, run in (("t2v", t2v), ("i2v", i2v)):
        found = ds.sel(condition=arm)
        np.testing.assert_array_equal(found["attention"], run.attention)
        np.testing.assert_array_equal(found["text_mass"], run.text_mass)
        np.testing.assert_array_equal(found["timestep"], run.attention["timestep"])
    assert not np.array_equal(t2v.attention, i2v.attention)
    first = (t2v.frames[0] * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(image)), first)


def test_videos_play_in_browsers_and_show_what_was_generated(study, by_hand):
    _, sample = one(study, PROMPTS[0], 0)
    file = study / "videos" / sample / "t2v.mp4"
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 8)
        shown = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
    data = file.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat"), "a browser may start before the file has come"
    made = by_hand("t2v", PROMPTS[0], 0).frames * 255
    assert shown.shape == made.shape == (9, 32, 48, 3)
    # Colour at half resolution and lossy coding: near in the mean, not equal.
    assert abs(shown.mean(axis=(1, 2)) - made.mean(axis=(1, 2))).max() < 6
    assert abs(shown.mean(axis=3) - made.mean(axis=3)).mean() < 6
    others = [np.roll(made, shift, axis=0) for shift in (1, 4)]
    error = abs(shown - made).mean()
    assert all(error < abs(shown - other).mean() for other in others), "frames are in order"


def test_study_json_says_what_was_run_with_what_and_how_the_noise_was_shared(study):
    config = json.loads((study / "study.json").read_text())["config"]
    assert config["pair"]["preset"] == "tiny-cogvideox"
    for arm, name in (("t2v", "CogVideoXPipeline"), ("i2v", "CogVideoXImageToVideoPipeline")):
        model = config["pair"][arm]
        assert model["pipeline"] == name and Path(model["folder"]).is_dir() and len(model["sha256"]) == 64
    assert config["generation"] == {
        "height": 32, "width": 48, "num_frames": 9, "num_inference_steps": 3, "guidance_scale": 4.0,
        "negative_prompt": "", "extra": {"max_sequence_length": 40},
    }  # fmt: skip
    assert config["record"] == {"mode": "observe", "branches": "cond"}
    assert "drawn once" in config["noise"] and "both arms as latents" in config["noise"]
    assert {"torch", "diffusers", "transformers", "dymos-probe"} <= config["versions"].keys()
    assert config["dtype"] == "float32" and config["fps"] == 8


def test_the_same_command_again_makes_nothing_and_changes_no_byte(study, settings, contents):
    before = contents(study)
    dp.record("tiny-cogvideox", PROMPTS, out=study, seeds=SEEDS, **settings)
    assert contents(study) == before


def test_a_longer_list_adds_samples_and_leaves_the_others_alone(tmp_path, settings, contents):
    out = tmp_path / "study"
    dp.record("tiny-cogvideox", PROMPTS[:1], out=out, **settings)
    before, old = contents(out), dp.open_study(out).load()
    dp.record("tiny-cogvideox", [PROMPTS[1], PROMPTS[0]], out=out, **settings)
    after, ds = contents(out), dp.open_study(out)
    assert ds["prompt"].values.tolist() == PROMPTS and bool(ds["complete"].all())
    for name in ("attention", "text_mass", "dominance"):
        np.testing.assert_array_equal(ds[name].isel(sample=[0]), old[name])
    runs = [name for name in before if "/attention/c/" in name or name.startswith(("videos", "images"))]
    assert len(runs) == 2 + 2 + 1 and all(after[name] == before[name] for name in runs)


def test_a_deleted_reference_image_is_made_again_with_its_run(tmp_path, settings, contents):
    out = dp.record("tiny-cogvideox", PROMPTS[:1], out=tmp_path / "study", **settings)
    before = contents(out)
    image = next(out.glob("images/*.png"))
    image.unlink()
    with pytest.raises(InputError, match=r"has no reference image .* run the `probe record` command"):
        dp.intervene(out, lam=1)
    dp.record("tiny-cogvideox", PROMPTS[:1], out=out, **settings)
    assert contents(out)[f"images/{image.name}"] == before[f"images/{image.name}"]
    assert dp.open_study(out)["complete"].sel(condition=["t2v", "i2v"]).all()


def test_an_image_of_the_prompt_file_is_the_reference_image(tmp_path, settings, by_hand):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "beach.png")
    (tmp_path / "prompts.txt").write_text(f"beach.png||{PROMPTS[0]}\n{PROMPTS[0]}\n")
    out = dp.record("tiny-cogvideox", tmp_path / "prompts.txt", out=tmp_path / "study", **settings)
    ds = dp.open_study(out)
    assert ds.sizes["sample"] == 2, "the same prompt with and without an image are two samples"
    image = out / str(ds["image"].values[0])
    np.testing.assert_array_equal(np.asarray(Image.open(image)), picture)
    run = by_hand("i2v", PROMPTS[0], 0, image=tmp_path / "beach.png")
    np.testing.assert_array_equal(ds["attention"].isel(sample=0).sel(condition="i2v"), run.attention)
    np.testing.assert_array_equal(*(ds["attention"].sel(condition="t2v").isel(sample=i) for i in (0, 1)))
    assert not np.array_equal(*(ds["attention"].sel(condition="i2v").isel(sample=i) for i in (0, 1)))


def test_the_images_of_vbench_are_taken_from_the_crop_nearest_to_the_video(tmp_path, settings):
    row = {"prompt_en": PROMPTS[0], "dimension": ["i2v_subject"], "image_type": "animal", "image_name": "dog.jpg"}
    (tmp_path / "vbench2_i2v_full_info.json").write_text(json.dumps([row]))
    for crop in ("1-1", "8-5", "7-4", "16-9"):
        (tmp_path / "crop" / crop).mkdir(parents=True)
        Image.new("RGB", (32, 20)).save(tmp_path / "crop" / crop / "dog.jpg")
    plan = plan_record("tiny-cogvideox", tmp_path / "vbench2_i2v_full_info.json", out=tmp_path / "study", **settings)
    # 48×32 pixels are 1.5 to 1.
    assert [image.parent.name for image in plan.images.values()] == ["8-5"]


def test_fused_recording_gives_the_maps_of_observing(study, tmp_path, settings):
    fused = dp.record("tiny-cogvideox", PROMPTS[:1], out=tmp_path / "fused", record_mode="fused", **settings)
    observed = dp.open_study(study).isel(sample=[0])
    ds = dp.open_study(fused)
    assert ds["sample"].values.tolist() == observed["sample"].values.tolist()
    for name in ("attention", "text_mass"):
        np.testing.assert_allclose(ds[name], observed[name], rtol=2e-5, atol=1e-6)


def test_both_branches_are_recorded_when_asked(tmp_path, settings, study):
    both = dp.record("tiny-cogvideox", PROMPTS[:1], out=tmp_path / "both", branches="both", **settings)
    ds = dp.open_study(both)
    assert ds["branch"].values.tolist() == ["cond", "uncond"]
    cond, uncond = ds["attention"].sel(branch="cond"), ds["attention"].sel(branch="uncond")
    np.testing.assert_array_equal(cond, dp.open_study(study).isel(sample=[0], branch=0)["attention"])
    assert abs(cond - uncond).max() > 1e-4


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"num_inference_steps": 4}, "generation.num_inference_steps = 3, now .* 4 is asked"),
        ({"guidance_scale": 5.0}, "generation.guidance_scale = 4.0, now .* 5.0"),
        ({"record_mode": "fused"}, "record.mode = observe, now record.mode = fused"),
        ({"branches": "both"}, "record.branches"),
        ({"dtype": "bfloat16"}, "dtype = float32"),
        ({"negative_prompt": "blur"}, "generation.negative_prompt"),
    ],
)
def test_a_study_of_other_settings_is_not_mixed_with(study, settings, contents, changed, words):
    before = contents(study)
    with pytest.raises(StudyError, match=words):
        dp.record("tiny-cogvideox", PROMPTS, out=study, **(settings | changed))
    assert contents(study) == before


def test_a_study_of_another_pair_is_not_mixed_with(study, settings, contents, tmp_path):
    from dymos_probe.testing import save_pair

    save_pair("cogvideox", tmp_path, seed=1)
    sizes = {"height": 32, "width": 48, "guidance_scale": 4.0, "extra": {"max_sequence_length": 40}}
    before = contents(study)
    with pytest.raises(StudyError, match=r"pair\.(scheduler|t2v\.sha256)"):
        dp.record(tmp_path, PROMPTS, out=study, **settings, **sizes)
    assert contents(study) == before


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"latents": 0}, "extra 'latents' is set by"),
        ({"height": 64}, "extra 'height' is set by"),
        ({"max_seq": 4}, "extra 'max_seq' is no argument of CogVideoXPipeline; it takes .*max_sequence_length"),
        ({"num_frames_": 4}, "num_frames_"),
    ],
)
def test_a_pipeline_argument_that_is_none_is_refused_before_anything_is_generated(tmp_path, settings, extra, words):
    with pytest.raises(InputError, match=words):
        dp.record("tiny-cogvideox", PROMPTS, out=tmp_path / "study", extra=extra, **settings)


def test_what_the_pipeline_itself_refuses_is_the_requests_fault(tmp_path, settings):
    with pytest.raises(InputError, match=r"CogVideoXPipeline refuses this request: .*callback"):
        extra = {"callback_on_step_end_tensor_inputs": ["nonsense"]}
        dp.record("tiny-cogvideox", PROMPTS, out=tmp_path / "study", extra=extra, **settings)
