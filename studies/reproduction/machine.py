"""What ran a study: date, processor, versions."""

from __future__ import annotations

from typing import Any

from dymos_probe.bench.machine import device_name, versions
from dymos_probe.pairs import load_pair
from dymos_probe.pairs.load import placement
from studies.reproduction.results import today


def made_here(pair: str, device: str | None) -> dict[str, Any]:
    """Return what ``results.json`` says of this machine; threads, which differ between workers, are left out."""
    chosen = placement(load_pair(pair, device=device))[0]
    return {"date": today(), "device": device_name(chosen).partition(", ")[0], "versions": versions()}
