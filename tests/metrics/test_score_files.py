"""Scores are read from CSV and VBench's results, and a wrong line is named."""

from __future__ import annotations

import json

import pytest

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.metrics.score_files import read_scores


def csv(tmp_path, *lines, encoding="utf-8"):
    file = tmp_path / "scores.csv"
    file.write_text("\n".join(lines) + "\n", encoding=encoding)
    return file


def vbench(tmp_path, document):
    file = tmp_path / "results_eval_results.json"
    file.write_text(json.dumps(document))
    return file


def values(file):
    return [(score.run or score.path, score.metric, score.value) for score in read_scores(file).scores]


def test_a_long_table_has_a_value_a_line(tmp_path):
    file = csv(tmp_path, "sample,condition,metric,value", "a,i2v,sharpness,0.5", "", "a, t2v ,sharpness,1e-3")
    assert values(file) == [(("a", "i2v"), "sharpness", 0.5), (("a", "t2v"), "sharpness", 0.001)]
    assert [score.where.split(" of ")[0] for score in read_scores(file).scores] == ["line 2", "line 4"]


def test_a_wide_table_has_a_column_a_metric_and_an_empty_cell_is_no_value(tmp_path):
    file = csv(tmp_path, "condition,prompt,sample,x,y", 'i2v,"a dog, running",a,1,', "t2v,,a,2,3")
    assert values(file) == [(("a", "i2v"), "x", 1.0), (("a", "t2v"), "x", 2.0), (("a", "t2v"), "y", 3.0)]


def test_a_prompt_may_hold_what_looks_like_the_end_of_a_line(tmp_path):
    file = csv(tmp_path, "sample,condition,prompt,score", "a,i2v,one\u2028two\x0bthree,1", 'b,i2v,"four\nfive",2')
    assert values(file) == [(("a", "i2v"), "score", 1.0), (("b", "i2v"), "score", 2.0)]


@pytest.mark.parametrize("column", ["video", "video_path", "path"])
def test_a_path_may_stand_for_sample_and_condition_and_they_come_first(tmp_path, column):
    assert values(csv(tmp_path, f"{column},x", "i2v/a-0.mp4,1")) == [("i2v/a-0.mp4", "x", 1.0)]
    assert values(csv(tmp_path, f"{column},metric,value", "i2v/a-0.mp4,x,1")) == [("i2v/a-0.mp4", "x", 1.0)]
    assert values(csv(tmp_path, f"{column},sample,condition,x", "no,a,i2v,1")) == [(("a", "i2v"), "x", 1.0)]


def test_the_mark_that_spreadsheets_put_first_is_passed_over(tmp_path):
    assert len(values(csv(tmp_path, "sample,condition,x", "a,i2v,1", encoding="utf-8-sig"))) == 1


@pytest.mark.parametrize("wrong", ["nan", "NaN", "inf", "-inf", "good", "1,5"])
def test_what_is_no_finite_number_is_refused_with_its_line(tmp_path, wrong):
    file = csv(tmp_path, "sample,condition,metric,value", "a,i2v,x,1", f'a,t2v,x,"{wrong}"')
    with pytest.raises(InputError, match=f"line 3 of .*scores.csv has '{wrong}' as x; a value is a finite number"):
        read_scores(file)


def test_an_empty_value_of_a_long_table_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"line 2 .* has '' as x"):
        read_scores(csv(tmp_path, "sample,condition,metric,value", "a,i2v,x,"))


@pytest.mark.parametrize(
    "header", ["sample,metric,value", "sample,condition", "a,b,c", "", "sample,condition,x,x", "video,prompt"]
)
def test_a_header_that_says_no_run_or_no_metric_is_refused(tmp_path, header):
    with pytest.raises(InputError, match="its first line must be sample,condition,metric,value"):
        read_scores(csv(tmp_path, header, "1,2,3,4"))


def test_a_line_of_another_length_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"line 3 of .* has 4 cells; its header has 3"):
        read_scores(csv(tmp_path, "sample,condition,x", "a,i2v,1", "a,i2v,1,2"))


def test_vbenchs_results_are_a_list_a_dimension_and_percent_becomes_a_share(tmp_path):
    file = vbench(
        tmp_path,
        {
            "dynamic_degree": [0.5, [{"video_path": "o/i2v/a-0.mp4", "video_results": True}]],
            "imaging_quality": [0.7, [{"video_path": "o/i2v/a-0.mp4", "video_results": 70.25}]],
            "i2v_subject": [0.9, [{"image_path": "x", "video_path": "o/i2v/a-0.mp4", "video_results": 0.9}]],
        },
    )
    assert values(file) == [
        ("o/i2v/a-0.mp4", "dynamic_degree", 1.0),
        ("o/i2v/a-0.mp4", "imaging_quality", pytest.approx(0.7025)),
        ("o/i2v/a-0.mp4", "i2v_subject", 0.9),
    ]
    assert read_scores(file).program == "VBench"


@pytest.mark.parametrize(
    ("document", "match"),
    [
        ([1], "must be dimensions"),
        ({"x": 0.5}, "x of .* is no result of VBench"),
        ({"x": [0.5, [{"video_path": "a"}]]}, "x, video 0 of .* lacks video_path or video_results"),
        ({"x": [0.5, ["a"]]}, "x, video 0 of .* lacks"),
        ({"x": [0.5, [{"video_path": "a", "video_results": float("nan")}]]}, "video 0 .* has nan"),
        ({"x": [0.5, [{"video_path": "a", "video_results": [1]}]]}, r"video 0 .* has \[1\]"),
        ({"x": [0.5, []]}, "holds no value"),
    ],
)
def test_what_is_not_vbenchs_is_refused_with_its_place(tmp_path, document, match):
    with pytest.raises(InputError, match=match):
        read_scores(vbench(tmp_path, document))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="no file of scores"):
        read_scores(tmp_path / "gone.csv")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no text in UTF-8"):
        read_scores(tmp_path / "a.csv")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        read_scores(tmp_path / "a.json")
