"""Reads colour and shape off a video; trained on drawn frames alone, never on what a model made."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_model, save_model
from torch import nn

from studies.sprites.config import Experiment
from studies.sprites.data import COLOURS, SHAPES, draw_clip, render
from studies.sprites.processes import rank, wait_for_all, world
from studies.sprites.training import Losses, seed_torch, train

_FRAMES = 64


class Classifier(nn.Module):
    """Three strided convolutions, a fourth, and the strongest response over the frame."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 64)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), nn.GroupNorm(8, after), nn.SiLU()]
        self.features = nn.Sequential(*layers, nn.Conv2d(widths[-1], 96, 3, padding=1), nn.SiLU())
        self.colour = nn.Linear(96, len(COLOURS))
        self.shape = nn.Linear(96, len(SHAPES))

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits of colour and of shape of (B, 3, H, W) frames in [0, 1]."""
        strongest = self.features(frames).amax(dim=(2, 3))
        return self.colour(strongest), self.shape(strongest)


def train_classifier(experiment: Experiment, folder: Path, device: str) -> Classifier:
    """Return the classifier, trained once; ``folder`` keeps it."""
    seed_torch(experiment.vae.seed, 7)
    model = Classifier().to(device)
    finished = folder / "classifier.safetensors"
    if not finished.is_file():
        train(model, _Frames(experiment, device), experiment.evaluation.classifier, folder)
        if rank() == 0:
            save_model(model, finished)
        wait_for_all()
    load_model(model, finished, device=device)
    return model.eval()


@torch.no_grad()
def read(model: Classifier, video: npt.NDArray[np.uint8]) -> tuple[str, str]:
    """Return the colour and the shape of a video (frames, H, W, 3), from the mean logits of its frames."""
    device = next(model.parameters()).device
    frames = torch.from_numpy(video).to(device).permute(0, 3, 1, 2).float() / 255
    colour, shape = (logits.mean(dim=0).argmax().item() for logits in model(frames))
    return list(COLOURS)[colour], list(SHAPES)[shape]


class _Frames:
    """Cross-entropy on single frames of training clips."""

    def __init__(self, experiment: Experiment, device: str) -> None:
        self._experiment, self._device = experiment, device

    def __call__(self, model: nn.Module, step: int) -> Losses:
        size = self._experiment.video
        rng = np.random.default_rng((self._experiment.vae.seed, 8, step))
        clips = [draw_clip(rng, size, "training") for _ in range(_FRAMES)][rank() :: world()]
        # Another frame of each clip in turn; their paths start anywhere, so all places occur.
        frames = [
            render(clip, size, frames=slice(at % size.frames, at % size.frames + 1)).video[0]
            for at, clip in enumerate(clips)
        ]
        inputs = torch.from_numpy(np.stack(frames)).to(self._device).permute(0, 3, 1, 2)
        colours = torch.tensor([list(COLOURS).index(clip.colour) for clip in clips], device=self._device)
        shapes = torch.tensor([list(SHAPES).index(clip.shape) for clip in clips], device=self._device)
        colour, shape = model(inputs)
        return {
            "colour": nn.functional.cross_entropy(colour, colours),
            "shape": nn.functional.cross_entropy(shape, shapes),
        }
