"""What the card of the shipped pair says is what was measured, and what was measured shows the phenomenon."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

PAIR = files("dymos_probe") / "pairs" / "sprites"


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PAIR / "evaluation.json").read_text())
    return loaded


def test_i2v_looks_at_the_reference_frame_twice_as_much_as_t2v_and_most_in_the_first_step(
    results: dict[str, Any],
) -> None:
    attention = results["attention"]["i2v"]
    assert attention["ratio"] >= 2.0
    assert attention["prompts_with_excess"] >= 0.95
    by_step = attention["excess_by_step"]
    assert max(by_step) == by_step[0]
    assert by_step[-1] < by_step[0]


def test_i2v_moves_a_quarter_less_than_t2v_on_the_same_prompts(results: dict[str, Any]) -> None:
    distance = results["motion_against_t2v"]["i2v λ=0"]["distance"]
    assert distance["first"] <= 0.75 * distance["second"]
    assert -distance["mean"] > 2 * distance["standard_error"]


def test_motion_is_ordered_over_lam_by_more_than_two_standard_errors_a_gap(results: dict[str, Any]) -> None:
    gaps = results["motion_over_lam"]["i2v"]["gaps"]
    assert list(gaps) == ["-1 to 0", "0 to 1", "1 to 2"]
    for gap in gaps.values():
        assert gap["mean"] > 2 * gap["standard_error"]


def test_attention_comes_closest_to_t2v_at_one_lam_inside_the_grid(results: dict[str, Any]) -> None:
    least = results["least_distance"]["i2v"]
    assert least["interior"]
    assert least["only_minimum"]


def test_dominance_without_curation_does_not_make_the_model_still(results: dict[str, Any]) -> None:
    assert results["attention"]["i2v-uncurated"]["ratio"] >= 2.0
    distance = results["motion_against_t2v"]["i2v-uncurated λ=0"]["distance"]
    assert distance["first"] >= 0.85 * distance["second"]


def test_a_placebo_key_frame_moves_nothing_and_one_branch_more_than_both(results: dict[str, Any]) -> None:
    controls = results["controls_against_untouched"]
    (same_prompts,) = (values for name, values in controls.items() if name.endswith("same prompts"))
    assert abs(controls["placebo key frame"]["mean"]) < 0.5 * same_prompts["mean"]
    assert controls["both branches"]["mean"] < same_prompts["mean"]


def test_colour_and_shape_survive_up_to_lam_1(results: dict[str, Any]) -> None:
    for lam in ("-1", "0", "0.5", "1"):
        row = results["conditions"][f"i2v λ={lam}"]
        assert row["colour_right"] >= 0.95
        assert row["shape_right"] >= 0.85


def test_t2v_follows_captions_that_it_never_saw(results: dict[str, Any]) -> None:
    captions = results["captions"]
    assert captions["direction_right"] >= 0.95
    assert list(captions["along_by_speed"]) == ["slowly", "steadily", "quickly"]
    along = list(captions["along_by_speed"].values())
    assert along == sorted(along)


@pytest.mark.parametrize("arm", ["t2v", "i2v", "i2v-uncurated"])
def test_the_card_states_the_measured_figures(results: dict[str, Any], arm: str) -> None:
    card = (PAIR / arm / "README.md").read_text()
    for name, row in results["conditions"].items():
        assert f"| {name} | {row['prompts']} | {row['along']:.1f} ± {row['along_standard_error']:.1f} |" in card


def test_the_pair_fits_in_twenty_megabytes() -> None:
    def size(folder: Any) -> int:
        return sum(len(entry.read_bytes()) if entry.is_file() else size(entry) for entry in folder.iterdir())

    assert size(PAIR) <= 20e6
