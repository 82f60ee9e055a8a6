"""The pairs known by name: the shipped one, the four of the paper's Table 3, three more, and a tiny one."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from dymos_probe.errors import InputError
from dymos_probe.pairs.preset import Preset, Source

_TABLE_3: Final = "paper, Appendix C, Table 3 (published for the I2V model; the T2V model shares all settings)"
_NOT_IN_PAPER: Final = "Not run in the paper: no λ is published for it. `probe tune` finds one."


def _sprites(name: str, i2v: str, note: str) -> Preset:
    """Return a preset of the shipped models; its settings are those their model cards were measured with."""
    return Preset(
        name=name,
        family="cogvideox",
        shipped=("sprites/t2v", f"sprites/{i2v}"),
        width=48,
        height=48,
        num_frames=25,
        fps=8,
        num_inference_steps=20,
        guidance_scale=6.0,
        scheduler="CogVideoXDPMScheduler",
        lam=None,
        step_ratio=0.25,
        dtype="float32",
        extra={"max_sequence_length": 16},
        published_in="the models' cards; trained by studies/sprites",
        note=note,
    )


_ALL: Final = (
    _sprites(
        "sprites",
        "i2v",
        "Small models really trained on drawn clips of one moving shape; the I2V one on clips chosen to be still.",
    ),
    _sprites(
        "sprites-uncurated",
        "i2v-uncurated",
        "The control of `sprites`: the same T2V model, and an I2V one fine-tuned on clips that move as captioned.",
    ),
    Preset(
        name="wan2.2-a14b",
        family="wan",
        t2v=Source(hub_id="Wan-AI/Wan2.2-T2V-A14B-Diffusers"),
        i2v=Source(hub_id="Wan-AI/Wan2.2-I2V-A14B-Diffusers"),
        width=832,
        height=480,
        num_frames=81,
        fps=16,
        num_inference_steps=40,
        guidance_scale=3.5,
        scheduler="UniPCMultistepScheduler",
        lam=0.6,
        step_ratio=0.2,
        vae_dtype="float32",
        published_in=_TABLE_3,
        note="Two 14B experts; on an 80 GB GPU use --offload model.",
    ),
    Preset(
        name="wan2.1-14b",
        family="wan",
        t2v=Source(hub_id="Wan-AI/Wan2.1-T2V-14B-Diffusers"),
        i2v=Source(hub_id="Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"),
        width=832,
        height=480,
        num_frames=81,
        fps=16,
        num_inference_steps=40,
        guidance_scale=5.0,
        scheduler="UniPCMultistepScheduler",
        lam=1.0,
        step_ratio=0.25,
        vae_dtype="float32",
        published_in=_TABLE_3,
    ),
    Preset(
        name="hunyuanvideo-1.5",
        family="hunyuanvideo-1.5",
        t2v=Source(hub_id="hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_t2v"),
        i2v=Source(hub_id="hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_i2v"),
        width=832,
        height=480,
        num_frames=81,
        fps=16,
        num_inference_steps=50,
        guidance_scale=6.0,
        scheduler="FlowMatchEulerDiscreteScheduler",
        lam=1.0,
        step_ratio=0.2,
        published_in=_TABLE_3,
        note="The paper names tencent/HunyuanVideo-1.5; these are its weights in diffusers' layout.",
    ),
    Preset(
        name="cogvideox-5b",
        family="cogvideox",
        t2v=Source(hub_id="zai-org/CogVideoX-5b"),
        i2v=Source(hub_id="zai-org/CogVideoX-5b-I2V"),
        width=720,
        height=480,
        num_frames=49,
        fps=8,
        num_inference_steps=50,
        guidance_scale=6.0,
        scheduler="CogVideoXDDIMScheduler",
        lam=0.8,
        step_ratio=0.24,
        published_in=_TABLE_3,
        note="The pair behind the paper's Fig. 2; its size is fixed to 720×480.",
    ),
    Preset(
        name="wan2.2-ti2v-5b",
        family="wan",
        t2v=Source(hub_id="Wan-AI/Wan2.2-TI2V-5B-Diffusers", pipeline="WanPipeline"),
        i2v=Source(hub_id="Wan-AI/Wan2.2-TI2V-5B-Diffusers", pipeline="WanImageToVideoPipeline"),
        width=1280,
        height=704,
        num_frames=121,
        fps=24,
        num_inference_steps=50,
        guidance_scale=5.0,
        scheduler="UniPCMultistepScheduler",
        lam=None,
        step_ratio=None,
        vae_dtype="float32",
        published_in="the checkpoint's model card",
        note=f"{_NOT_IN_PAPER} One model does both tasks, so its arms share all weights.",
    ),
    Preset(
        name="cogvideox1.5-5b",
        family="cogvideox",
        t2v=Source(hub_id="zai-org/CogVideoX1.5-5B"),
        i2v=Source(hub_id="zai-org/CogVideoX1.5-5B-I2V"),
        width=1360,
        height=768,
        num_frames=81,
        fps=16,
        num_inference_steps=50,
        guidance_scale=6.0,
        scheduler="CogVideoXDDIMScheduler",
        lam=None,
        step_ratio=None,
        published_in="the checkpoints' model cards; scheduler as for CogVideoX-5B",
        note=f"{_NOT_IN_PAPER} Two latent frames make one token frame.",
    ),
    Preset(
        name="ltx-video",
        family="ltx-video",
        t2v=Source(hub_id="Lightricks/LTX-Video", pipeline="LTXPipeline"),
        i2v=Source(hub_id="Lightricks/LTX-Video", pipeline="LTXImageToVideoPipeline"),
        width=704,
        height=480,
        num_frames=161,
        fps=24,
        num_inference_steps=50,
        guidance_scale=3.0,
        scheduler="FlowMatchEulerDiscreteScheduler",
        lam=None,
        step_ratio=None,
        published_in="diffusers' own example for this checkpoint",
        note=f"{_NOT_IN_PAPER} One model does both tasks, so its arms share all weights.",
    ),
    Preset(
        name="tiny-cogvideox",
        family="cogvideox",
        built="cogvideox",
        width=48,
        height=32,
        num_frames=25,
        fps=8,
        num_inference_steps=10,
        guidance_scale=4.0,
        scheduler="CogVideoXDDIMScheduler",
        lam=None,
        step_ratio=None,
        dtype="float32",
        extra={"max_sequence_length": 40},
        published_in="none: random weights",
        note="Random weights: every step of the work is real, but its numbers and pictures mean nothing.",
    ),
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({entry.name: entry for entry in _ALL})
"""Every preset by name."""


def preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises
    ------
    InputError
        When there is none; the message names all of them and the one that is spelt most like it.
    """
    if name in PRESETS:
        return PRESETS[name]
    close = get_close_matches(name.lower(), PRESETS, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? There are" if close else "there are"
    raise InputError(f"no pair is called {name!r}; {hint} {', '.join(PRESETS)}, or a folder with t2v/ and i2v/ in it")
