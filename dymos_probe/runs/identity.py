"""What makes two configurations of ``study.json`` those of one study; plain values, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a configuration that must not change within a study, flat."""
    flat = {"pair.scheduler": config["pair"]["scheduler"], "dtype": config["dtype"], "fps": config["fps"]}
    for arm in ("t2v", "i2v"):
        model = config["pair"][arm]
        if "sha256" in model:
            flat[f"pair.{arm}.sha256"] = model["sha256"]
        else:
            flat[f"pair.{arm}"] = f"{model['hub_id']}@{model['commit'] or model['revision']}"
    for section in ("generation", "record"):
        flat |= {f"{section}.{key}": value for key, value in config[section].items()}
    return flat


def differences(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (key, stored, asked) of every key whose values differ, in the order of the keys."""
    keys = dict.fromkeys([*stored, *asked])
    return [(k, stored.get(k), asked.get(k)) for k in keys if stored.get(k) != asked.get(k)]
