"""Table 2: Wan 2.2 on three data sets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from studies.reproduction.paper import Row

SAMPLES: Final[Mapping[str, int]] = MappingProxyType({"VBench-I2V": 246, "PVD": 200, "VidProM": 500})
"""Appendix C.3."""


def _row(data: str, method: str, *values: float) -> Row:
    return Row(place=f"Table 2, {data}, {method}", values=values)  # type: ignore[arg-type]


TABLE_2: Final[Mapping[str, Row]] = MappingProxyType(
    {
        f"{data}, {method}": _row(data, method, *values)
        for data, method, *values in (
            ("VBench-I2V", "Baseline", 51.7, 2.83, 58.0, 0.2614, 0.143),
            ("VBench-I2V", "ALG", 55.3, 2.83, 57.7, 0.2616, 0.140),
            ("VBench-I2V", "Ours", 64.8, 2.84, 57.7, 0.2621, 0.143),
            ("PVD", "Baseline", 79.0, 2.80, 55.0, 0.2147, 0.087),
            ("PVD", "ALG", 77.5, 2.80, 55.1, 0.2141, 0.084),
            ("PVD", "Ours", 85.0, 2.80, 55.1, 0.2143, 0.086),
            ("VidProM", "Baseline", 54.2, 2.78, 57.3, 0.2427, 0.064),
            ("VidProM", "ALG", 59.0, 2.78, 58.2, 0.2433, 0.062),
            ("VidProM", "Ours", 67.0, 2.80, 60.1, 0.2432, 0.062),
        )
    }
)
"""Every row, in order."""

PLACE: Final = "§4.2, Table 2, all three data sets"
