"""What the denoisers are trained on step by step, and what their text encoder tells them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import T5EncoderModel

from studies.sprites.config import DiffusionConfig, sprites
from studies.sprites.data import COLOURS, DIRECTIONS, SHAPES, SPEEDS, draw_clips
from studies.sprites.denoiser import DiffusionLoss, build_scheduler
from studies.sprites.latents import EncodedClips
from studies.sprites.ship import PACKAGE
from studies.sprites.text import build_tokenizer, tokenize

EXPERIMENT = sprites()


class Seen(torch.nn.Module):
    """Predicts zeros and keeps what it was given."""

    def forward(self, tokens: torch.Tensor, latents: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        self.tokens, self.latents, self.timesteps = tokens, latents, timesteps
        return torch.zeros_like(latents)


def seen(tmp_path: Path, step: int, **changes: object) -> tuple[Seen, float]:
    """A step of T2V training on clips of ones: whatever differs from one is noise."""
    ones = {"latents": torch.ones(4, 3, 2, 2, 2), "tokens": torch.ones(4, 5, dtype=torch.int64)}
    images = {"image_mean": torch.ones(4, 2, 2, 2), "image_std": torch.zeros(4, 2, 2, 2)}
    save_file({**ones, **images}, tmp_path / "block.safetensors")
    clips = EncodedClips([tmp_path / "block.safetensors"], torch.zeros(1, 5, dtype=torch.int64))
    config: DiffusionConfig = replace(EXPERIMENT.t2v, batch=64, composition=1, **changes)
    model = Seen()
    loss = DiffusionLoss(clips, config, build_scheduler(EXPERIMENT.denoiser), seed=0, image=False, device="cpu")
    return model, float(loss(model, step)["velocity"])


def test_composition_draws_much_noise_and_gives_the_first_frame_and_later_steps_do_not(tmp_path: Path) -> None:
    always = {"high_noise_share": 1.0, "first_frame_share": 1.0}
    composing, _ = seen(tmp_path, 0, **always)
    assert composing.timesteps.min() >= EXPERIMENT.t2v.high_noise_from
    assert (composing.latents[:, 0] == 1.0).all() and (composing.latents[:, 1:] != 1.0).all()
    outlining, _ = seen(tmp_path, 1, **always)
    assert outlining.timesteps.min() < EXPERIMENT.t2v.high_noise_from
    assert (outlining.latents != 1.0).all()


def test_the_loss_is_the_error_of_the_clean_latents_over_their_noise_variance(tmp_path: Path) -> None:
    model, loss = seen(tmp_path, 1)
    variance = 1.0 - build_scheduler(EXPERIMENT.denoiser).alphas_cumprod[model.timesteps].double()
    expected = (1.0 / variance.clamp(min=EXPERIMENT.t2v.least_noise)).mean()
    np.testing.assert_allclose(loss, float(expected), rtol=1e-5)


def test_some_prompts_are_dropped_and_a_step_decides_which(tmp_path: Path) -> None:
    model, _ = seen(tmp_path, 1)
    again, _ = seen(tmp_path, 1)
    dropped = (model.tokens == 0).all(dim=1)
    assert 0 < int(dropped.sum()) < 32
    torch.testing.assert_close(again.tokens, model.tokens)
    torch.testing.assert_close(again.latents, model.latents)


def test_every_token_of_the_shipped_text_encoder_tells_all_that_a_held_out_caption_says() -> None:
    encoder = T5EncoderModel.from_pretrained(PACKAGE / "t2v" / "text_encoder").eval()
    tokenizer = build_tokenizer(EXPERIMENT.denoiser)
    named = {"colour": COLOURS, "shape": SHAPES, "direction": DIRECTIONS, "speed": SPEEDS}

    def read(split: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        clips = draw_clips(240, seed=(5,), size=EXPERIMENT.video, split=split)  # type: ignore[arg-type]
        with torch.no_grad():
            hidden = encoder(tokenize(tokenizer, [clip.caption for clip in clips], EXPERIMENT.denoiser))[0]
        said = {name: np.array([list(words).index(getattr(clip, name)) for clip in clips])
                for name, words in named.items()}  # fmt: skip
        return np.pad(hidden.double().numpy(), ((0, 0), (0, 0), (0, 1)), constant_values=1.0), said

    training, said = read("training")
    held_out, truth = read("held-out")
    for name, words in named.items():
        one_hot = np.eye(len(words))[said[name]]
        for token in range(training.shape[1]):
            weights, *_ = np.linalg.lstsq(training[:, token], one_hot, rcond=None)
            right = (held_out[:, token] @ weights).argmax(axis=1) == truth[name]
            assert right.mean() > 0.98, f"token {token} does not tell the {name}"
