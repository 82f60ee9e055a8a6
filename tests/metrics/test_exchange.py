"""Exported names say the prompt as VBench reads it, suit every file system, and lead back to their run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.metrics.exchange import exported_videos, known_paths, run_of_path, safe_name


def study(prompts, conditions=("t2v", "i2v")) -> xr.Dataset:
    samples = [f"s{number}" for number in range(len(prompts))]
    complete = np.ones((len(samples), len(conditions)), dtype=bool)
    complete[-1, -1] = False
    return xr.Dataset(
        {"complete": (("sample", "condition"), complete)},
        coords={"sample": samples, "condition": list(conditions), "prompt": ("sample", list(prompts))},
    )


def prompt_of(name: str) -> str:
    """What VBench takes for the prompt of a video: its name without suffix and number."""
    return re.sub(r"-\d+$", "", Path(name).stem)


def test_videos_are_named_by_prompt_and_number_in_a_folder_a_condition():
    found = exported_videos(study(["a dog", "a cat", "a dog"]))
    assert [(v.folder, v.file, v.sample) for v in found[:3]] == [
        ("t2v", "a dog-0.mp4", "s0"),
        ("t2v", "a cat-0.mp4", "s1"),
        ("t2v", "a dog-1.mp4", "s2"),
    ]
    assert [v.complete for v in found] == [True] * 5 + [False]
    assert {prompt_of(v.file) for v in found} == {"a dog", "a cat"}


def test_a_prompt_that_ends_with_a_number_is_read_whole():
    (video, _) = exported_videos(study(["take-3"]))
    assert prompt_of(video.file) == "take-3"


def test_names_that_differ_in_case_only_are_still_two_files():
    for prompts in (["A dog", "a dog"], ["a dog", "A dog"]):
        found = exported_videos(study(prompts, conditions=("i2v", "I2V")))
        assert len({f"{v.folder}/{v.file}".casefold() for v in found}) == 4


def test_an_export_made_before_samples_were_added_agrees_with_one_made_after():
    before, after = exported_videos(study(["a", "b"])), exported_videos(study(["a", "b", "a", "B"]))
    names = {(v.sample, v.condition): (v.folder, v.file) for v in after}
    assert all(names[v.sample, v.condition] == (v.folder, v.file) for v in before)


@given(st.text(max_size=300))
def test_every_prompt_has_a_name_that_file_systems_take(text):
    name = safe_name(text)
    assert name == name.strip(" .") and name and len(f"{name}-10000.mp4".encode()) < 255
    assert not set(name) & set('<>:"/\\|?*\0\n\r\t') and not name.startswith("-")


@pytest.mark.parametrize("text", ["a/b", "CON", "nul", "", "..", "a:b", "x" * 400, " dog", "--help", "line\nbreak"])
def test_what_is_no_file_name_gets_a_short_one_of_its_own(text):
    assert safe_name(text) != text and len(safe_name(text)) < 60
    assert safe_name(text) != safe_name(text + "!") and safe_name(text) == safe_name(text)


@pytest.mark.parametrize(
    ("path", "run"),
    [
        ("/far/away/videos/i2v/a dog-1.mp4", ("s2", "i2v")),
        ("t2v/a cat-0.mp4", ("s1", "t2v")),
        ("C:\\out\\videos\\i2v\\a cat-0.mp4", ("s1", "i2v")),
        ("runs/demo/videos/s1/t2v.mp4", ("s1", "t2v")),
        ("i2v/a dog-2.mp4", None),
        ("a dog-0.mp4", None),
        ("", None),
    ],
)
def test_the_way_back_is_by_the_last_two_parts_of_a_path(path, run):
    assert run_of_path(path, known_paths(study(["a dog", "a cat", "a dog"]))) == run
