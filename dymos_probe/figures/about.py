"""What a study is, in a few lines a reader wants first: pair, settings, noise, versions, date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import xarray as xr

from dymos_probe.figures.labels import counted
from dymos_probe.store.schema import COMPLETE, CONDITION, HEAD, LAYER, QUERY_FRAME, SAMPLE, STEP

Fact = tuple[str, str]
_HASH = 12
"""Digits of a hash that are shown."""


def about_study(config: Mapping[str, Any], ds: xr.Dataset, today: date) -> list[Fact]:
    """Return (name, text) of each fact, those left out that the study's maker did not say.

    Parameters
    ----------
    config
        Of the study, from ``read_config``: not each is ``probe record``'s.
    ds
        The study, from ``open_study``.
    today
        Date of the report.
    """
    runs = int(ds[COMPLETE].sum())
    facts = [*_pair(config), *_generation(config)]
    sizes = ds.sizes
    facts.append(
        (
            "recorded",
            f"{counted(sizes[SAMPLE], 'sample')}, {counted(sizes[CONDITION], 'condition')}, {counted(runs, 'run')}; "
            f"{counted(sizes[STEP], 'step')} × {counted(sizes[LAYER], 'layer')} × {counted(sizes[HEAD], 'head')}, "
            f"{counted(sizes[QUERY_FRAME], 'latent frame')}",
        )
    )
    mode = _get(config, "record", "mode")
    if mode:
        facts[-1] = ("recorded", f"{facts[-1][1]}; mode {mode}")
    if noise := _get(config, "noise"):
        facts.append(("noise", str(noise)))
    if versions := _get(config, "versions"):
        facts.append(("versions", ", ".join(f"{name} {version}" for name, version in dict(versions).items())))
    return [*facts, ("date of this report", today.isoformat())]


def _pair(config: Mapping[str, Any]) -> list[Fact]:
    pair = config.get("pair")
    if not isinstance(pair, Mapping):
        return [("pair", str(pair))] if pair else []
    models = {arm: _get(pair, arm) or {} for arm in ("t2v", "i2v")}
    named = {arm: str(model.get("hub_id") or Path(str(model.get("folder", arm))).name) for arm, model in models.items()}
    facts = [("pair", str(pair.get("preset") or " and ".join(named.values())))]
    for arm, model in models.items():
        digest = str(model.get("revision") or model.get("commit") or model.get("sha256") or "")
        facts.append((f"{arm.upper()} model", named[arm] + (f", {digest[:_HASH]}" if digest else "")))
    return [*facts, ("about the pair", str(pair["note"]))] if pair.get("note") else facts


def _generation(config: Mapping[str, Any]) -> list[Fact]:
    settings = config.get("generation")
    if not isinstance(settings, Mapping):
        return []
    said = []
    if {"num_frames", "width", "height"} <= set(settings):
        said.append(f"{settings['num_frames']} frames of {settings['width']}×{settings['height']}")
    if "num_inference_steps" in settings:
        said.append(f"{settings['num_inference_steps']} steps")
    if "guidance_scale" in settings:
        said.append(f"guidance {settings['guidance_scale']:g}")
    said += [str(value) for value in (_get(config, "pair", "scheduler"), config.get("dtype")) if value]
    return [("settings", ", ".join(said))] if said else []


def _get(config: Any, *keys: str) -> Any:
    for key in keys:
        config = config.get(key) if isinstance(config, Mapping) else None
    return config
