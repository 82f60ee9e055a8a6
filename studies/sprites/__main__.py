"""``python -m studies.sprites``: every stage from nothing to the pair and its table; what is there is not redone.

One process or several: ``torchrun --nproc-per-node 2 -m studies.sprites …`` shares the work of each stage.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from studies.sprites.config import replicate, sprites, toy
from studies.sprites.processes import processes
from studies.sprites.stages import SHIP, STAGES, Study

_HELP = "sprites is the whole; replicate leaves the controls out; toy learns nothing"
EXPERIMENTS = {"sprites": sprites, "replicate": replicate, "toy": toy}


def main() -> None:
    """Run the stages asked for."""
    parser = argparse.ArgumentParser(prog="python -m studies.sprites", description=__doc__)
    parser.add_argument(
        "--stage", choices=(*STAGES, SHIP, "all"), default="all", help="one stage, or all but ship in order"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the denoisers; every seed shares one autoencoder")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--out", type=Path, default=Path("runs/sprites"))
    parser.add_argument("--experiment", choices=tuple(EXPERIMENTS), default="sprites", help=_HELP)
    given = parser.parse_args()
    # Models this small are slower on several threads; several processes are what uses more cores.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with processes():
        study = Study(EXPERIMENTS[given.experiment](given.seed), given.out, given.device)
        for stage in STAGES if given.stage == "all" else (given.stage,):
            study.run(stage)


if __name__ == "__main__":
    main()
