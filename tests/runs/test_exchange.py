"""A study's videos go out under names other programs read, and their scores come back to the same runs."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil

import numpy as np
import pytest

from dymos_probe.errors import InputError, MissingFileError, StudyError
from dymos_probe.runs.export_videos import export_videos
from dymos_probe.runs.import_scores import import_scores
from dymos_probe.runs.measure import measure_study
from dymos_probe.runs.media import write_image, write_video
from dymos_probe.store import completed_runs, forget_run, open_study, video_path
from dymos_probe.store.metric_values import SOURCES
from dymos_probe.testing.synthetic import synthetic_study

CONDITIONS = ("t2v", "i2v", "i2v lam=1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = synthetic_study(tmp_path_factory.mktemp("exchange") / "study", samples=["a", "b"], lams=[1.0]).path
    rng = np.random.default_rng(0)
    for sample, condition in sorted(completed_runs(path)):
        write_video(video_path(path, sample, condition), rng.integers(0, 256, (3, 16, 16, 3), np.uint8), fps=8)
    write_image(path / "images" / "a.png", rng.integers(0, 256, (16, 16, 3), np.uint8))
    return path


@pytest.fixture
def study(made, tmp_path):
    return shutil.copytree(made, tmp_path / "study")


def scores_csv(tmp_path, *lines, name="scores.csv"):
    file = tmp_path / name
    file.write_text("\n".join(lines) + "\n")
    return file


def table(file):
    return list(csv.DictReader(file.read_text().splitlines()))


def metric(study, name):
    return open_study(study)[f"metric_{name}"].load()


@pytest.mark.parametrize("copy", [False, True])
def test_every_video_is_there_under_its_name_with_its_bytes(study, tmp_path, copy, contents):
    before = contents(study)
    exported = export_videos(study, tmp_path / "out", copy=copy)
    assert (exported.videos, exported.conditions, exported.left_out) == (6, 3, 0)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["files"] == ("copies" if copy else "symbolic links") and len(manifest["videos"]) == 6
    for row in manifest["videos"]:
        video = tmp_path / "out" / row["video"]
        assert video.read_bytes() == video_path(study, row["sample"], row["condition"]).read_bytes()
        assert video.is_symlink() is not copy
        assert (row["reference"] == "images/a.png") == (row["sample"] == "a") and row["prompt"].startswith("prompt ")
    assert {row["video"].split("/")[1] for row in manifest["videos"]} == set(CONDITIONS)
    assert (tmp_path / "out/images/a.png").read_bytes() == (study / "images/a.png").read_bytes()
    rows = table(tmp_path / "out" / "manifest.csv")
    assert rows == manifest["videos"]
    assert contents(study) == before


def test_vbenchs_prompt_file_names_every_video_of_its_folder(study, tmp_path):
    """VBench joins each key with --videos_path and refuses a video without a prompt."""
    exported = export_videos(study, tmp_path / "out", tool="vbench")
    for condition in CONDITIONS:
        prompts = json.loads((tmp_path / "out" / "vbench" / f"{condition}.json").read_text())
        there = {file.name for file in (tmp_path / "out" / "videos" / condition).iterdir()}
        assert set(prompts) == there and sorted(prompts.values()) == ["prompt 0", "prompt 1"]
    assert not (tmp_path / "out" / "videoscore.csv").exists()
    assert len(exported.next_steps) == 1 and "--custom_input" in exported.next_steps[0]


def test_what_vbench_writes_comes_back_to_the_runs_it_went_out_from(study, tmp_path):
    export_videos(study, tmp_path / "out")
    given = {}
    for row in json.loads((tmp_path / "out" / "manifest.json").read_text())["videos"]:
        # The value is told by the bytes of the file that was scored, not by its name.
        own = int(hashlib.sha256((tmp_path / "out" / row["video"]).read_bytes()).hexdigest()[:4], 16) / 65536
        given.setdefault(row["condition"], []).append({"video_path": f"elsewhere/{row['video']}", "video_results": own})
    for number, results in enumerate(given.values()):
        file = tmp_path / f"{number}_eval_results.json"
        file.write_text(json.dumps({"aesthetic_quality": [0.5, results]}))
        assert import_scores(study, file).made == 2
    found = metric(study, "aesthetic_quality")
    for sample, condition in completed_runs(study):
        digest = hashlib.sha256(video_path(study, sample, condition).read_bytes()).hexdigest()
        assert float(found.sel(sample=sample, condition=condition)) == np.float32(int(digest[:4], 16) / 65536)
    assert found.attrs["calibrated"] is True and found.attrs["weights"] == "those of VBench"
    assert [source["file"] for source in found.attrs[SOURCES]] == [f"{n}_eval_results.json" for n in range(3)]
    assert (
        found.attrs[SOURCES][0]["sha256"] == hashlib.sha256((tmp_path / "0_eval_results.json").read_bytes()).hexdigest()
    )


@pytest.mark.parametrize(("tool", "columns"), [("videoscore", 5), ("visionreward", 1)])
def test_a_table_comes_back_once_its_empty_columns_are_filled(study, tmp_path, tool, columns):
    export_videos(study, tmp_path / "out", tool=tool)
    file = tmp_path / "out" / f"{tool}.csv"
    with pytest.raises(InputError, match="holds no value"):
        import_scores(study, file)
    rows = table(file)
    names = [name for name in rows[0] if name.startswith(tool)]
    assert len(names) == columns
    for number, row in enumerate(rows):
        row.update({name: str(number + place / 8) for place, name in enumerate(names)})
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert import_scores(study, file).made == 6 * columns
    for number, row in enumerate(rows):
        for place, name in enumerate(names):
            value = metric(study, name).sel(sample=row["sample"], condition=row["condition"])
            assert float(value) == number + place / 8
    assert metric(study, names[0]).attrs["calibrated"] is False


def test_the_same_file_again_writes_nothing_and_a_later_one_adds_runs(study, tmp_path, contents):
    file = scores_csv(tmp_path, "sample,condition,x", "a,i2v,1", "a,t2v,2")
    assert import_scores(study, file, units="dB", calibrated=True).made == 2
    before = contents(study)
    again = import_scores(study, file, units="dB", calibrated=True)
    assert (again.made, again.there) == (0, 2) and contents(study) == before
    later = scores_csv(tmp_path, "sample,condition,x", "a,t2v,2", "b,t2v,3", name="later.csv")
    added = import_scores(study, later, units="dB", calibrated=True)
    assert (added.made, added.there, added.metrics) == (1, 1, {"x": 2})
    found = metric(study, "x")
    assert found.attrs["units"] == "dB" and found.attrs["calibrated"] is True
    assert [source["file"] for source in found.attrs[SOURCES]] == ["scores.csv", "later.csv"]
    assert found.notnull().sum() == 3


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["sample,condition,x", "a,i2v,1", "c,i2v,2"], "line 3 .* names the sample 'c', which .* lacks; it has a, b"),
        (["sample,condition,x", "a,i2v,1", "a,alg,2"], "line 3 .* names the condition 'alg'"),
        (["sample,condition,x", "a,i2v,1", "a,i2v,1"], "line 3 .* gives x of i2v of a again; it is at line 2"),
        (["sample,condition,metric,value", "a,i2v,x,1", "a,i2v,x,2"], "line 3 .* again"),
        (["sample,condition,x", "a,i2v,1", "a,t2v,nan"], "line 3 .* has 'nan'"),
        (["sample,condition,x", "a,i2v,1", "a,t2v,1e39"], "only finite values of float32"),
        (["sample,condition,x,Bad-Name", "a,i2v,1,1"], "line 2 .*'Bad-Name' must be lower-case"),
        (["video,x", "i2v/prompt 0-0.mp4,1", "i2v/prompt 7-0.mp4,1"], "line 3 .* names the video 'i2v/prompt 7-0.mp4'"),
        (["video,sample,condition,x", ",a,i2v,1", ",a,,1"], "line 3 .* names the condition ''"),
    ],
)
def test_one_wrong_line_and_nothing_is_taken_in(study, tmp_path, contents, lines, match):
    before = contents(study)
    with pytest.raises(InputError, match=match):
        import_scores(study, scores_csv(tmp_path, *lines))
    assert contents(study) == before


def test_scores_of_a_run_that_is_not_complete_are_refused(study, tmp_path):
    forget_run(study, "b", "i2v")
    with pytest.raises(InputError, match=r"line 2 .* scores i2v of b, a run that is not complete"):
        import_scores(study, scores_csv(tmp_path, "sample,condition,x", "b,i2v,1"))


def test_no_value_is_replaced_and_nothing_else_is_written_then(study, tmp_path, contents):
    import_scores(study, scores_csv(tmp_path, "sample,condition,x", "a,i2v,1"))
    before = contents(study)
    with pytest.raises(StudyError, match="metric x of sample 'a' under 'i2v' is there already, 1, and would become 2"):
        import_scores(study, scores_csv(tmp_path, "sample,condition,w,x", "a,i2v,5,2", "b,i2v,5,2"))
    with pytest.raises(StudyError, match="has metric x with units = '1', now 'px'"):
        import_scores(study, scores_csv(tmp_path, "sample,condition,w,x", "b,i2v,5,2"), units="px")
    assert contents(study) == before


def test_a_metric_that_was_measured_here_keeps_its_name_and_a_prefix_helps(study, tmp_path, contents):
    measure_study(study, ["temporal_flickering"])
    before = contents(study)
    file = scores_csv(tmp_path, "sample,condition,temporal_flickering", "a,i2v,0.5")
    with pytest.raises(StudyError, match=r"measured by `probe metrics`; .*--prefix"):
        import_scores(study, file)
    assert contents(study) == before
    assert import_scores(study, file, prefix="vbench_").metrics == {"vbench_temporal_flickering": 1}


def test_quality_comes_from_what_was_measured_and_what_was_taken_in(study, tmp_path):
    with pytest.raises(InputError, match=r"lacks temporal flickering .*, motion smoothness .*, imaging quality"):
        measure_study(study, ["quality_mean"])
    lines = [f"{sample},{condition},0.98,0.62,0.7" for sample in "ab" for condition in CONDITIONS]
    lines[0] = lines[0].replace("0.98", "")
    file = scores_csv(tmp_path, "sample,condition,motion_smoothness,aesthetic_quality,imaging_quality", *lines)
    import_scores(study, file)
    measures = measure_study(study, ["quality_paper_scale", "quality_mean", "temporal_flickering"])
    assert measures.made == 6 + 5 + 5
    row = next(row for row in measures.rows if (row.metric, row.condition) == ("quality_mean", "t2v"))
    assert (row.count, row.without) == (1, {"no motion smoothness": 1})
    flickering = metric(study, "temporal_flickering").sel(sample="b", condition="i2v")
    terms = (float(flickering) - 0.6293) / (1 - 0.6293), (0.98 - 0.7060) / (0.9975 - 0.7060), 0.62, 0.7
    for name, divisor in (("quality_mean", 4), ("quality_paper_scale", 0.055)):
        found = metric(study, name)
        assert float(found.sel(sample="b", condition="i2v")) == pytest.approx(sum(terms) / divisor, rel=1e-5)
        assert found.attrs["components"].startswith("temporal_flickering, motion_smoothness, aesthetic_quality")
    again = measure_study(study, ["quality_mean"])
    assert (again.made, again.there) == (0, 5)


def test_a_folder_that_holds_something_is_never_touched(study, tmp_path, contents):
    out = tmp_path / "out"
    out.mkdir()
    export_videos(study, out)
    before = contents(out)
    with pytest.raises(InputError, match="is there already and not empty"):
        export_videos(study, out)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        export_videos(study, tmp_path / "file")
    assert contents(out) == before and not list(tmp_path.glob(".*"))


def test_only_complete_runs_go_out_and_a_video_that_is_gone_is_named(study, tmp_path):
    forget_run(study, "b", "i2v")
    exported = export_videos(study, tmp_path / "out")
    assert (exported.videos, exported.left_out) == (5, 1)
    video_path(study, "a", "t2v").unlink()
    with pytest.raises(MissingFileError, match="run t2v of a has no video"):
        export_videos(study, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    with pytest.raises(InputError, match="for 'fvd' is unknown"):
        export_videos(study, tmp_path / "other", tool="fvd")


def test_psnr_is_measured_where_the_sample_has_its_image(study):
    measures = measure_study(study, ["psnr_to_reference"])
    assert measures.made == 3
    assert all(row.without == {"the sample has no reference image": 1} for row in measures.rows)
