"""Table 5 (Appendix D.1), whose numbers `dymos_probe.bench.table5` holds."""

from __future__ import annotations

from typing import Final

from dymos_probe.bench.table5 import DEVICE, TABLE_5

__all__ = ["DEVICE", "LITTLE", "RANGE", "TABLE_5"]

RANGE: Final = (
    min(column.percent["dymos"] for column in TABLE_5.values()),
    max(column.percent["dymos"] for column in TABLE_5.values()),
)
"""Least and largest addition of DyMoS, per cent."""
LITTLE: Final = f"Appendix D.1, Table 5: DyMoS adds {RANGE[0]:g} to {RANGE[1]:g} %"
