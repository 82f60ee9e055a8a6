"""The study runs from nothing to three pipeline folders and their figures, and takes up where it was killed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studies.sprites.config import Experiment, Optimisation, toy
from studies.sprites.seeds import seeds_section
from studies.sprites.ship import ship
from studies.sprites.stages import STAGES, Study
from studies.sprites.training import train

ROOT = Path(__file__).parents[2]

LOAD_ELSEWHERE = """
import sys, numpy as np
sys.path = [entry for entry in sys.path if entry != {root!r}]
from PIL import Image
from diffusers import CogVideoXImageToVideoPipeline, CogVideoXPipeline
call = dict(prompt="a red star moves left quickly on a navy background", num_frames=9, num_inference_steps=2,
            max_sequence_length=16, output_type="np")
t2v = CogVideoXPipeline.from_pretrained({pair!r} + "/t2v")
frames = t2v(**call).frames[0]
for arm in ("i2v", "i2v-uncurated"):
    i2v = CogVideoXImageToVideoPipeline.from_pretrained({pair!r} + "/" + arm)
    assert i2v(image=Image.fromarray((frames[0] * 255).astype("uint8")), **call).frames[0].shape == frames.shape
assert not any(name.split(".")[0] in ("dymos_probe", "studies") for name in sys.modules)
print(*frames.shape)
"""


class Halt(Exception):
    """Stands for a killed process."""


class Blocks(torch.nn.Module):
    """The least that has matrices of transformer blocks, which one optimiser takes, and the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer_blocks = torch.nn.ModuleList([torch.nn.Linear(3, 4)])
        self.proj_out = torch.nn.Linear(4, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.proj_out(self.transformer_blocks[0](inputs).relu())


def fitted(folder: Path, optimiser: str, *, halt_at: int | None) -> Blocks:
    """A training in which every step's data depend on the step alone."""
    torch.manual_seed(0)
    model = Blocks()

    def losses(trained: torch.nn.Module, step: int) -> dict[str, torch.Tensor]:
        if step == halt_at:
            raise Halt
        inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        return {"square": (trained(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()}

    config = Optimisation(steps=12, learning_rate=0.1, warmup=2, ema_decay=0.9, checkpoint_every=4)
    train(model, losses, replace(config, optimiser=optimiser), folder)  # type: ignore[arg-type]
    return model


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_killed_training_ends_with_the_weights_of_one_that_was_not(tmp_path: Path, optimiser: str) -> None:
    whole = fitted(tmp_path / "whole", optimiser, halt_at=None)
    with pytest.raises(Halt):
        fitted(tmp_path / "killed", optimiser, halt_at=7)
    resumed = fitted(tmp_path / "killed", optimiser, halt_at=None)
    torch.testing.assert_close(resumed.state_dict(), whole.state_dict(), rtol=0.0, atol=0.0)


def test_the_two_optimisers_train_differently(tmp_path: Path) -> None:
    adamw, muon = (fitted(tmp_path / name, name, halt_at=None).proj_out.weight for name in ("adamw", "muon"))
    assert not torch.allclose(adamw, muon)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    experiment: Experiment = toy()
    made = Study(experiment, tmp_path_factory.mktemp("sprites"), "cpu")
    for stage in STAGES:
        made.run(stage)
    return made


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_pair_loads_in_plain_diffusers_from_another_folder(study: Study, tmp_path: Path) -> None:
    program = LOAD_ELSEWHERE.format(root=str(ROOT), pair=str(study.pair))
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["9", "24", "24", "3"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_evaluation_has_a_row_for_every_condition_and_a_card_for_every_model(study: Study) -> None:
    results = json.loads((study.pair / "evaluation.json").read_text())
    assert results["settings"]["prompts"] == study.experiment.evaluation.prompts
    assert {"t2v", "i2v λ=0", "i2v-uncurated λ=1", "placebo key frame"} <= set(results["conditions"])
    for arm in ("t2v", "i2v", "i2v-uncurated"):
        assert "max_sequence_length=16" in (study.pair / arm / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_running_every_stage_again_changes_nothing(study: Study) -> None:
    def weights() -> dict[Path, float]:
        return {file: file.stat().st_mtime for file in study.out.rglob("*.safetensors")}

    before = weights()
    for stage in STAGES:
        study.run(stage)
    assert weights() == before


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_shipping_replaces_the_pair_in_the_package_and_keeps_the_figures_of_every_seed(
    study: Study, tmp_path: Path
) -> None:
    package, results = tmp_path / "package", tmp_path / "results"
    (package / "t2v").mkdir(parents=True)
    (package / "t2v" / "of-an-older-pair.safetensors").touch()
    ship(study.out, study.pair, package=package, results=results)
    shipped, made = ({file.relative_to(top) for file in top.rglob("*")} for top in (package, study.pair))
    assert shipped == made
    assert (results / "seed-0.json").read_bytes() == (study.pair / "evaluation.json").read_bytes()


def test_a_table_of_seeds_has_a_row_for_each_and_a_single_seed_says_what_is_not_known() -> None:
    results = {seed: evaluation(dominance_ratio=2.0 + seed) for seed in (0, 1)}
    assert "is not known" in seeds_section({0: results[0]})
    rows = [line for line in seeds_section(results).splitlines() if line.startswith("|")]
    assert [row.split(" | ")[:2] for row in rows[2:]] == [["| 0", "2.0"], ["| 1", "3.0"]]
    # Colour and shape of the worst λ up to 1: at λ = 1, not at λ = 2.
    assert all("90%, 80%" in row for row in rows[2:])
    # Of λ = 0, 1 and 2 the one whose motion is nearest to T2V's, and one without a track.
    assert all(" | 0.7 ± 0.3 | λ=1: -0.5 ± 0.2 | " in row for row in rows[2:])


def evaluation(*, dominance_ratio: float) -> dict[str, Any]:
    """What the table reads of one seed's figures."""
    readings = {-1.0: (1.0, 1.0), 0.0: (1.0, 0.9), 1.0: (0.9, 0.8), 2.0: (0.5, 0.5)}
    return {
        "conditions": {
            f"i2v λ={lam:g}": {"along": lam, "along_standard_error": 0.1, "colour_right": colour, "shape_right": shape}
            for lam, (colour, shape) in readings.items()
        },
        "attention": {"i2v": {"ratio": dominance_ratio, "prompts_with_excess": 1.0}},
        "motion_over_lam": {"i2v": {"gaps": {"1 to 2": {"mean": 0.7, "standard_error": 0.3}}}},
        "motion_against_t2v": {
            f"i2v λ={lam:g}": {
                "distance": {"first": 1.0, "second": 2.0},
                "along": {"mean": mean, "standard_error": 0.2},
            }
            for lam, mean in ((0.0, -2.0), (1.0, -0.5), (2.0, 0.9), (4.0, None))
        },
        "least_distance": {"i2v": {"lam": 2.0}},
        "captions": {"direction_right": 1.0},
    }
