"""`intervene` adds conditions that equal the pipeline under that bias, and makes single videos."""

from __future__ import annotations

import shutil

import av
import numpy as np
import pytest

import dymos_probe as dp
from dymos_probe.bias import Bias
from dymos_probe.errors import InputError, MissingFileError, StudyError
from dymos_probe.runs.intervene import intervene_image, plan_intervene
from dymos_probe.runs.plan import Way

PROMPT = "A dog runs across a beach"
INF = float("inf")


@pytest.fixture(scope="module")
def study(tmp_path_factory, settings):
    return dp.record("tiny-cogvideox", [PROMPT], out=tmp_path_factory.mktemp("made") / "study", **settings)


@pytest.mark.parametrize(
    ("name", "bias"),
    [
        ("i2v_lam-1.5_ratio0.2", {"lam": -1.5, "step_ratio": 0.2}),
        ("i2v_lam0.6_ratio0.2", {"lam": 0.6, "step_ratio": 0.2}),
        ("i2v_laminf_ratio0.2", {"lam": INF, "step_ratio": 0.2}),
        ("i2v_lam-inf_ratio1", {"lam": -INF, "step_ratio": 1.0}),
        ("i2v_lam2_ratio0.5_linear", {"lam": 2, "step_ratio": 0.5, "schedule": "linear"}),
        ("i2v_lam2_ratio1_log_L1", {"lam": 2, "step_ratio": 1.0, "schedule": "log", "layers": (1,)}),
        ("i2v_lam2_ratio1_H0_Q2", {"lam": 2, "step_ratio": 1.0, "heads": (0,), "query_frames": (2,)}),
        ("i2v_lam2_ratio1_K1", {"lam": 2, "step_ratio": 1.0, "key_frame": 1}),
        ("i2v_lam2_ratio1_cond+uncond", {"lam": 2, "step_ratio": 1.0, "branches": ("cond", "uncond")}),
        ("t2v_lam2_ratio1", {"lam": 2, "step_ratio": 1.0, "arm": "t2v"}),
    ],
)
def test_a_condition_is_the_pipeline_under_that_bias(study, by_hand, name, bias):
    dp.intervene(study, **bias)
    ds = dp.open_study(study)
    found = ds.isel(sample=0).sel(condition=name)
    arm = bias.get("arm", "i2v")
    image = study / str(found["image"].item()) if arm == "i2v" else None
    fields = {key: value for key, value in bias.items() if key != "arm"}
    run = by_hand(arm, PROMPT, 0, image=image, bias=Bias(**fields))
    assert bool(found["complete"])
    np.testing.assert_array_equal(found["attention"], run.attention)
    assert not np.array_equal(found["attention"], ds.isel(sample=0).sel(condition=arm)["attention"])
    assert (found["arm"].item(), found["method"].item()) == (arm, "dymos")
    assert (found["lam"].item(), found["step_ratio"].item()) == (bias["lam"], bias["step_ratio"])
    assert found["schedule"].item() == bias.get("schedule", "uniform")
    assert found["bias_key_frame"].item() == bias.get("key_frame", 0)
    assert found["bias_branches"].item() == "+".join(bias.get("branches", ("cond",)))
    for column in ("layers", "heads", "query_frames"):
        assert found[f"bias_{column}"].item() == ",".join(map(str, bias.get(column, ())))
    assert (study / "videos" / str(found["sample"].item()) / f"{name}.mp4").is_file()


def test_alg_is_a_condition_of_its_own_with_the_published_settings(study, by_hand, contents):
    dp.intervene(study, method="alg")
    before = contents(study)
    dp.intervene(study, method="alg")
    assert contents(study) == before
    ds = dp.open_study(study)
    found = ds.isel(sample=0).sel(condition="i2v_alg_resize0.25_0-0.04")
    run = by_hand(
        "i2v", PROMPT, 0, image=study / str(found["image"].item()), alg=dp.ALG(resize_factor=0.25, interval_end=0.04)
    )
    assert bool(found["complete"])
    np.testing.assert_array_equal(found["attention"], run.attention)
    np.testing.assert_array_equal(found["text_mass"], run.text_mass)
    assert not np.array_equal(found["attention"], ds.isel(sample=0).sel(condition="i2v")["attention"])
    assert (found["arm"].item(), found["method"].item(), found["schedule"].item()) == ("i2v", "alg", "")
    assert np.isnan(found["lam"].item()) and np.isnan(found["step_ratio"].item())
    assert found["bias_key_frame"].item() == -1
    assert (study / "videos" / str(found["sample"].item()) / "i2v_alg_resize0.25_0-0.04.mp4").is_file()
    # It belongs to no curve over λ and stands where it is asked for.
    assert "i2v_alg_resize0.25_0-0.04" not in ds.probe.distance(step_ratio=0.2, schedule="uniform")["condition"].values
    assert ds.probe.difference(condition="i2v_alg_resize0.25_0-0.04").notnull().all()


def test_alg_with_settings_of_ones_own_and_where_it_acts_in_no_step(study):
    plan = plan_intervene(study, method="alg", filter="gaussian_blur", blur_sigma=1.0, blur_kernel_size=3)
    assert [way.id for way in plan.ways] == ["i2v_alg_blur1k3_0-0.04"] and len(plan.missing) == 1
    assert plan_intervene(study, method="alg", resize_factor=1.0).ways == (Way(arm="i2v"),)
    assert plan_intervene(study, method="alg", interval_start=0.1, interval_end=0.2).missing == ()


def test_lists_of_strengths_reach_every_step_asked_for_and_zero_is_the_condition_there_is(study):
    plan = plan_intervene(study, lam=[-3, 0, 3, 3.0, -0.0])
    assert [way.id for way in plan.ways] == ["i2v_lam-3_ratio0.2", "i2v", "i2v_lam3_ratio0.2"]
    assert [run.way.id for run in plan.missing] == ["i2v_lam-3_ratio0.2", "i2v_lam3_ratio0.2"]
    dp.intervene(study, lam=[-3, 0, 3])
    ds = dp.open_study(study).isel(sample=0)
    frozen, plain, freed = (ds["dominance"].sel(condition=way.id) for way in plan.ways)
    # 0.2 of 3 steps is the first one; only there the maps of the same latents differ in the wanted direction.
    first = [float(d.isel(step=0, branch=0).mean()) for d in (frozen, plain, freed)]
    assert first[0] > first[1] + 0.05 > first[2] + 0.1


def test_an_infinite_strength_removes_the_reference_frame_or_leaves_nothing_else(study):
    dp.intervene(study, lam=[INF, -INF], step_ratio=1.0)
    ds = dp.open_study(study).isel(sample=0, branch=0)
    np.testing.assert_array_equal(ds["dominance"].sel(condition="i2v_laminf_ratio1"), 0.0)
    np.testing.assert_allclose(ds["dominance"].sel(condition="i2v_lam-inf_ratio1"), 1.0, atol=1e-6)


def test_the_same_conditions_again_change_nothing_and_new_samples_get_theirs(tmp_path, settings, contents):
    out = dp.record("tiny-cogvideox", [PROMPT], out=tmp_path / "study", **settings)
    dp.intervene(out, lam=[1])
    before = contents(out)
    dp.intervene(out, lam=[1])
    assert contents(out) == before
    dp.record("tiny-cogvideox", [PROMPT, "A cat"], out=out, **settings)
    assert dp.open_study(out)["complete"].sel(condition="i2v_lam1_ratio0.2").values.tolist() == [True, False]
    dp.intervene(out, lam=[1])
    assert bool(dp.open_study(out)["complete"].all())


@pytest.mark.parametrize(
    ("settings_given", "words"),
    [
        ({"lam": float("nan")}, "lam is NaN"),
        ({"lam": []}, "no λ is given"),
        ({"lam": 1, "step_ratio": 1.5}, r"step_ratio 1.5 is outside \[0, 1\]"),
        ({"lam": 1, "step_ratio": -0.1}, "outside"),
        ({"lam": 1, "layers": [2]}, "layers 2 does not exist; this model has layers 0 to 1"),
        ({"lam": 1, "heads": (0, 7)}, "heads 7 does not exist"),
        ({"lam": 1, "query_frames": (3,)}, "query_frames 3 does not exist"),
        ({"lam": 1, "key_frame": 3}, "key_frame 3 does not exist; there are latent frames 0 to 2"),
        ({"lam": 1, "schedule": "cosine"}, "schedule 'cosine' is unknown"),
        ({}, "no λ is given"),
        ({"lam": 1, "method": "dynamic"}, "method 'dynamic' is unknown; choose dymos or alg"),
        ({"lam": 1, "method": "alg"}, "lam 1 is no setting of ALG; leave it out, or choose method='dymos'"),
        ({"method": "alg", "step_ratio": 0.2}, "step_ratio 0.2 is no setting of ALG; it has filter"),
        ({"method": "alg", "resize_factor": 2.0}, r"resize_factor 2\.0 is outside \(0, 1\]"),
        ({"method": "alg", "arm": "t2v"}, "arm 't2v' has no reference image for ALG to filter; choose i2v"),
    ],
)
def test_what_the_model_does_not_have_is_refused_and_nothing_is_written(study, contents, settings_given, words):
    before = contents(study)
    with pytest.raises(InputError, match=words):
        dp.intervene(study, **settings_given)
    assert contents(study) == before


def test_models_that_changed_or_went_since_the_recording_are_refused(tmp_path, settings):
    from dymos_probe.testing import save_pair

    save_pair("cogvideox", tmp_path / "pair")
    sizes = {"height": 32, "width": 48, "guidance_scale": 4.0, "extra": {"max_sequence_length": 40}}
    out = dp.record(tmp_path / "pair", [PROMPT], out=tmp_path / "study", **settings, **sizes)
    moved = tmp_path / "pair" / "i2v"
    config = moved / "transformer" / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(StudyError, match=r"made with pair\.i2v\.sha256"):
        dp.intervene(out, lam=1)
    shutil.rmtree(moved)
    with pytest.raises(MissingFileError, match=r"there is no folder .* for the i2v model"):
        dp.intervene(out, lam=1)


def test_a_pair_that_is_made_here_is_made_again_when_its_cache_was_emptied(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out = dp.record("tiny-cogvideox", [PROMPT], out=tmp_path / "study", **settings)
    shutil.rmtree(tmp_path / "cache")
    dp.intervene(out, lam=1)
    assert bool(dp.open_study(out)["complete"].all())


def test_one_video_from_an_image_equals_the_runs_of_a_study(study, tmp_path, settings):
    dp.intervene(study, lam=0.9, step_ratio=0.5)
    ds = dp.open_study(study)
    image = study / str(ds["image"].values[0])
    asked = {"image": image, "prompt": PROMPT, "lam": 0.9, "step_ratio": 0.5}
    sizes = {"num_frames": settings["num_frames"], "num_inference_steps": settings["num_inference_steps"]}
    placed = {"device": "cpu"}
    steps = []
    made = intervene_image(
        "tiny-cogvideox", out=tmp_path / "a" / "one.mp4", placed=placed, on_step=lambda s, n: steps.append((s, n)),
        **asked, **sizes,
    )  # fmt: skip
    name = Way(arm="i2v", bias=Bias(lam=0.9, step_ratio=0.5)).id
    assert made.read_bytes() == (study / "videos" / str(ds["sample"].values[0]) / f"{name}.mp4").read_bytes()
    assert steps == [(0, 3), (1, 3), (2, 3)]
    with av.open(str(made)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 9
    with pytest.raises(InputError, match="exists; give a new file name"):
        intervene_image("tiny-cogvideox", out=made, placed=placed, **asked, **sizes)
    with pytest.raises(InputError, match=r"must end in \.mp4"):
        intervene_image("tiny-cogvideox", out=tmp_path / "one.gif", placed=placed, **asked, **sizes)
    with pytest.raises(InputError, match="seed -1 must be between"):
        intervene_image("tiny-cogvideox", out=tmp_path / "b.mp4", seed=-1, placed=placed, **asked, **sizes)
    with pytest.raises(InputError, match="layers 5 does not exist"):
        intervene_image(
            "tiny-cogvideox", out=tmp_path / "b.mp4", bias={"layers": (5,)}, placed=placed, **asked, **sizes
        )
    assert sorted(f.name for f in tmp_path.rglob("*")) == ["a", "one.mp4"]
