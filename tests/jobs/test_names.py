"""No path outside the folder is reached by a job id, a study name or a pair name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe import jobs
from dymos_probe.errors import InputError
from dymos_probe.jobs.names import check_device, check_id, check_name, inside, is_id, new_id

HOSTILE = (
    "..",
    "../x",
    "/etc",
    "a/b",
    "a\\b",
    "",
    ".",
    ".jobs",
    "a\0",
    "a\n",
    "x" * 101,
    "-rf",
    "~",
    "é",
    "..%2f",
    None,
    3,
)


def test_ids_are_in_the_order_they_were_made_even_when_the_clock_is_set_back() -> None:
    ids = [new_id(None)]
    for _ in range(200):
        ids.append(new_id(ids[-1]))
    future = "20991231-235959-999999-00000000"
    assert ids == sorted(ids) and len(set(ids)) == 201 and all(map(is_id, ids))
    assert new_id(future) > future


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_refused_everywhere(folder: Path, text: object) -> None:
    for call in (jobs.state, jobs.job, jobs.cancel, jobs.forget):
        with pytest.raises(InputError, match="is no job id"):
            call(folder, text)  # type: ignore[operator]
    with pytest.raises(InputError, match="is no job id"):
        jobs.keep(folder, text, "kept")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is no name for a pair"):
        jobs.Request(prompt="a cat", pair=text)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is no name for a study"):
        check_name(text, "a study")


@given(st.text(max_size=40))
def test_what_passes_as_a_name_is_one_plain_part_of_a_path(text: str) -> None:
    try:
        check_name(text, "a study")
    except InputError:
        return
    joined = Path("/studies") / text
    assert joined.parent == Path("/studies") and not text.startswith(".") and "\n" not in text


@given(st.text(max_size=40))
def test_no_other_text_is_an_id(text: str) -> None:
    with pytest.raises(InputError):
        check_id(text)


def test_an_id_with_a_line_break_behind_it_is_none() -> None:
    with pytest.raises(InputError):
        check_id(new_id(None) + "\n")


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="leads out of"):
        inside(folder, "link", "a study")
    assert inside(folder, "fine", "a study") == folder / "fine"


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "../cpu", "cpu\n", ""])
def test_an_unknown_device_is_refused(device: str, folder: Path) -> None:
    with pytest.raises(InputError, match="device"):
        check_device(device)
    with pytest.raises(InputError, match="device"):
        jobs.ensure_worker(folder, device=device)
