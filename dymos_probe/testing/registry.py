"""Which tiny pipelines there are, and the module that builds each."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from dymos_probe.errors import InputError
from dymos_probe.testing.settings import Arm, CallSettings

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

_MODULES = {
    "cogvideox": "cogvideox",
    "cogvideox1.5": "cogvideox",
    "cogvideox1.5-even": "cogvideox",
    "wan2.1": "wan",
    "wan2.2-a14b": "wan",
    "wan2.2-ti2v-5b": "wan",
    "hunyuanvideo1.5": "hunyuan_video15",
    "hunyuanvideo": "hunyuan_video",
    "hunyuanvideo-token-replace": "hunyuan_video",
    "ltx-video": "ltx",
}

PIPELINES: tuple[str, ...] = tuple(_MODULES)
"""Names of the tiny pipelines; each has a T2V and an I2V arm."""


def settings(name: str) -> CallSettings:
    """Return the smallest call settings of a tiny pipeline and the token grid they lead to.

    Raises
    ------
    InputError
        When ``name`` is not one of :data:`PIPELINES`.
    """
    found: CallSettings = _module(name).SETTINGS[name]
    return found


def build_pipeline(name: str, arm: Arm, *, seed: int = 0) -> DiffusionPipeline:
    """Build a tiny pipeline in float32 on the CPU, every component in eval mode.

    The I2V transformer of a seed carries the T2V transformer's weights of that seed wherever
    the shapes agree; VAE, text encoders, tokenizers and scheduler are the same in both arms.
    The global random state is left as it was.

    Raises
    ------
    InputError
        When ``name`` is not one of :data:`PIPELINES` or ``arm`` is neither "t2v" nor "i2v".
    """
    if arm not in ("t2v", "i2v"):
        raise InputError(f"the arm of a tiny pipeline is 't2v' or 'i2v', got {arm!r}")
    pipe: DiffusionPipeline = _module(name).build(name, arm, seed)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def save_pair(name: str, folder: Path, *, seed: int = 0) -> tuple[Path, Path]:
    """Save both arms with ``save_pretrained`` as ``folder/t2v`` and ``folder/i2v``; return these two paths."""
    paths = (folder / "t2v", folder / "i2v")
    arms: tuple[Arm, Arm] = ("t2v", "i2v")
    for arm, path in zip(arms, paths, strict=True):
        build_pipeline(name, arm, seed=seed).save_pretrained(path)
    return paths


def load_pipeline(path: Path) -> DiffusionPipeline:
    """Load a saved arm, equal bit for bit in what it generates to the pipeline that was built.

    ``DiffusionPipeline.from_pretrained(path)`` alone loads the same weights, but mapped from the
    file at whatever byte they lie, and a CPU product of a single row rounds differently then
    (videos apart by some 1e-6). Here they move to freshly allocated, aligned memory.
    """
    from diffusers import DiffusionPipeline
    from torch import nn

    pipe: DiffusionPipeline = DiffusionPipeline.from_pretrained(path)
    for component in pipe.components.values():
        if isinstance(component, nn.Module):
            for parameter in component.parameters():
                parameter.data = parameter.data.clone()
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _module(name: str) -> ModuleType:
    if name not in _MODULES:
        raise InputError(f"no tiny pipeline is called {name!r}; there are {', '.join(PIPELINES)}")
    return import_module(f"dymos_probe.testing.{_MODULES[name]}")
