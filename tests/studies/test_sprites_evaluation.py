"""The figures the shipped pair was measured with, of every training seed: what they show is what the project claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dymos_probe.pairs
from studies.sprites.config import sprites
from studies.sprites.ship import PACKAGE, RESULTS

SHIPPED = 0
SEEDS = sorted(int(file.stem.removeprefix("seed-")) for file in RESULTS.glob("seed-*.json"))
LAMS = sprites().evaluation.lams


def figures(seed: int) -> dict[str, Any]:
    return json.loads((RESULTS / f"seed-{seed}.json").read_text())  # type: ignore[no-any-return]


def rows(results: dict[str, Any], *, upto: float = float("inf")) -> list[dict[str, Any]]:
    return [results["conditions"][f"i2v λ={lam:g}"] for lam in LAMS if lam <= upto]


def test_the_shipped_pair_carries_the_figures_of_its_seed() -> None:
    assert SHIPPED in SEEDS
    shipped = json.loads((PACKAGE / "evaluation.json").read_text())
    assert shipped == figures(SHIPPED)
    assert Path(dymos_probe.pairs.__path__[0]) in PACKAGE.parents


def test_three_seeds_or_more_are_reported() -> None:
    assert len(SEEDS) >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_it_was_measured_on_the_prompts_fixed_beforehand(seed: int) -> None:
    settings, wanted = figures(seed)["settings"], sprites(seed).evaluation
    assert settings["prompts"] == wanted.prompts >= 64
    assert (settings["steps"], settings["guidance_scale"]) == (wanted.steps, wanted.guidance_scale)
    assert all(row["prompts"] == wanted.prompts for row in rows(figures(seed)))


@pytest.mark.parametrize(("seed", "model"), [*((seed, "i2v") for seed in SEEDS), (SHIPPED, "i2v-uncurated")])
def test_the_reference_frame_dominates_with_and_without_curation(seed: int, model: str) -> None:
    attention = figures(seed)["attention"][model]
    assert attention["ratio"] >= 2.0
    assert attention["prompts_with_excess"] >= 0.95
    excess = attention["excess_by_step"]
    assert excess[0] == max(excess)
    assert excess[-1] < 0.8 * excess[0]


def test_curation_makes_it_still() -> None:
    curated = figures(SHIPPED)["motion_against_t2v"]["i2v λ=0"]["distance"]
    assert curated["first"] <= 0.75 * curated["second"]


@pytest.mark.parametrize("seed", SEEDS)
def test_curation_makes_every_seed_stiller_by_a_fifth_or_more(seed: int) -> None:
    curated = figures(seed)["motion_against_t2v"]["i2v λ=0"]["distance"]
    assert curated["first"] <= 0.8 * curated["second"]
    assert curated["mean"] < -4 * curated["standard_error"]


def test_without_curation_it_is_not_still() -> None:
    uncurated = figures(SHIPPED)["motion_against_t2v"]["i2v-uncurated λ=0"]["distance"]
    assert uncurated["first"] > 0.85 * uncurated["second"]


def gaps(seed: int) -> dict[str, dict[str, float]]:
    found = figures(seed)["motion_over_lam"]["i2v"]["gaps"]
    assert list(found) == ["-1 to 0", "0 to 1", "1 to 2"]
    return found  # type: ignore[no-any-return]


def test_lam_orders_the_motion_along_the_caption() -> None:
    assert all(gap["mean"] > 2 * gap["standard_error"] for gap in gaps(SHIPPED).values())


@pytest.mark.parametrize("seed", SEEDS)
def test_lam_orders_the_motion_of_every_seed_beyond_error_up_to_1_and_on_to_2_in_the_mean(seed: int) -> None:
    found = gaps(seed)
    assert all(found[name]["mean"] > 2 * found[name]["standard_error"] for name in ("-1 to 0", "0 to 1"))
    assert found["1 to 2"]["mean"] > found["1 to 2"]["standard_error"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_distance_of_attention_has_one_minimum_inside_the_lams_tried(seed: int) -> None:
    least = figures(seed)["least_distance"]["i2v"]
    assert least["interior"] and least["only_minimum"]


@pytest.mark.parametrize("seed", SEEDS)
def test_colour_and_shape_survive(seed: int) -> None:
    weak = rows(figures(seed), upto=1.0)
    assert min(row["colour_right"] for row in weak) >= 0.95
    assert min(row["shape_right"] for row in weak) >= (0.85 if seed == SHIPPED else 0.8)


@pytest.mark.parametrize("seed", SEEDS)
def test_t2v_follows_its_caption(seed: int) -> None:
    captions = figures(seed)["captions"]
    assert captions["direction_right"] >= 0.95
    along = [captions["along_by_speed"][speed] for speed in ("slowly", "steadily", "quickly")]
    assert along == sorted(along)
