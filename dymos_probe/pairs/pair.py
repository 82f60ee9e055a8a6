"""A pair as the user gives it: two models, where they come from, and how they are placed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.pairs.built import built_pair
from dymos_probe.pairs.folder import check_folder
from dymos_probe.pairs.preset import Dtype, Preset
from dymos_probe.pairs.presets import PRESETS, preset

Arm = Literal["t2v", "i2v"]
Offload = Literal["none", "model", "sequential"]

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_DEVICE: Final = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A text-to-video model and the image-to-video model tuned from it.

    Raises
    ------
    InputError
        When a source is neither a folder nor ``owner/name``, or a dtype, device or offload is unknown.
    """

    t2v: str | Path
    """Folder in diffusers' layout, or hub id ``owner/name``."""
    i2v: str | Path
    """Likewise."""
    revision_t2v: str | None = None
    """Commit, tag or branch on the hub; None takes the default branch."""
    revision_i2v: str | None = None
    """Likewise."""
    pipeline_t2v: str | None = None
    """diffusers class to load with; None takes the one the model names."""
    pipeline_i2v: str | None = None
    """Likewise."""
    preset: Preset | None = None
    """The preset it came from: the settings it is run with unless told otherwise."""
    scheduler: str | None = None
    """diffusers scheduler class to replace the model's own, taking over its configuration."""
    dtype: Dtype | None = None
    """Type of the weights; None takes float32 on a CPU, and on a GPU the preset's or bfloat16."""
    device: str = "auto"
    """``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    offload: Offload = "none"
    """What waits in main memory: nothing, whole models, or single layers (slow, least GPU memory)."""
    vae_tiling: bool = False
    """Whether the VAE works in tiles: less memory, seams possible."""

    def __post_init__(self) -> None:
        """Refuse what could not be loaded anywhere."""
        for arm, source in (("t2v", self.t2v), ("i2v", self.i2v)):
            if isinstance(source, str) and not source.strip():
                raise InputError(f"the {arm} model of a pair is a folder or a hub id 'owner/name', got {source!r}")
        if self.dtype not in (None, *get_args(Dtype)):
            raise InputError(f"dtype {self.dtype!r} is unknown; choose one of {', '.join(get_args(Dtype))}")
        if self.offload not in get_args(Offload):
            raise InputError(f"offload {self.offload!r} is unknown; choose one of {', '.join(get_args(Offload))}")
        if not _DEVICE.fullmatch(self.device):
            raise InputError(f"device {self.device!r} is unknown; choose auto, cpu, cuda, cuda:N or mps")

    def source(self, arm: Arm) -> str | Path:
        """Return the arm's model as it was given."""
        return self.t2v if arm == "t2v" else self.i2v

    def revision(self, arm: Arm) -> str | None:
        """Return the arm's hub revision as it was given."""
        return self.revision_t2v if arm == "t2v" else self.revision_i2v

    def pipeline(self, arm: Arm) -> str | None:
        """Return the diffusers class the arm is loaded with, None for the one the model names."""
        return self.pipeline_t2v if arm == "t2v" else self.pipeline_i2v

    def folder(self, arm: Arm) -> Path | None:
        """Return the arm's local folder, None for a hub id.

        A string naming an existing folder is that folder, even if it also has the form
        of a hub id; one that has not that form is taken for a folder that is missing.
        """
        source = self.source(arm)
        path = Path(source).expanduser()
        if isinstance(source, Path) or path.is_dir() or not _HUB_ID.fullmatch(source):
            return path
        return None


def load_pair(
    pair: str | Path | Pair,
    *,
    dtype: Dtype | None = None,
    device: str | None = None,
    offload: Offload | None = None,
    vae_tiling: bool | None = None,
) -> Pair:
    """Return a pair whose local models have been looked at; weights are loaded later, by `load_pipeline`.

    Parameters
    ----------
    pair
        The name of a preset, a folder with the subfolders ``t2v`` and ``i2v``, or a `Pair`. The
        tiny preset is built on first use, in the user's cache folder.
    dtype, device, offload, vae_tiling
        In place of the pair's own where given.

    Raises
    ------
    MissingFileError
        When a local folder does not exist.
    InputError
        When no preset has that name (the message lists them), or a folder holds no such model.
    EnvironmentLacksError
        When the tiny pair cannot be written to the cache folder.
    """
    given = pair if isinstance(pair, Pair) else _named(pair)
    chosen = replace(
        given,
        dtype=given.dtype if dtype is None else dtype,
        device=given.device if device is None else device,
        offload=given.offload if offload is None else offload,
        vae_tiling=given.vae_tiling if vae_tiling is None else vae_tiling,
    )
    for arm in get_args(Arm):
        folder = chosen.folder(arm)
        if folder is not None:
            check_folder(folder, arm, chosen.pipeline(arm))
    return chosen


def shipped_pair(t2v: str, i2v: str) -> tuple[Path, Path]:
    """Return the folders of a T2V and an I2V model that come with the package, by their names in ``pairs/``."""
    here = Path(__file__).parent
    return here / t2v, here / i2v


def _named(name: str | Path) -> Pair:
    if isinstance(name, str) and name in PRESETS:
        return _from_preset(preset(name))
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Pair(t2v=folder / "t2v", i2v=folder / "i2v")
    if isinstance(name, Path) or "/" in name:
        raise MissingFileError(
            f"there is no folder {name}; a pair is a folder with t2v/ and i2v/ in it, or one of {', '.join(PRESETS)}"
        )
    return _from_preset(preset(name))


def _from_preset(chosen: Preset) -> Pair:
    if chosen.t2v is None or chosen.i2v is None:
        t2v, i2v = shipped_pair(*chosen.shipped) if chosen.shipped else built_pair(chosen.name, chosen.built or "")
        return Pair(t2v=t2v, i2v=i2v, preset=chosen, scheduler=chosen.scheduler)
    return Pair(
        t2v=chosen.t2v.hub_id,
        i2v=chosen.i2v.hub_id,
        revision_t2v=chosen.t2v.revision,
        revision_i2v=chosen.i2v.revision,
        pipeline_t2v=chosen.t2v.pipeline,
        pipeline_i2v=chosen.i2v.pipeline,
        preset=chosen,
        scheduler=chosen.scheduler,
    )
