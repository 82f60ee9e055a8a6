"""The result of a job becomes a study, or a sample of one made in the same way."""

from __future__ import annotations

import numpy as np
import pytest

import dymos_probe as dp
from dymos_probe import jobs
from dymos_probe.errors import InputError, StudyError
from dymos_probe.store import forget_run, open_study, verify_study
from tests.jobs.conftest import STEPS


@pytest.fixture
def done(submit, make):
    def one(prompt: str = "a red square", **changes):
        id = submit(prompt, **changes)
        assert make(id).status == "done"
        return id

    return one


def files_below(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_result_becomes_a_study_that_goes_on_like_any_other(folder, done) -> None:
    id = done(lam=1.0)
    before = files_below(jobs.job(folder, id).files.result)
    kept = jobs.keep(folder, id, "mine")
    assert kept == folder / "mine" and verify_study(kept) == []
    assert open_study(kept).load().identical(open_study(jobs.job(folder, id).files.result).load())
    jobs.forget(folder, id)
    dp.intervene(kept, lam=[2.0])
    ds = dp.open_study(kept)
    assert ds["lam"].values.tolist() == [0.0, 1.0, 2.0] and bool(ds["complete"].all())
    assert {name: (kept / name).read_bytes() for name in before if name.endswith((".mp4", ".png"))} == {
        name: content for name, content in before.items() if name.endswith((".mp4", ".png"))
    }


def test_a_result_joins_a_study_of_the_same_pair_and_settings(folder, done) -> None:
    dp.record("tiny-cogvideox", ["a dog"], out=folder / "demo", num_frames=9, num_inference_steps=STEPS)
    before = open_study(folder / "demo").load()
    id = done(lam=1.0)
    jobs.keep(folder, id, "demo")
    ds, own = (open_study(path).load() for path in (folder / "demo", jobs.job(folder, id).files.result))
    assert ds["condition"].values.tolist() == ["t2v", "i2v", "i2v_lam1_ratio0.2"]
    assert ds["complete"].values.tolist() == [[True, True, False], [False, True, True]]
    joined = str(own["sample"].values[0])
    for name in ("attention", "text_mass", "attention_mean", "dominance", "timestep", "sigma", "expert"):
        for condition in own["condition"].values:
            place = {"sample": joined, "condition": condition}
            np.testing.assert_array_equal(ds[name].sel(place), own[name].sel(place))
        np.testing.assert_array_equal(ds[name].sel(sample=before["sample"][0])[:2], before[name][0])
    assert ds["prompt"].values.tolist() == ["a dog", "a red square"]
    for condition in ("i2v", "i2v_lam1_ratio0.2"):
        video = f"videos/{joined}/{condition}.mp4"
        assert (folder / "demo" / video).read_bytes() == (jobs.job(folder, id).files.result / video).read_bytes()
    assert (folder / "demo" / str(ds["image"].values[1])).is_file() and verify_study(folder / "demo") == []
    # The study's own commands go on with it.
    dp.intervene(folder / "demo", lam=[1.0])
    assert open_study(folder / "demo")["complete"].values.tolist() == [[True, True, True], [False, True, True]]


def test_keeping_twice_changes_nothing_and_brings_back_what_was_lost(folder, done) -> None:
    id = done(lam=1.0)
    kept = jobs.keep(folder, id, "mine")
    truth = open_study(kept).load()
    videos = {name: content for name, content in files_below(kept).items() if name.endswith(".mp4")}
    jobs.keep(folder, id, "mine")
    assert open_study(kept).load().identical(truth)
    sample = str(truth["sample"].values[0])
    forget_run(kept, sample, "i2v")
    (kept / "videos" / sample / "i2v.mp4").unlink()
    jobs.keep(folder, id, "mine")
    assert open_study(kept).load().identical(truth)
    assert {name: content for name, content in files_below(kept).items() if name.endswith(".mp4")} == videos


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"num_inference_steps": STEPS + 1}, r"generation\.num_inference_steps = 3, this job with 4"),
        ({"guidance_scale": 2.0}, r"generation\.guidance_scale = 4\.0, this job with 2\.0"),
        ({"pair": "sprites", "num_inference_steps": 1}, r"pair\.\S+ = .*, this job with"),
    ],
)
def test_a_study_made_otherwise_refuses_and_names_what_differs(folder, done, other, says) -> None:
    jobs.keep(folder, done(), "mine")
    before = files_below(folder / "mine")
    with pytest.raises(StudyError, match=says):
        jobs.keep(folder, done(**other), "mine")
    assert files_below(folder / "mine") == before


def test_what_is_no_study_refuses(folder, done, submit) -> None:
    id = done()
    (folder / "notes").mkdir()
    (folder / "notes" / "todo.txt").write_text("x")
    with pytest.raises(StudyError, match="is no study"):
        jobs.keep(folder, id, "notes")
    with pytest.raises(InputError, match="folder of the pairs"):
        jobs.keep(folder, id, "pairs")
    with pytest.raises(InputError, match="leads out of"):
        (folder / "link").symlink_to(folder.parent)
        jobs.keep(folder, id, "link")
    with pytest.raises(InputError, match="is queued"):
        jobs.keep(folder, submit(), "mine")
    assert not (folder / "mine").exists()


def test_the_studies_a_result_can_join_are_those_that_take_it(folder, done) -> None:
    id = done()
    jobs.keep(folder, id, "like")
    jobs.keep(folder, done(num_inference_steps=STEPS + 1), "other")
    jobs.keep(folder, id, "has a damaged sibling".replace(" ", "-"))
    (folder / "has-a-damaged-sibling" / "study.json").write_text("{")
    (folder / "notes").mkdir()
    (folder / "file").write_text("x")
    (folder / "like").rename(folder.parent / "like")
    (folder / "linked").symlink_to(folder.parent / "like", target_is_directory=True)
    assert jobs.compatible(folder, id) == (), "what lies elsewhere is not written to"
    (folder / "linked").unlink()
    (folder.parent / "like").rename(folder / "like")
    assert jobs.compatible(folder, id) == ("like",)
    jobs.keep(folder, id, "like")
