"""Every number of the study, as frozen values; an experiment is a function that returns them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Curation = Literal["curated", "uncurated"]
I2V = Literal["i2v", "i2v-uncurated"]


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """How one model is optimised: a cosine to zero after a warm-up, an average of the weights."""

    steps: int
    """Optimiser steps, fixed in number so that a run repeats."""
    learning_rate: float
    """Peak learning rate."""
    warmup: int
    """Steps of linear warm-up."""
    ema_decay: float
    """Decay of the averaged weights, which are what is kept."""
    optimiser: Literal["adamw", "muon"] = "adamw"
    """``muon``: Muon for the matrices of transformer blocks, AdamW for all else, at one learning rate."""
    weight_decay: float = 1e-4
    """Of either."""
    gradient_norm: float = 1.0
    """Gradients are clipped to this norm."""
    checkpoint_every: int = 100
    """Steps between checkpoints; a killed run repeats at most so many."""


@dataclass(frozen=True, kw_only=True)
class VideoConfig:
    """Size of the drawn clips."""

    side: int = 48
    """Height and width, pixels."""
    frames: int = 25
    """Frames of a clip: 7 latent frames."""
    fps: int = 8
    """Frames per second at which videos are saved."""


@dataclass(frozen=True, kw_only=True)
class VAEConfig:
    """The causal video autoencoder and how it is trained."""

    block_out_channels: tuple[int, ...] = (16, 32, 32)
    """Channels by resolution; three of them compress 4× in space."""
    latent_channels: int = 8
    """Channels of a latent frame."""
    layers_per_block: int = 1
    """Residual blocks a resolution (the decoder has one more)."""
    norm_groups: int = 4
    """Groups of the group norms."""
    seed: int = 0
    """Of weights, clips and posterior samples; the denoisers of every seed share one VAE."""
    image_steps: int = 500
    """First steps, on single frames alone."""
    cycle: tuple[Literal["image", "crop", "clip"], ...] = ("crop", "clip", "crop", "image")
    """What the later steps train on, in turn."""
    image_batch: int = 16
    """Single frames a step."""
    crop_batch: int = 8
    """Moving crops a step."""
    clip_batch: int = 2
    """Whole clips a step."""
    crop_side: int = 24
    """Pixels a side of a crop, which follows the middle of a sprite's path."""
    clip_frames: int = 17
    """Frames of training clips and crops: a first chunk of 9 and a later one of 8, as in longer clips."""
    sprite_weight: float = 9.0
    """Extra weight of pixels in or next to the sprite."""
    edge_weight: float = 1.0
    """Weight of the absolute error of spatial differences."""
    kl_weight: float = 1e-3
    """Weight of the divergence from the unit Gaussian, a mean over latent elements."""
    mean_weight: float = 1e-2
    """Weight of the squared channel means, which a scheduler's zero-mean noise cannot express."""
    optimisation: Optimisation = Optimisation(steps=2600, learning_rate=2e-3, warmup=50, ema_decay=0.995)
    """Optimiser and number of steps."""


@dataclass(frozen=True, kw_only=True)
class DenoiserConfig:
    """Sizes of text encoder and transformer."""

    text_tokens: int = 16
    """Tokens of a prompt, padded."""
    text_width: int = 64
    """Channels of the text encoder."""
    text_layers: int = 2
    """Layers of the text encoder."""
    text_optimisation: Optimisation = Optimisation(steps=800, learning_rate=3e-3, warmup=50, ema_decay=0.98)
    """Training of the text encoder, before and apart from the transformer's."""
    layers: int = 4
    """Transformer blocks."""
    heads: int = 4
    """Attention heads a block."""
    head_width: int = 48
    """Channels a head."""
    patch: int = 3
    """Latent pixels a side of a token."""
    time_width: int = 64
    """Channels of the timestep embedding."""
    snr_shift: float = 4.0
    """Division of the scheduler's signal-to-noise ratio.

    A sprite fills a thousand latent elements at once, so its place shows through much noise;
    without the shift two of twenty steps would decide it.
    """


@dataclass(frozen=True, kw_only=True)
class DiffusionConfig:
    """How one denoiser is trained on cached latents."""

    clips: int
    """Training clips drawn and encoded once."""
    batch: int
    """Clips a step, over all processes."""
    optimisation: Optimisation
    """Optimiser and number of steps."""
    composition: int
    """First so many steps learn what is where and how it moves, the others outlines: they draw every timestep alike."""
    high_noise_share: float = 0.75
    """Share of a composition batch whose timestep is drawn from the upper part, the rest from all."""
    high_noise_from: int = 400
    """First timestep of the upper part, of 1000."""
    first_frame_share: float = 0.0
    """Share of a composition batch whose first latent frame is left without noise.

    What is left to be said there is where to and how fast: words that show in no frame alone, nor in
    the mean over frames, only in place and time together.
    """
    least_noise: float = 0.09
    """The loss divides the error of the clean latents by their noise variance, at least this: at most eleven times."""
    prompt_dropout: float = 0.15
    """Share of prompts replaced by the empty one."""


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """What is measured; fixed before any model was."""

    models: tuple[I2V, ...] = ("i2v", "i2v-uncurated")
    """I2V models that are trained and whose λ curve is measured."""
    prompts: int = 64
    """Held-out prompts of the λ curve."""
    control_prompts: int = 32
    """The first so many of them are also run under each control; 0 for no controls."""
    seed: int = 2026
    """Of prompts and initial noise."""
    steps: int = 20
    """Denoising steps."""
    guidance_scale: float = 6.0
    """Scale of classifier-free guidance."""
    lams: tuple[float, ...] = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 4.0)
    """Strengths of the curve."""
    control_lam: float = 1.5
    """Strength of the controls."""
    step_ratio: float = 0.25
    """Fraction of the steps modulated."""
    placebo_key_frame: int = 3
    """Latent frame whose keys are weakened in the placebo control."""
    early: float = 0.1
    """Fraction of the steps over which attention is averaged."""
    classifier: Optimisation = Optimisation(steps=400, learning_rate=3e-3, warmup=20, ema_decay=0.98)
    """Of the classifier of colours and shapes."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run of the study, from nothing to the pair and its table."""

    seed: int
    """Of the denoisers: weights, clips, noise."""
    video: VideoConfig = VideoConfig()
    """Size of the clips."""
    vae: VAEConfig = VAEConfig()
    """The autoencoder."""
    denoiser: DenoiserConfig = DenoiserConfig()
    """The text encoder and the transformer."""
    t2v: DiffusionConfig = DiffusionConfig(
        clips=6400,
        batch=32,
        composition=1500,
        first_frame_share=0.5,
        optimisation=Optimisation(steps=4500, learning_rate=3e-3, warmup=100, ema_decay=0.998, optimiser="muon"),
    )
    """First training of the T2V transformer: what is where, and how it moves."""
    detail: DiffusionConfig = DiffusionConfig(
        clips=6400,
        batch=32,
        composition=0,
        optimisation=Optimisation(steps=4500, learning_rate=2e-3, warmup=100, ema_decay=0.998, optimiser="muon"),
    )
    """Second training of the T2V transformer, on the same clips: outlines."""
    i2v: DiffusionConfig = DiffusionConfig(
        clips=2400,
        batch=16,
        composition=750,
        optimisation=Optimisation(steps=1500, learning_rate=1.5e-3, warmup=50, ema_decay=0.995, optimiser="muon"),
    )
    """Fine-tuning of either I2V denoiser; they differ in their clips alone."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """The measurements."""


def sprites(seed: int = 0) -> Experiment:
    """Return the study as it is shipped."""
    return Experiment(seed=seed)


def replicate(seed: int) -> Experiment:
    """Return the study of another seed: the pair and its λ curve, without the controls."""
    whole = sprites(seed)
    return replace(whole, evaluation=replace(whole.evaluation, models=("i2v",), control_prompts=0))


def toy(seed: int = 0) -> Experiment:
    """Return the study at a size that runs through in a minute and learns nothing."""
    whole = Experiment(seed=seed)

    def few(optimisation: Optimisation, steps: int = 4) -> Optimisation:
        return replace(optimisation, steps=steps, warmup=1, checkpoint_every=2)

    return replace(
        whole,
        video=VideoConfig(side=24, frames=9),
        vae=replace(
            whole.vae,
            block_out_channels=(4, 8, 8),
            image_steps=1,
            image_batch=2,
            crop_batch=2,
            clip_batch=2,
            crop_side=12,
            clip_frames=9,
            optimisation=few(whole.vae.optimisation),
        ),
        denoiser=replace(
            whole.denoiser,
            layers=2,
            heads=2,
            head_width=24,
            text_width=16,
            text_layers=1,
            text_optimisation=few(whole.denoiser.text_optimisation),
        ),
        detail=replace(whole.detail, clips=8, batch=4, optimisation=few(whole.detail.optimisation)),
        t2v=replace(whole.t2v, clips=8, batch=4, composition=2, optimisation=few(whole.t2v.optimisation)),
        i2v=replace(whole.i2v, clips=8, batch=4, composition=2, optimisation=few(whole.i2v.optimisation)),
        evaluation=replace(
            whole.evaluation,
            prompts=2,
            control_prompts=1,
            steps=4,
            lams=(-1.0, 0.0, 1.0),
            control_lam=1.0,
            placebo_key_frame=2,
            classifier=few(whole.evaluation.classifier),
        ),
    )
