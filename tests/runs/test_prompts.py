"""Prompt files of every shape of the field are read, and a wrong one is told by line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.runs.prompts import PromptRow, nearest_vbench_crop, read_prompts

DOG, CAT = "A dog runs across a beach, its ears flapping", "A cat leaps; then it lands"


def write(folder: Path, text: str | bytes, name: str = "prompts") -> Path:
    # Without a suffix, so that only the content can tell.
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


@pytest.mark.parametrize(
    "text",
    [
        f"{DOG}\n{CAT}\n",
        f"{DOG}\r\n{CAT}",
        f"\n# T2V-CompBench, motion\n  {DOG}  \n\n\n{CAT}\n\n",
        f'prompt\n"{DOG}"\n{CAT}\n',
        f'uuid,Prompt,time,toxicity\n1,"{DOG}",2023-06-26,0.1\n\n2,{CAT},2023-06-27,0.2\n',
        f'prompt;seed\n{DOG};1\n"{CAT}";2\n',
        f"seed\tprompt\n1\t{DOG}\n2\t{CAT}\n",
        json.dumps([DOG, CAT]),
        json.dumps([{"prompt": DOG}, {"prompt": CAT, "seed": 3}], indent=2),
        json.dumps({"version": 1, "nested": {"prompts": ["no"]}, "prompts": [DOG, {"prompt": CAT}]}),
        f"{json.dumps({'prompt': DOG})}\n{json.dumps({'prompt': CAT})}\n",
        json.dumps([{"prompt_en": DOG, "dimension": ["subject_consistency"]}, {"prompt_en": CAT, "dimension": []}]),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_shape_gives_the_same_two_prompts(tmp_path: Path, text: str, mark: bytes) -> None:
    rows = read_prompts(write(tmp_path, mark + text.encode()))
    assert [row.prompt for row in rows] == [DOG, CAT]
    assert [row.image for row in rows] == [None, None]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"# one\n\n{DOG}\n{CAT}", [3, 4]),
        (f'prompt,x\n"{DOG}\nand on",1\n\n{CAT},2\n', [2, 5]),
        (f'{{\n "prompts": [\n  "{DOG}",\n\n  {{"prompt":\n "{CAT}"}}\n]}}', [3, 5]),
    ],
)
def test_a_row_knows_the_line_it_starts_on(tmp_path: Path, text: str, lines: list[int]) -> None:
    assert [row.line for row in read_prompts(write(tmp_path, text))] == lines


@pytest.mark.parametrize(
    "text",
    [
        f"images/dog.png||{DOG}\n{CAT}",
        f'image,prompt\nimages/dog.png,"{DOG}"\n,{CAT}',
        json.dumps([{"prompt": DOG, "image": "images/dog.png"}, {"prompt": CAT, "image": None}]),
    ],
)
def test_an_image_is_kept_as_it_is_written(tmp_path: Path, text: str) -> None:
    assert [row.image for row in read_prompts(write(tmp_path, text))] == ["images/dog.png", None]


def vbench_i2v() -> list[dict[str, object]]:
    """A list with the composition of the published one: 246 subjects, 109 backgrounds, 763 camera motions."""
    subject = [
        {
            "prompt_en": f"subject {i}, moving",
            "dimension": ["i2v_subject", "dynamic_degree"],
            "image_type": "animal",
            "image_name": f"subject {i}.jpg",
        }
        for i in range(246)
    ]
    background = [
        {"prompt_en": f"b{i}", "dimension": ["i2v_background"], "image_type": "indoor", "image_name": f"b{i}.jpg"}
        for i in range(109)
    ]
    camera = [
        {
            "prompt_en": f"c{i}, pan",
            "dimension": ["camera_motion"],
            "image_type": "indoor",
            "image_name": f"b{i % 109}.jpg",
        }
        for i in range(763)
    ]
    return background + subject + camera


def test_of_vbench_i2v_the_246_subject_rows_of_the_paper_are_kept(tmp_path: Path) -> None:
    file = write(tmp_path, json.dumps(vbench_i2v(), indent=1))
    rows = read_prompts(file)
    assert len(rows) == 246
    assert (rows[0].prompt, rows[0].image) == ("subject 0, moving", "crop/1-1/subject 0.jpg")
    # json.dumps(indent=1) gives an object with one more list item 10 lines instead of 9; the file itself is the judge.
    assert '"prompt_en": "subject 0, moving"' in file.read_text().splitlines()[rows[0].line]
    assert read_prompts(file, vbench_crop="7-4")[5].image == "crop/7-4/subject 5.jpg"
    with pytest.raises(InputError, match="1-1, 8-5, 7-4, 16-9"):
        read_prompts(file, vbench_crop="4-3")


def test_a_vbench_i2v_list_without_subjects_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="i2v_subject"):
        read_prompts(write(tmp_path, json.dumps(vbench_i2v()[:109])))


@pytest.mark.parametrize(
    ("size", "crop"), [((832, 480), "7-4"), ((720, 480), "8-5"), ((1280, 720), "16-9"), ((480, 832), "1-1")]
)
def test_the_crop_nearest_to_the_generation_size_is_named(size: tuple[int, int], crop: str) -> None:
    assert nearest_vbench_crop(*size) == crop


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n\t\n", "is empty"),
        (b"# only\n# comments\n", "holds no prompt"),
        (b"[]", "holds no prompt"),
        (b"prompt\n\n", "holds no prompt"),
        (b"a dog\n\x89PNG\0\0", "NUL at byte 10"),
        ("ein Hund läuft".encode("latin-1"), "not UTF-8: byte 10 is 0xe4"),
        ("a dog".encode("utf-16"), "UTF-16; save it as UTF-8"),
        (b'[\n "a dog",\n "a cat"\n "a cow"]', "line 4: not JSON: Expecting ',' delimiter"),
        (b'{"prompt": "a dog"}\n{"prompt": "a cat"', "line 2: not JSON"),
        (b'{"rows": []}', "without a list of prompts"),
        (
            b'[{"prompt": "a dog"},\n {"text": "a cat", "seed": 1}]',
            "line 2: no field 'prompt'; the fields are 'text', 'seed'",
        ),
        (b'[["a dog"]]', "line 1: a prompt is text or an object"),
        (b'[{"prompt": 7}]', "line 1: a prompt is text, got 7"),
        (b'["a dog",\n"  "]', "line 2: the prompt is blank"),
        (b'["\\ud800"]', "surrogate"),
        (b"[" * 100_000, "nested too deeply"),
        (b"uuid,text,time\n1,a dog,2\n", "no column 'prompt'; its columns are 'uuid', 'text', 'time'"),
        (b"prompt,seed\na dog, running,1\n", "line 2: 3 cells where the header has 2"),
        (b'prompt,seed\n"a dog,1\n', "line 2: not a table"),
        (b"prompt,seed\n,1\n", "line 2: the prompt is blank"),
        (b"a.png||a dog\n||a cat\n", "line 2: no image in front"),
        (b"a.png||\n", "line 1: the prompt is blank"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    file = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_prompts(file)
    message = str(caught.value)
    assert said in message
    assert str(file) in message
    assert "\n" not in message


def test_the_name_decides_only_what_content_leaves_open(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"columns are 'Text prompt', 'Movie id'"):
        read_prompts(write(tmp_path, "Text prompt,Movie id\na dog,1\n", "table.csv"))
    with pytest.raises(InputError, match="line 1: not JSON"):
        read_prompts(write(tmp_path, "a dog runs\n", "prompts.json"))
    assert read_prompts(write(tmp_path, "[wide shot] a dog runs\n"))[0].prompt == "[wide shot] a dog runs"


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no prompt file .*nothing"):
        read_prompts(tmp_path / "nothing")
    with pytest.raises(InputError, match="is a folder"):
        read_prompts(tmp_path)


sentences = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1).filter(
    lambda s: s == s.strip() and not s.startswith(("#", "\ufeff"))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(sentences, min_size=1, max_size=5), st.booleans())
def test_any_prompts_survive_csv_and_json(tmp_path: Path, prompts: list[str], escaped: bool) -> None:
    table = tmp_path / "table"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["seed", "prompt"], *([i, p] for i, p in enumerate(prompts))])
    document = write(tmp_path, json.dumps({"prompts": prompts}, ensure_ascii=escaped, indent=1))
    assert [row.prompt for row in read_prompts(table)] == prompts
    rows = read_prompts(document)
    assert [row.prompt for row in rows] == prompts
    assert [row.line for row in rows] == [3 + i for i in range(len(prompts))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_rows_or_one_clear_error(tmp_path: Path, content: bytes) -> None:
    try:
        rows = read_prompts(write(tmp_path, content))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(row, PromptRow) and row.prompt for row in rows)
