"""The stages of the study in order, and where each leaves its product."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studies.sprites.assemble import assemble
from studies.sprites.config import Experiment
from studies.sprites.evaluate import evaluate
from studies.sprites.processes import rank, wait_for_all
from studies.sprites.ship import ship
from studies.sprites.train_i2v import train_i2v
from studies.sprites.train_t2v import train_t2v
from studies.sprites.vae import train_vae

STAGES: Final = ("vae", "t2v", "i2v", "i2v-uncurated", "assemble", "evaluate")
"""In the order they need each other."""

SHIP: Final = "ship"
"""Replaces the pair in the package; never part of a whole run."""


@dataclass(frozen=True)
class Study:
    """An experiment, the folder it works in and the device it runs on."""

    experiment: Experiment
    out: Path
    device: str

    @property
    def seed_folder(self) -> Path:
        """Where everything of this seed goes; the autoencoder stands beside it, for all seeds."""
        return self.out / f"seed-{self.experiment.seed}"

    @property
    def pair(self) -> Path:
        """Where the finished pipelines go: ``t2v``, ``i2v`` and ``i2v-uncurated``."""
        return self.seed_folder / "pair"

    def run(self, stage: str) -> None:
        """Run one stage of `STAGES` or `SHIP`, or take it up where it was left; a finished one is left alone."""
        vae, seed = self.out / "vae", self.seed_folder
        if stage == "vae":
            train_vae(self.experiment, vae, self.device)
        elif stage == "t2v":
            train_t2v(self.experiment, vae / "model", seed / "t2v", self.device)
        elif stage in ("i2v", "i2v-uncurated"):
            if stage not in self.experiment.evaluation.models:
                return
            curation = "uncurated" if stage == "i2v-uncurated" else "curated"
            train_i2v(self.experiment, curation, vae / "model", seed / "t2v" / "model", seed / stage, self.device)
        elif stage == "assemble":
            assemble(self.experiment, vae / "model", seed, self.pair)
        elif stage == SHIP:
            if rank() == 0:
                ship(self.out, self.pair)
            wait_for_all()
        else:
            evaluate(self.experiment, self.out, self.pair, self.device)
